//! Lambda: takes each step of a render job for the state machine, and sweeps up jobs that hang.

mod close;
mod config;
mod fail;
mod finish;
mod logo;
mod provider;
mod step;
mod sweep;

use events::Time;
use journal::{Journal, aws_config_from_env};
use lambda_runtime::{LambdaEvent, run, service_fn, tracing as lambda_tracing};
use providers::{Provider, StudioCanvas};

use config::Config;
use step::{Reply, Step, StepError};

/// Everything a step works with, made once in the init phase.
struct Studio {
    journal: Journal,
    provider: Provider,
    s3: aws_sdk_s3::Client,
    config: Config,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_tracing::init_default_subscriber();
    let aws = aws_config_from_env()?;
    let config = Config::from_env()?;
    let studio = &Studio {
        journal: Journal::new(journal::Config::from_env()?, &aws)?,
        provider: Provider::StudioCanvas(StudioCanvas::new(&config.fonts_folder)?),
        s3: aws_sdk_s3::Client::new(&aws),
        config,
    };
    studio.journal.connect().await;
    run(service_fn(async |event: LambdaEvent<Step>| take(studio, event.payload, now()).await)).await
}

async fn take(studio: &Studio, step: Step, now: Time) -> Result<Reply, StepError> {
    let taken = match &step {
        Step::Submit { job_id } => provider::submit(studio, *job_id, now).await,
        Step::Poll { job_id } => provider::poll(studio, *job_id).await,
        Step::Finish { job_id } => finish::finish(studio, *job_id, now).await,
        Step::Fail { job_id, error, cause } => fail::fail(studio, *job_id, error, cause, now).await,
        Step::Sweep => sweep::sweep(studio, now).await,
    };
    match &taken {
        Ok(reply) => tracing::info!(?step, ?reply, "step taken"),
        Err(error) => tracing::error!(?step, "step not taken: {}", journal::chain(error)),
    }
    taken
}

fn now() -> Time {
    Time::new(jiff::Timestamp::now())
}
