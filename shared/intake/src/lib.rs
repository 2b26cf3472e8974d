//! An MSK batch → events → the fate of each record → the partial batch response. The only crate
//! that knows Lambda's Kafka JSON.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

mod batch;
mod examine;
mod headers;
mod on_failure;
mod phases;
mod record;
mod redelivery;
mod response;

pub use batch::BatchError;
pub use examine::{Examination, Examined, examine};
pub use on_failure::{EnvelopeError, OnFailureBatch, read_envelope};
pub use redelivery::{Redelivery, RedeliveryError, is_done, redelivery};

use contract::Topic;
use domain::Description;
use journal::{Config, Journal};
use lambda_runtime::{LambdaEvent, run, service_fn, tracing as lambda_tracing};
use runtime::aws_config;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use telemetry::Telemetry;

/// Serves `topic` as a Lambda function: `describe` says what one of its events means, and
/// everything else is the same for every topic. Clients and the producer are made here, in the init
/// phase, and connected; returns when the runtime stops.
///
/// # Errors
/// What is wrong with the environment, or with the Lambda Runtime API.
pub async fn serve<D: DeserializeOwned + 'static>(
    topic: Topic,
    describe: fn(D) -> Description,
) -> Result<(), lambda_runtime::Error> {
    lambda_tracing::init_default_subscriber();
    let telemetry = Arc::new(Telemetry::from_env()?);
    let journal = Arc::new(Journal::new(Config::from_env()?, &aws_config()?)?);
    journal.connect_to_start().await;
    let serving = run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let (telemetry, journal) = (telemetry.clone(), journal.clone());
        async move {
            let deadline = deadline(event.context.deadline(), SystemTime::now());
            let payload = event.payload.get();
            let answer =
                phases::handle(topic, describe, (&journal, &telemetry), payload, deadline).await;
            telemetry.traces.flush().await;
            Ok::<_, lambda_runtime::Error>(answer?)
        }
    }));
    // A task of its own: Tokio wakes the future of `main` through the kernel, and each call to AWS
    // would wake it twice.
    tokio::spawn(serving).await?
}

/// When an invocation ends. `cargo lambda watch` writes its length where the time belongs: ten
/// minutes after 1970 began.
fn deadline(written: SystemTime, now: SystemTime) -> SystemTime {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    match written.duration_since(UNIX_EPOCH) {
        Ok(length) if length < DAY => now + length,
        _ => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_of_minutes_after_1970_is_a_length_and_any_other_a_time() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let ten_minutes = Duration::from_secs(600);
        assert_eq!(deadline(UNIX_EPOCH + ten_minutes, now), now + ten_minutes);
        assert_eq!(deadline(now + ten_minutes, now), now + ten_minutes);
    }
}
