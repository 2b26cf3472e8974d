//! Lambda: tells teams of the jobs that failed, by webhook and on an event bus. What ends a job only
//! puts its id into the queue of notices; so no endpoint of a team's holds up a job.

mod address;
mod batch;
mod bus;
mod config;
mod effects;
mod event;
mod failed_job;
mod signature;
mod teams;
mod webhook;

use lambda_runtime::{LambdaEvent, run, service_fn};
use mimalloc::MiMalloc;
use runtime::{aws_config, start_log};
use store::Store;
use telemetry::Telemetry;

use bus::Bus;
use config::Config;
use event::Event;
use teams::TeamsSecret;
use webhook::Client;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The function's clients, made once in the init phase.
struct App {
    store: Store,
    /// `None` where no team has a webhook.
    teams: Option<TeamsSecret>,
    webhooks: Client,
    /// `None` where nothing is put on an event bus.
    bus: Option<Bus>,
    telemetry: Telemetry,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_log();
    let aws = aws_config()?;
    let config = Config::from_env();
    let app = &App {
        store: Store::from_env(&aws)?,
        teams: config
            .secret
            .map(|name| TeamsSecret::new(&aws, name, config.destinations)),
        webhooks: Client::new(config.destinations)?,
        bus: config.bus.map(|name| Bus::new(&aws, name)),
        telemetry: Telemetry::from_env()?,
    };
    run(service_fn(async |event: LambdaEvent<Event>| {
        let answer = batch::handle(app, &event.payload).await;
        app.telemetry.traces.flush().await;
        Ok::<_, lambda_runtime::Error>(answer)
    }))
    .await
}
