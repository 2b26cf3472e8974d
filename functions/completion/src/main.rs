//! Lambda: runs the steps of the state machines for render jobs and cloned voices, and sweeps up
//! overdue ones.

mod assets;
mod attempts;
mod audio;
mod config;
mod end;
mod leases;
mod logo;
mod measure;
mod media;
mod pause;
mod step;
mod steps;

use contract::Time;
use dead_letters::DeadLetters;
use domain::ProviderId;
use lambda_runtime::{LambdaEvent, run, service_fn, tracing as lambda_tracing};
use mimalloc::MiMalloc;
use outbox::Outbox;
use providers::{Providers, StudioCanvas};
use runtime::aws_config;
use store::Store;
use telemetry::Telemetry;
use uuid::Uuid;

use config::Config;
use step::{Reply, Step, StepError};
use steps::{cancel, erase, fail, finish, poll, submit, sweep, voice};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The clients and configuration of every step, made once in the init phase.
struct App {
    store: Store,
    outbox: Outbox,
    dead_letters: DeadLetters,
    providers: Providers,
    s3: aws_sdk_s3::Client,
    config: Config,
    telemetry: Telemetry,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_tracing::init_default_subscriber();
    let aws = aws_config()?;
    let store = Store::from_env(&aws)?;
    let config = Config::from_env()?;
    let app = &App {
        telemetry: Telemetry::from_env()?,
        outbox: Outbox::new(outbox::Config::from_env()?, store.clone(), &aws)?,
        dead_letters: DeadLetters::from_env(store.clone(), &aws)?,
        store,
        providers: Providers::new(
            StudioCanvas::new(&config.fonts_folder)?,
            &config.providers,
            &aws,
            &config.keys,
        )?,
        s3: aws_sdk_s3::Client::new(&aws),
        config,
    };
    app.outbox.connect().await;
    run(service_fn(async |event: LambdaEvent<Step>| {
        let token = token(&event.context.request_id);
        let taken = take(app, event.payload, token, now()).await;
        app.telemetry.traces.flush().await;
        taken
    }))
    .await
}

async fn take(app: &App, step: Step, token: Uuid, now: Time) -> Result<Reply, StepError> {
    let taken = match &step {
        Step::Submit { job_id } => submit::submit(app, *job_id, token, now).await,
        Step::Poll { job_id } => poll::poll(app, *job_id, now).await,
        Step::Finish { job_id } => finish::finish(app, *job_id, now).await,
        Step::Fail {
            job_id,
            error,
            cause,
        } => fail::fail(app, *job_id, error, cause, now).await,
        Step::Cancel { job_id } => cancel::cancel(app, *job_id, now).await,
        Step::RegisterVoice { name, input } => voice::register(app, name, input, now).await,
        Step::AdvanceVoice { voice_model_id } => {
            voice::advance(app, *voice_model_id, token, now).await
        }
        Step::AwaitOwner {
            voice_model_id,
            task_token,
        } => voice::await_owner(app, *voice_model_id, task_token, now).await,
        Step::VerifyVoice {
            voice_model_id,
            tenant_id,
            recording,
        } => {
            voice::verify(
                app,
                *voice_model_id,
                tenant_id,
                recording.as_ref(),
                token,
                now,
            )
            .await
        }
        Step::FailVoice {
            voice_model_id,
            error,
            cause,
        } => voice::fail(app, voice_model_id, error, cause, now).await,
        Step::EraseVoice {
            voice_model_id,
            tenant_id,
        } => voice::erase(app, *voice_model_id, tenant_id, now).await,
        Step::EraseTenant { tenant_id } => erase::erase_tenant(app, tenant_id, now).await,
        Step::CloseBreaker { provider } => close_breaker(app, *provider, now).await,
        Step::Sweep => sweep::sweep(app, now).await,
    };
    match &taken {
        Ok(reply) => tracing::info!(?step, ?reply, "step taken"),
        Err(error) => tracing::error!(?step, "step not taken: {}", runtime::chain(error)),
    }
    taken
}

async fn close_breaker(app: &App, provider: ProviderId, now: Time) -> Result<Reply, StepError> {
    app.store.close_breaker(provider, now).await?;
    Ok(Reply::BreakerClosed)
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
