//! A local stack that runs until it is stopped.

use std::collections::HashSet;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contract::Topic;
use kafka_client::{From, Reader};
use poller::What;
use runtime::chain;
use tokio::time::{Instant, sleep_until};
use web_console::Console;

use crate::alarms::{Alarm, Bells, State};
use crate::broker::Broker;
use crate::control::Control;
use crate::dead_letters::{self, DeadLetter};
use crate::environment::{self, EnvFile};
use crate::input::shown;
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
/// The pause between two tries to read the topics on, and the least between two reads of dead
/// letters.
const AGAIN: Duration = Duration::from_secs(1);

/// Why the stack is not up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stack failed.
    #[error(transparent)]
    Stack(#[from] stack::Error),
    /// The console cannot be served.
    #[error("the console cannot listen on a port")]
    Console(#[source] io::Error),
    /// The control port cannot be opened.
    #[error(
        "the control port, through which `studio-local break` puts faults in, cannot be opened"
    )]
    Control(#[source] io::Error),
    /// The topics cannot be read.
    #[error("the broker cannot be read")]
    Read(#[source] kafka_client::Error),
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
    // Last: a program that waits for the stack waits for the file of this port.
    let (proxy, sandbox) = (Arc::clone(&stack.proxy), Arc::clone(&stack.sandbox));
    let control = Control::start(proxy, sandbox, &env.path)
        .await
        .map_err(Error::Control)?;

    tokio::select! {
        shown = show(&mut stack, &console, timeline) => shown?,
        () = until => {}
    }
    timeline.rest();
    timeline.say(Mark::Stack, "stopping");
    drop((console, control));
    let kept = match &options.kept {
        Some(folder) => {
            timeline.wait_for("keeping what there is");
            stack.stop_and_keep(folder).await
        }
        None => {
            stack.stop().await;
            Ok(())
        }
    };
    timeline.rest();
    timeline.say(Mark::Stack, "everything that was started has stopped");
    if let (Ok(()), Some(folder)) = (&kept, &options.kept) {
        let text = format!("{} has what `make up KEEP=1` goes on with", shown(folder));
        timeline.say(Mark::Stack, &text);
    }
    Ok(kept?)
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

/// Shows every record and every report, on the console and on the timeline, and the alarms that
/// ring. What a fault of the stack keeps from being shown is shown when it is over.
async fn show(stack: &mut Stack, console: &Console, timeline: &Timeline) -> Result<(), Error> {
    let topics = Topic::ALL.map(Topic::as_str);
    let mut reader = Reader::start(stack.broker.cluster(), &topics, stack.broker.begin())
        .await
        .map_err(Error::Read)?;
    let mut bells = Bells::listen(stack.clients.aws.clone());
    let mut story = Story::default();
    let mut dead_letters = DeadLetters::none();
    loop {
        tokio::select! {
            record = reader.next() => match record {
                // What was kept is on the console alone.
                Ok(record) if stack.was_kept(&record) => console.record(&record),
                Ok(record) => {
                    console.record(&record);
                    show_record(&mut story, &Produced::from(record), timeline);
                }
                Err(error) => {
                    let text = format!("the topics are read on from their ends: {}", chain(&error));
                    timeline.say(Mark::Failed, &text);
                    reader = read_on(stack, &topics).await;
                }
            },
            Some(report) = stack.reports.recv() => {
                tell(&report, timeline);
                console.report(&report);
                dead_letters.are_due |= matches!(report.what, What::Committed { .. });
            }
            Some(report) = stack.queue_reports.recv() => tell_of_queue(&report, timeline),
            () = sleep_until(dead_letters.look_at), if dead_letters.are_due => {
                dead_letters.show(stack, timeline).await;
            }
            alarm = bells.next() => show_alarm(&alarm, timeline),
        }
    }
}

/// Shows a record, and what is being rendered from then on.
fn show_record(story: &mut Story, record: &Produced, timeline: &Timeline) {
    let chapter = story.take(record);
    timeline.say(chapter.mark, &chapter.text);
    if let Some(asset) = chapter.asset {
        let text = format!("{} is at {}", asset.name, asset.output_url);
        timeline.say(chapter.mark, &text);
    }
    match story.open() {
        open if open.is_empty() => timeline.rest(),
        open => timeline.wait_for(format!("rendering {}", open.join(" and "))),
    }
}

/// A new reader after one that cannot go on, such as at a batch that it cannot decompress. Waits
/// while a topic or the broker is away.
async fn read_on(stack: &Stack, topics: &[&str]) -> Reader {
    loop {
        match Reader::start(stack.broker.cluster(), topics, From::Now).await {
            Ok(reader) => return reader,
            // What is wrong with the broker, the mappings report.
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

/// Shows an alarm that rings, or that rings no more.
fn show_alarm(alarm: &Alarm, timeline: &Timeline) {
    let Alarm {
        name,
        state,
        reason,
        is_part: _,
    } = alarm;
    let (mark, text) = match state {
        State::Alarm => (Mark::Failed, format!("the alarm {name} rings: {reason}")),
        State::Ok | State::InsufficientData => {
            (Mark::Stack, format!("the alarm {name} rings no more"))
        }
    };
    timeline.say(mark, &text);
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

/// The records that are known to be dead letters.
///
/// They are read by a scan of the table, which takes the longer the more events there were. So they
/// are read after a batch, and for at most a twentieth of the time.
#[derive(Debug)]
struct DeadLetters {
    /// The object of each.
    known: HashSet<String>,
    /// Whether a batch has ended since they were read.
    are_due: bool,
    /// When they may be read again.
    look_at: Instant,
    /// Why they could not be read the last time, if they could not.
    problem: Option<String>,
}

impl DeadLetters {
    fn none() -> Self {
        Self {
            known: HashSet::new(),
            are_due: false,
            look_at: Instant::now(),
            problem: None,
        }
    }

    /// Shows the records that have newly become dead letters. While they cannot be read, shows why.
    async fn show(&mut self, stack: &Stack, timeline: &Timeline) {
        let begun = Instant::now();
        let (dynamodb, table) = (&stack.clients.dynamodb, &stack.outputs.table_name);
        let read = dead_letters::dead_letters(dynamodb, table).await;
        self.are_due = false;
        self.look_at = Instant::now() + AGAIN.max(begun.elapsed() * 20);
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                let problem = Some(chain(&error));
                if self.problem != problem {
                    self.problem = problem;
                    let text = self.problem.as_deref().unwrap_or_default();
                    timeline.say(Mark::Failed, &format!("dead letters are not shown: {text}"));
                }
                return;
            }
        };
        self.problem = None;
        for record in read {
            if self.known.insert(record.object.clone()) {
                let DeadLetter {
                    topic,
                    partition,
                    offset,
                    cause,
                    ..
                } = record;
                let place = format!("{topic} partition {partition} offset {offset}");
                timeline.say(Mark::Failed, &format!("{place} is a dead letter: {cause}"));
            }
        }
    }
}
