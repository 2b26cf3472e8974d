//! An MSK batch → events → the fate of each record → the partial batch response. The only crate that knows Lambda's Kafka JSON.

mod batch;
mod phases;
mod record;
mod response;

use events::Topic;
use jobs::Description;
use journal::{Config, Journal, aws_config_from_env};
use lambda_runtime::{LambdaEvent, run, service_fn, tracing as lambda_tracing};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// Serves `topic` as a Lambda function: `describe` says what one of its events means, and everything else is the same for
/// every topic. Clients and the producer are made here, in the init phase, and connected; returns when the runtime stops.
///
/// # Errors
/// What is wrong with the environment, or with the Lambda Runtime API.
pub async fn serve<D: DeserializeOwned>(
    topic: Topic,
    describe: fn(D) -> Description,
) -> Result<(), lambda_runtime::Error> {
    lambda_tracing::init_default_subscriber();
    let journal = &Journal::new(Config::from_env()?, &aws_config_from_env()?);
    journal.connect().await;
    run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        let deadline = event.context.deadline();
        Ok::<_, lambda_runtime::Error>(phases::handle(topic, describe, journal, event.payload.get(), deadline).await?)
    }))
    .await
}
