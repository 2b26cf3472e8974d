//! Lambda: reads each minute what does *not* happen, and emits it as metrics. An alarm on a metric
//! that only work emits is silent when no work is done. This function does none of the work, so what
//! stops that does not stop this; and its own metrics that are missing raise the alarms.
//!
//! It reads times, counts and states: no event, no text of a tenant's, no record, no message.

mod config;
mod error;
mod heartbeats;
mod late;
mod mappings;
mod oldest;
mod readings;
mod records;

use std::convert::Infallible;

use contract::Time;
use kafka::Topics;
use lambda_runtime::{LambdaEvent, run, service_fn};
use mimalloc::MiMalloc;
use queue::RenderQueue;
use runtime::{aws_config, start_log};
use serde_json::Value;
use store::Store;
use telemetry::{Measured, Reading, Telemetry};

use config::Config;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The clients and configuration, made once in the init phase.
struct App {
    store: Store,
    queue: RenderQueue,
    topics: Topics,
    lambda: aws_sdk_lambda::Client,
    config: Config,
    telemetry: Telemetry,
}

impl App {
    fn emit(&self, reading: Reading<'_>) {
        self.telemetry.metrics.emit(Measured::Reading(reading));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_log();
    let aws = aws_config()?;
    let app = &App {
        store: Store::from_env(&aws)?,
        queue: RenderQueue::new(queue::Config::from_env()?, &aws),
        topics: Topics::new(&kafka::Config::from_env()?, &aws),
        lambda: aws_sdk_lambda::Client::new(&aws),
        config: Config::from_env()?,
        telemetry: Telemetry::from_env()?,
    };
    run(service_fn(async |_: LambdaEvent<Value>| {
        let now = Time::new(jiff::Timestamp::now());
        Ok::<_, Infallible>(readings::read(app, now).await)
    }))
    .await
}
