//! Lambda: draws at once the jobs that the queue's messages name, and starts the executions of
//! those that are long.

mod answer;
mod batch;
mod config;
mod decision;
mod draw;
mod effects;
mod ends;
mod event;
#[cfg(test)]
mod example;
mod in_hand;
mod note;
mod progress;
mod put_off;
mod slots;
mod sweep;
mod trouble;
mod turns;

use std::time::SystemTime;

use dead_letters::DeadLetters;
use drawing::Drawer;
use executions::Executions;
use lambda_runtime::{LambdaEvent, run, service_fn};
use mimalloc::MiMalloc;
use outbox::Outbox;
use queue::NoticeQueue;
use runtime::{aws_config, deadline, start_log};
use store::Store;
use telemetry::{Telemetry, Trigger};

use config::Config;
use event::Event;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The function's clients, made once in the init phase.
struct App {
    store: Store,
    outbox: Outbox,
    executions: Executions,
    dead_letters: DeadLetters,
    drawer: Drawer,
    telemetry: Telemetry,
}

/// Drawing blocks the one thread; the uploads go on between two pictures.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_log();
    let aws = aws_config()?;
    let store = Store::from_env(&aws)?;
    let config = &Config::from_env()?;
    let app = &App {
        outbox: Outbox::new(outbox::Config::from_env()?, store.clone(), &aws)?
            .with_notices(NoticeQueue::from_env(&aws)),
        executions: Executions::new(executions::Config::from_env()?, &aws),
        dead_letters: DeadLetters::from_env(store.clone(), &aws)?,
        drawer: Drawer::new(drawing::Config::from_env()?, &aws)?,
        telemetry: Telemetry::from_env()?,
        store,
    };
    tokio::join!(app.outbox.connect(), app.drawer.paths.read_early());
    run(service_fn(async |event: LambdaEvent<Event>| {
        let invocation = app.telemetry.invoked(Trigger::PubSub);
        let deadline = deadline(event.context.deadline(), SystemTime::now());
        let answer = batch::handle(config, app, &event.payload, deadline).await;
        // A message that failed is no error of its invocation.
        invocation.end(false).await;
        Ok::<_, lambda_runtime::Error>(answer)
    }))
    .await
}
