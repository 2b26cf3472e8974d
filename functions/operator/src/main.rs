//! Lambda: runs an operator's requests inside the VPC. The command line `studio` invokes it.

mod audit;
mod breakers;
mod bulk;
mod cancel;
mod config;
mod correct;
mod counts;
mod delivery;
mod depth;
mod discard;
mod erase_tenant;
#[cfg(test)]
mod fixtures;
mod gather;
mod invoke;
mod job_state;
mod jobs_of;
mod list;
mod redrive;
mod remainders;
mod resubmit;
mod selected_jobs;
mod set_aside;
mod show;
mod smoke;
mod step;
mod voices;
mod voices_listed;
mod waiting;
mod why;

use contract::Time;
use dead_letters::DeadLetters;
use domain::{JobId, VoiceModelId};
use executions::Executions;
use lambda_runtime::{LambdaEvent, run, service_fn};
use mimalloc::MiMalloc;
use operations::Step;
use outbox::Outbox;
use queue::RenderQueue;
use runtime::{aws_config, start_log};
use serde::Deserialize as _;
use serde_json::Value;
use store::Store;
use telemetry::Telemetry;

use bulk::Change;
use config::Config;
use step::{OperatorAnswer, StepError};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The clients and configuration of every step, made once in the init phase.
struct Operator {
    store: Store,
    outbox: Outbox,
    executions: Executions,
    dead_letter_queue: RenderQueue,
    dead_letters: DeadLetters,
    lambda: aws_sdk_lambda::Client,
    config: Config,
    telemetry: Telemetry,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_log();
    let aws = aws_config()?;
    let store = Store::from_env(&aws)?;
    let config = Config::from_env()?;
    let operator = &Operator {
        telemetry: Telemetry::from_env()?,
        outbox: Outbox::new(outbox::Config::from_env()?, store.clone(), &aws)?,
        executions: Executions::new(executions::Config::from_env()?, &aws),
        dead_letter_queue: RenderQueue::new(config.dead_letter_queue.clone(), &aws),
        dead_letters: DeadLetters::from_env(store.clone(), &aws)?,
        store,
        lambda: invoke::client(&aws),
        config,
    };
    run(service_fn(async |event: LambdaEvent<Value>| {
        let (mut asked, request_id) = (event.payload, &event.context.request_id);
        let answered = take_and_note(operator, &mut asked, request_id, now()).await;
        answered.inspect_err(|error| tracing::error!("the step failed: {}", runtime::chain(error)))
    }))
    .await
}

/// Takes a step. A change has an entry in the audit before it is made.
async fn take_and_note(
    operator: &Operator,
    asked: &mut Value,
    request_id: &str,
    now: Time,
) -> Result<OperatorAnswer, StepError> {
    let by = audit::take_asker(asked)?;
    let step = Step::deserialize(&*asked).map_err(StepError::Payload)?;
    if !step.is_change() {
        return take(operator, step, request_id, now).await;
    }
    audit::open(operator, &by, asked, request_id, now).await?;
    let answered = take(operator, step, request_id, now).await;
    audit::close(operator, request_id, &answered).await;
    answered
}

async fn take(
    operator: &Operator,
    step: Step,
    request_id: &str,
    now: Time,
) -> Result<OperatorAnswer, StepError> {
    // The log has the request, but not the result.
    tracing::info!(?step, "asked");
    Ok(match step {
        Step::Gather => OperatorAnswer::Gathered(gather::gather_and_count(operator, now).await?),
        Step::ListDeadLetters(list) => {
            OperatorAnswer::Listed(list::list(operator, &list, now).await?)
        }
        Step::CountDeadLetters(count) => {
            OperatorAnswer::Counted(counts::of_dead_letters(operator, &count, now).await?)
        }
        Step::SetAside(step) => {
            OperatorAnswer::SetAside(set_aside::set_aside(operator, &step, now).await?)
        }
        Step::ShowDeadLetter { id } => {
            OperatorAnswer::Shown(Box::new(show::show(operator, id).await?))
        }
        Step::Redrive(step) => {
            OperatorAnswer::Handled(redrive::redrive(operator, &step, now).await?)
        }
        Step::Correct(step) => {
            OperatorAnswer::Corrected(correct::correct(operator, &step, now).await?)
        }
        Step::Discard(step) => {
            OperatorAnswer::Handled(discard::discard(operator, &step, now).await?)
        }
        Step::Smoke { within, event } => {
            let event = match event {
                Some(event) => event,
                None => smoke::send(operator, request_id, now).await?,
            };
            OperatorAnswer::Smoked(smoke::wait(operator, &event, within, now).await?)
        }
        Step::ListJobs(list) => OperatorAnswer::JobsListed(jobs_of::list(operator, &list).await?),
        Step::CountJobs(count) => OperatorAnswer::Counted(counts::of_jobs(operator, &count).await?),
        Step::ResubmitJobs(step) => {
            let handled = bulk::change(operator, &step, Change::Resubmit, now).await?;
            OperatorAnswer::JobsHandled(handled)
        }
        Step::CancelJobs(step) => {
            let handled = bulk::change(operator, &step, Change::Cancel, now).await?;
            OperatorAnswer::JobsHandled(handled)
        }
        Step::ShowJob { tenant, job } => {
            let shown = why::show(operator, &tenant, JobId(job), now).await?;
            OperatorAnswer::JobShown(Box::new(shown))
        }
        Step::ResubmitJob(change) => {
            OperatorAnswer::JobHandled(Box::new(resubmit::resubmit(operator, &change, now).await?))
        }
        Step::CancelJob(change) => {
            OperatorAnswer::JobHandled(Box::new(cancel::cancel(operator, &change).await?))
        }
        Step::EraseTenant { tenant, execute } => {
            let erased = erase_tenant::erase_tenant(operator, tenant, execute).await;
            OperatorAnswer::TenantHandled(erased?)
        }
        Step::CloseRemainder(close) => {
            OperatorAnswer::RemainderHandled(remainders::close(operator, close, now).await?)
        }
        Step::ListVoices(list) => {
            OperatorAnswer::VoicesListed(voices_listed::list(operator, &list).await?)
        }
        Step::ShowVoice { tenant, voice } => {
            let shown = voices::show(operator, &tenant, VoiceModelId(voice)).await?;
            OperatorAnswer::VoiceShown(Box::new(shown))
        }
        Step::VerifyVoice(step) => {
            OperatorAnswer::VoiceHandled(Box::new(voices::verify(operator, step).await?))
        }
        Step::EraseVoice(step) => {
            OperatorAnswer::VoiceHandled(Box::new(voices::erase(operator, step).await?))
        }
        Step::ListProviders => {
            OperatorAnswer::ProvidersListed(breakers::list(operator, now).await?)
        }
        Step::CloseBreaker { provider, execute } => {
            let handled = breakers::close(operator, &provider, execute, now).await?;
            OperatorAnswer::BreakerHandled(handled)
        }
        Step::Queue => OperatorAnswer::Queued(depth::show(operator, now).await?),
        Step::ListAudit(list) => {
            OperatorAnswer::AuditListed(audit::list(operator, &list, now).await?)
        }
        Step::Why(ask) => {
            OperatorAnswer::Explained(Box::new(why::explain(operator, &ask, now).await?))
        }
    })
}

fn now() -> Time {
    Time::new(jiff::Timestamp::now())
}
