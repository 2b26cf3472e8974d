//! Lambda: erases voices and tenants. It alone has the power to delete versions of files, records
//! and recordings, and it reads no object.

mod cdn;
mod config;
mod keepers;
mod step;
mod tenant;
mod voice;

use asset_paths::Paths;
use contract::Time;
use dead_letters::DeadLetters;
use domain::VoiceModelId;
use executions::Executions;
use lambda_runtime::{LambdaEvent, run, service_fn};
use mimalloc::MiMalloc;
use operations::EraseStep;
use outbox::Outbox;
use providers::Vendors;
use runtime::{aws_config, start_log};
use store::Store;
use telemetry::{Telemetry, Trigger};

use cdn::Cdn;
use config::Config;
use step::{Reply, StepError};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The clients and configuration of every step, made once in the init phase.
struct App {
    store: Store,
    outbox: Outbox,
    executions: Executions,
    dead_letters: DeadLetters,
    vendors: Vendors,
    s3: aws_sdk_s3::Client,
    paths: Paths,
    cdn: Option<Cdn>,
    config: Config,
    telemetry: Telemetry,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_log();
    let aws = aws_config()?;
    let store = Store::from_env(&aws)?;
    let config = Config::from_env()?;
    let cdn = match &config.asset_distribution {
        Some(id) => {
            let credentials = aws
                .credentials_provider()
                .ok_or("no credentials for the CDN")?;
            Some(Cdn::new(id.clone(), credentials, aws.endpoint_url())?)
        }
        None => None,
    };
    let app = &App {
        telemetry: Telemetry::from_env()?,
        outbox: Outbox::new(outbox::Config::from_env()?, store.clone(), &aws)?,
        executions: Executions::new(executions::Config::from_env()?, &aws),
        dead_letters: DeadLetters::from_env(store.clone(), &aws)?,
        store,
        vendors: Vendors::new(&config.providers, &aws, &config.keys)?,
        s3: aws_sdk_s3::Client::new(&aws),
        paths: Paths::new(&aws, config.asset_paths_secret.clone()),
        cdn,
        config,
    };
    tokio::join!(app.outbox.connect(), app.paths.read_early());
    run(service_fn(async |event: LambdaEvent<EraseStep>| {
        let invocation = app.telemetry.invoked(Trigger::Other);
        let taken = take(app, &event.payload, now()).await;
        invocation.end(taken.is_err()).await;
        taken
    }))
    .await
}

async fn take(app: &App, step: &EraseStep, now: Time) -> Result<Reply, StepError> {
    let taken = match step {
        EraseStep::EraseVoice {
            voice_model_id,
            tenant_id,
        } => voice::erase_alone(app, VoiceModelId(*voice_model_id), tenant_id, now)
            .await
            .map(Reply::Voice),
        EraseStep::EraseTenant { tenant_id } => tenant::erase_tenant(app, tenant_id, now)
            .await
            .map(Reply::Tenant),
    };
    match &taken {
        Ok(reply) => tracing::info!(?step, ?reply, "step taken"),
        Err(error) => tracing::error!(?step, "step not taken: {}", runtime::chain(error)),
    }
    taken
}

fn now() -> Time {
    Time::new(jiff::Timestamp::now())
}
