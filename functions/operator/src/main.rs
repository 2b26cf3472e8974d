//! Lambda: runs an operator's requests inside the VPC. The command line `studio` invokes it.

mod cancel;
mod config;
mod discard;
mod gather;
mod invoke;
mod jobs_of;
mod list;
mod redrive;
mod resubmit;
mod show;
mod smoke;
mod step;
mod topics;
mod waiting;

use contract::Time;
use dead_letters::DeadLetters;
use domain::JobId;
use kafka::Topics;
use lambda_runtime::{LambdaEvent, run, service_fn, tracing as lambda_tracing};
use mimalloc::MiMalloc;
use operations::Step;
use outbox::Outbox;
use runtime::aws_config;
use serde_json::Value;
use store::Store;
use telemetry::Telemetry;

use config::Config;
use step::{Answer, StepError};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The clients and configuration of every step, made once in the init phase.
struct Operator {
    store: Store,
    outbox: Outbox,
    dead_letters: DeadLetters,
    topics: Topics,
    lambda: aws_sdk_lambda::Client,
    config: Config,
    telemetry: Telemetry,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_tracing::init_default_subscriber();
    let aws = aws_config()?;
    let store = Store::from_env(&aws)?;
    let outbox_config = outbox::Config::from_env()?;
    let operator = &Operator {
        telemetry: Telemetry::from_env()?,
        topics: Topics::new(&outbox_config.kafka, &aws),
        outbox: Outbox::new(outbox_config, store.clone(), &aws)?,
        dead_letters: DeadLetters::from_env(store.clone(), &aws)?,
        store,
        lambda: invoke::client(&aws),
        config: Config::from_env()?,
    };
    run(service_fn(async |event: LambdaEvent<Value>| {
        answer(operator, event.payload, &event.context.request_id, now()).await
    }))
    .await
}

/// Answers a request: a step from an operator, or a custom resource from CloudFormation.
async fn answer(
    operator: &Operator,
    asked: Value,
    request_id: &str,
    now: Time,
) -> Result<Answer, StepError> {
    let answered = match asked.get("RequestType") {
        Some(_) => match serde_json::from_value(asked) {
            Ok(asked) => topics::provide(operator, &asked)
                .await
                .map(|()| Answer::Provided {}),
            Err(error) => Err(StepError::Payload(error)),
        },
        None => match serde_json::from_value(asked) {
            Ok(step) => take(operator, step, request_id, now).await,
            Err(error) => Err(StepError::Payload(error)),
        },
    };
    answered.inspect_err(|error| tracing::error!("not done: {}", runtime::chain(error)))
}

async fn take(
    operator: &Operator,
    step: Step,
    request_id: &str,
    now: Time,
) -> Result<Answer, StepError> {
    // The log has the request, but not the result.
    tracing::info!(?step, "asked");
    match step {
        Step::Gather => gather::gather_and_count(operator)
            .await
            .map(Answer::Gathered),
        Step::ListDeadLetters {
            filter,
            after,
            most,
        } => list::list(operator, &filter, after.as_deref(), most, now)
            .await
            .map(Answer::Listed),
        Step::ShowDeadLetter { id } => show::show(operator, id)
            .await
            .map(|shown| Answer::Shown(Box::new(shown))),
        Step::Redrive {
            which,
            after,
            execute,
            pace,
        } => redrive::redrive(operator, &which, after.as_deref(), execute, pace, now)
            .await
            .map(Answer::Handled),
        Step::Discard {
            which,
            after,
            execute,
        } => discard::discard(operator, &which, after.as_deref(), execute, now)
            .await
            .map(Answer::Handled),
        // An invocation's id is unique, so each smoke check sends a new event.
        Step::Smoke { within } => smoke::smoke(operator, request_id, within, now)
            .await
            .map(Answer::Smoked),
        Step::ListJobs {
            tenant,
            filter,
            after,
            most,
        } => jobs_of::list(operator, &tenant, &filter, after.as_deref(), most)
            .await
            .map(Answer::JobsListed),
        Step::ShowJob { tenant, job } => jobs_of::show(operator, &tenant, JobId(job))
            .await
            .map(|shown| Answer::JobShown(Box::new(shown))),
        Step::ResubmitJob {
            tenant,
            job,
            execute,
        } => {
            let handled = resubmit::resubmit(operator, &tenant, JobId(job), execute, now).await;
            handled.map(|handled| Answer::JobHandled(Box::new(handled)))
        }
        Step::CancelJob {
            tenant,
            job,
            execute,
        } => {
            let handled = cancel::cancel(operator, &tenant, JobId(job), execute).await;
            handled.map(|handled| Answer::JobHandled(Box::new(handled)))
        }
    }
}

fn now() -> Time {
    Time::new(jiff::Timestamp::now())
}
