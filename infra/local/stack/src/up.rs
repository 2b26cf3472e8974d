//! A local stack that runs until it is stopped.

use std::collections::HashSet;
use std::future::Future;
use std::io;
use std::path::PathBuf;

use contract::Topic;
use kafka_client::Reader;
use poller::What;
use web_console::Console;

use crate::broker::Broker;
use crate::dead_letters::{self, DeadLetter};
use crate::environment::{self, EnvFile};
use crate::ports::is_free;
use crate::records::Produced;
use crate::reports::{tell, tell_of_queue};
use crate::stack::{self, Options, Stack};
use crate::story::Story;
use crate::timeline::{Mark, Timeline};

mod how_to;

use how_to::how_to;

/// The default port of Kafka's clients.
const BROKER_PORT: u16 = 9092;
/// The usual port of local AWS emulators.
const AWS_PORT: u16 = 4566;
/// The console's port, always the same if it is free, so that a bookmark works.
const CONSOLE_PORT: u16 = 4567;

/// Why the stack is not up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stack failed.
    #[error(transparent)]
    Stack(#[from] stack::Error),
    /// The console cannot be served.
    #[error("the console cannot listen on a port")]
    Console(#[source] io::Error),
    /// The topics cannot be read.
    #[error("the broker cannot be read")]
    Read(#[source] kafka_client::Error),
    /// The table cannot be read.
    #[error(transparent)]
    Table(#[from] dead_letters::Error),
    /// The file for the shell cannot be written.
    #[error(transparent)]
    Environment(#[from] environment::Error),
}

/// Starts a stack, prints how to use it, shows what happens, and stops everything when `until`
/// completes. `env` is the file for the shell.
pub async fn run(
    mut options: Options,
    env: PathBuf,
    until: impl Future<Output = ()>,
    timeline: &Timeline,
) -> Result<(), Error> {
    if !matches!(options.broker, Broker::External(_)) {
        options.broker_port = preferred(BROKER_PORT, "the broker", timeline);
    }
    options.aws_port = preferred(AWS_PORT, "AWS", timeline);
    let console_port = preferred(CONSOLE_PORT, "the console", timeline);

    timeline.wait_for("starting the local stack");
    let mut until = std::pin::pin!(until);
    let mut stack = tokio::select! {
        stack = Stack::start(&options) => stack?,
        () = &mut until => return Ok(()),
    };
    timeline.rest();
    let env = EnvFile::write(&stack, &options.checkout, env).await?;
    let console = Console::start(console_of(&stack, console_port))
        .await
        .map_err(Error::Console)?;
    println!("{}", how_to(&stack, &console, &options, &env.path));

    tokio::select! {
        shown = show(&mut stack, &console, timeline) => shown?,
        () = until => {}
    }
    timeline.rest();
    timeline.say(Mark::Stack, "stopping");
    drop(console);
    stack.stop().await;
    timeline.say(Mark::Stack, "everything that was started has stopped");
    Ok(())
}

/// The port, if it is free. If not, says so.
fn preferred(port: u16, what: &str, timeline: &Timeline) -> Option<u16> {
    let free = is_free(port);
    if !free {
        let text = format!("port {port} is in use, so {what} gets another");
        timeline.say(Mark::Stack, &text);
    }
    free.then_some(port)
}

/// Shows every record and every report, on the console and on the timeline, until one cannot be
/// read.
async fn show(stack: &mut Stack, console: &Console, timeline: &Timeline) -> Result<(), Error> {
    let topics = Topic::ALL.map(Topic::as_str);
    let mut reader = Reader::start(stack.broker.cluster(), &topics, stack.broker.begin())
        .await
        .map_err(Error::Read)?;
    let mut story = Story::default();
    let mut dead_letters = HashSet::new();
    loop {
        tokio::select! {
            record = reader.next() => {
                let record = record.map_err(Error::Read)?;
                console.record(&record);
                let chapter = story.take(&Produced::from(record));
                timeline.say(chapter.mark, &chapter.text);
                if let Some(asset) = chapter.asset {
                    timeline.say(chapter.mark, &format!("{} is at {}", asset.name, asset.output_url));
                }
                match story.open() {
                    open if open.is_empty() => timeline.rest(),
                    open => timeline.wait_for(format!("rendering {}", open.join(" and "))),
                }
            }
            Some(report) = stack.reports.recv() => {
                tell(&report, timeline);
                console.report(&report);
                if matches!(report.what, What::Committed { .. }) {
                    report_dead_letters(stack, &mut dead_letters, timeline).await?;
                }
            }
            Some(report) = stack.queue_reports.recv() => tell_of_queue(&report, timeline),
        }
    }
}

/// The console of a stack.
fn console_of(stack: &Stack, port: Option<u16>) -> web_console::Options {
    web_console::Options {
        port,
        kafka: stack.broker.bootstrap().to_owned(),
        aws: format!("http://{}", stack.proxy.address()),
        assets: stack.outputs.asset_base_url.clone(),
        assets_bucket: stack.outputs.assets_bucket_name.clone(),
        operator: stack.outputs.operator_function_name.clone(),
        lambda: stack.clients.lambda.clone(),
    }
}

/// Prints the records that have newly become dead letters; `known` has the objects of the earlier
/// ones.
async fn report_dead_letters(
    stack: &Stack,
    known: &mut HashSet<String>,
    timeline: &Timeline,
) -> Result<(), Error> {
    for record in
        dead_letters::dead_letters(&stack.clients.dynamodb, &stack.outputs.table_name).await?
    {
        if known.insert(record.object.clone()) {
            let DeadLetter {
                topic,
                partition,
                offset,
                cause,
                ..
            } = record;
            timeline.say(
                Mark::Failed,
                &format!("{topic} partition {partition} offset {offset} is a dead letter: {cause}"),
            );
        }
    }
    Ok(())
}
