//! Lambda: runs the steps of the state machines for long render jobs and cloned voices, and sweeps
//! up what is overdue, jobs of the queue among it.

mod answers;
mod assets;
mod attempts;
mod audio;
mod breaker;
mod config;
mod end;
mod executions;
mod kept;
mod last_look;
mod leases;
mod media;
mod paintings;
mod pause;
mod put_down;
#[cfg(test)]
mod released;
mod spoken;
mod step;
mod steps;
mod turns;
mod usage;

use ::executions::Executions;
use contract::Time;
use domain::{JobId, VoiceModelId};
use drawing::Drawer;
use lambda_runtime::{LambdaEvent, run, service_fn};
use mimalloc::MiMalloc;
use operations::CompletionStep;
use outbox::Outbox;
use providers::Providers;
use queue::{NoticeQueue, RenderQueue};
use runtime::{aws_config, start_log};
use store::{MetTrouble, Schedule, Store};
use telemetry::{Telemetry, Trigger};
use uuid::Uuid;

use config::Config;
use step::{MachineStep, Reply, Request, StepError};
use steps::{cancel, fail, finish, poll, submit, sweep, voice};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The clients and configuration of every step, made once in the init phase.
struct App {
    store: Store,
    outbox: Outbox,
    executions: Executions,
    dead_letter_queue: RenderQueue,
    providers: Providers,
    drawer: Drawer,
    config: Config,
    telemetry: Telemetry,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_log();
    let aws = aws_config()?;
    let store = Store::from_env(&aws)?;
    let config = Config::from_env()?;
    let outbox = outbox::Config::from_env()?;
    config.providers.check_routing(&outbox.routing)?;
    let drawer = Drawer::new(drawing::Config::from_env()?, &aws)?;
    let app = &App {
        telemetry: Telemetry::from_env()?,
        outbox: Outbox::new(outbox, store.clone(), &aws)?.with_notices(NoticeQueue::from_env(&aws)),
        executions: Executions::new(::executions::Config::from_env()?, &aws),
        dead_letter_queue: RenderQueue::new(config.dead_letter_queue.clone(), &aws),
        store,
        providers: Providers::new(drawer.canvas.clone(), &config.providers, &aws, &config.keys)?,
        drawer,
        config,
    };
    tokio::join!(app.outbox.connect(), app.drawer.paths.read_early());
    run(service_fn(async |event: LambdaEvent<Request>| {
        let invocation = app.telemetry.invoked(Trigger::Other);
        let token = token(&event.context.request_id);
        let taken = take(app, event.payload, token, now()).await;
        invocation.end(taken.is_err()).await;
        taken
    }))
    .await
}

async fn take(app: &App, request: Request, token: Uuid, now: Time) -> Result<Reply, StepError> {
    let taken = match &request {
        Request::Machine(step) => take_machine_step(app, step, token, now).await,
        Request::Operator(step) => take_operator_step(app, step, token, now).await,
    };
    match &taken {
        Ok(reply) => tracing::info!(step = ?request, ?reply, "step taken"),
        Err(error) => {
            tracing::error!(step = ?request, "step not taken: {}", runtime::chain(error));
            note_trouble(app, &request, error, now).await;
        }
    }
    taken
}

/// Notes in the item of the job what its step met, for an operator who asks why the job waits: the
/// state machine takes the step again. Nothing is noted if it is DynamoDB that is away, or if the
/// step is that of an execution which is none of the job's.
async fn note_trouble(app: &App, request: &Request, error: &StepError, now: Time) {
    let Request::Machine(
        MachineStep::Submit { job_id, .. }
        | MachineStep::Poll { job_id, .. }
        | MachineStep::Finish { job_id, .. }
        | MachineStep::Fail { job_id, .. },
    ) = request
    else {
        return;
    };
    if matches!(
        error,
        StepError::Store(_) | StepError::NotItsExecution { .. }
    ) {
        return;
    }
    let trouble = MetTrouble {
        at: now,
        what: runtime::chain(error),
        again: None,
    };
    if let Err(error) = app.store.note_trouble(*job_id, &trouble).await {
        tracing::debug!(job = %job_id, "its trouble is not noted: {}", runtime::chain(&error));
    }
}

async fn take_machine_step(
    app: &App,
    step: &MachineStep,
    token: Uuid,
    now: Time,
) -> Result<Reply, StepError> {
    match step {
        MachineStep::Submit { job_id, name } => {
            submit::submit(app, *job_id, name, token, now).await
        }
        MachineStep::Poll { job_id, name } => poll::poll(app, *job_id, name, now).await,
        MachineStep::Finish { job_id, name } => finish::finish(app, *job_id, name, now).await,
        MachineStep::Fail {
            job_id,
            name,
            error,
            cause,
        } => fail::fail(app, (*job_id, name), (error, cause), now).await,
        MachineStep::RegisterVoice {
            name,
            input,
            started_at,
        } => voice::register(app, name, input, started_at.unwrap_or(now), now).await,
        MachineStep::AdvanceVoice {
            voice_model_id,
            name,
        } => voice::advance(app, *voice_model_id, name, token, now).await,
        MachineStep::AwaitOwner {
            voice_model_id,
            name,
            task_token,
        } => voice::await_owner(app, (*voice_model_id, name), task_token, now).await,
        MachineStep::FailVoice {
            voice_model_id,
            name,
            error,
            cause,
        } => voice::fail(app, (voice_model_id, name), (error, cause), now).await,
        MachineStep::Sweep => {
            let swept = sweep::sweep(app, now).await?;
            app.store.note_run(Schedule::Sweep, now).await?;
            Ok(swept)
        }
    }
}

async fn take_operator_step(
    app: &App,
    step: &CompletionStep,
    token: Uuid,
    now: Time,
) -> Result<Reply, StepError> {
    match step {
        CompletionStep::Cancel { job_id } => cancel::cancel(app, JobId(*job_id), now).await,
        CompletionStep::VerifyVoice {
            voice_model_id,
            tenant_id,
            recording,
        } => {
            let id = VoiceModelId(*voice_model_id);
            voice::verify(app, id, tenant_id, recording.as_ref(), token, now)
                .await
                .map(Reply::VoiceVerification)
        }
    }
}

/// This invocation's unique token: its request id, which Lambda makes a UUID.
fn token(request_id: &str) -> Uuid {
    request_id
        .parse()
        .unwrap_or_else(|_| domain::derive(&[b"request", request_id.as_bytes()]))
}

fn now() -> Time {
    Time::new(jiff::Timestamp::now())
}
