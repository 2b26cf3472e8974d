//! Consumes MSK batches: a batch → inbound events → the fate of each record → the partial batch
//! response. This is the only crate that knows Lambda's Kafka JSON.

use std::{sync::Arc, time::SystemTime};

mod batch;
mod calls;
mod effects;
mod examine;
mod headers;
mod on_failure;
mod phases;
mod progress;
mod record;
mod record_error;
mod redelivery;
mod remarks;
mod report;
mod response;

pub use batch::BatchError;
pub use examine::{Examination, Examined, examine};
pub use on_failure::{EnvelopeError, OnFailureBatch, read_envelope};
pub use record::ReadEvent;
pub use redelivery::{Redelivery, RedeliveryError, is_done, redelivery};

use contract::Topic;
use dead_letters::DeadLetters;
use domain::Description;
use lambda_runtime::{LambdaEvent, run, service_fn};
use outbox::{Config, Outbox};
use runtime::{aws_config, deadline, start_log};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use store::Store;
use telemetry::{Telemetry, Trigger};

/// A consumer's clients, made once in the init phase.
pub(crate) struct App {
    store: Store,
    outbox: Outbox,
    dead_letters: DeadLetters,
    telemetry: Telemetry,
}

/// Serves `topic` as a Lambda function. `describe` turns an event's data into a description; the
/// rest is the same for every topic. The clients and the producer are made and connected here, in
/// the init phase. Returns when the runtime stops.
///
/// # Errors
/// An error of the environment's configuration or of the Lambda Runtime API.
pub async fn serve<D: DeserializeOwned + 'static>(
    topic: Topic,
    describe: fn(D) -> Description,
) -> Result<(), lambda_runtime::Error> {
    start_log();
    let aws = aws_config()?;
    let store = Store::from_env(&aws)?;
    let app = Arc::new(App {
        outbox: Outbox::new(Config::from_env()?, store.clone(), &aws)?,
        dead_letters: DeadLetters::from_env(store.clone(), &aws)?,
        store,
        telemetry: Telemetry::from_env()?,
    });
    app.outbox.connect_to_send().await;
    let serving = run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let app = Arc::clone(&app);
        async move {
            let invocation = app.telemetry.invoked(Trigger::PubSub);
            let deadline = deadline(event.context.deadline(), SystemTime::now());
            let payload = event.payload.get();
            let answer = phases::handle(topic, describe, &*app, payload, deadline).await;
            invocation.end(answer.is_err()).await;
            Ok::<_, lambda_runtime::Error>(answer?)
        }
    }));
    // Runs as a task of its own: Tokio wakes the future of `main` through the kernel, and each call
    // to AWS would cause two such wake-ups.
    tokio::spawn(serving).await?
}
