//! A local stack that runs until it is stopped.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};

use contract::Topic;
use serde_json::Value;

use crate::broker::Broker;
use crate::checkout::Checkout;
use crate::console::Console;
use crate::dead_letters::{self, DeadLetter};
use crate::demo::tell;
use crate::emulator::{REGION, ROOT, is_free};
use crate::environment::{self, environment};
use crate::mapping::What;
use crate::records::{From, Reader};
use crate::stack::{self, Options, Stack};
use crate::story::Story;
use crate::timeline::{Mark, Timeline};

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
    /// The functions' configuration cannot be read.
    #[error(transparent)]
    Functions(#[from] environment::Error),
    /// The file for the shell cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why it cannot be written.
        #[source]
        source: io::Error,
    },
}

/// Starts a stack, prints how to use it, shows what happens, and stops everything when `until`
/// completes. `env` is the file for the shell.
pub async fn run(
    mut options: Options,
    env: PathBuf,
    until: impl Future<Output = ()>,
    timeline: &Timeline,
) -> Result<(), Error> {
    let preferred = |port: u16, what: &str| {
        let free = is_free(port);
        if !free {
            timeline.say(
                Mark::Stack,
                &format!("port {port} is taken, so that {what} gets another"),
            );
        }
        free.then_some(port)
    };
    if !matches!(options.broker, Broker::External(_)) {
        options.broker_port = preferred(BROKER_PORT, "the broker");
    }
    options.aws_port = preferred(AWS_PORT, "AWS");
    let console_port = preferred(CONSOLE_PORT, "the console");

    timeline.wait_for("starting the local stack");
    let mut until = std::pin::pin!(until);
    let mut stack = tokio::select! {
        stack = Stack::start(&options) => stack?,
        () = &mut until => return Ok(()),
    };
    timeline.rest();
    let env = EnvFile::write(&stack, &options.checkout, env).await?;
    let console = Console::start(console_port, &stack)
        .await
        .map_err(Error::Console)?;
    println!("{}", how_to(&stack, &console, &options, &env.path));

    let topics = Topic::ALL.map(Topic::as_str);
    let from = if stack.broker.is_external() {
        From::Now
    } else {
        From::Beginning
    };
    let mut reader = Reader::start(stack.broker.cluster(), &topics, from)
        .await
        .map_err(Error::Read)?;
    let mut story = Story::default();
    let mut dead_letters = HashSet::new();
    loop {
        tokio::select! {
            record = reader.next() => {
                let record = record.map_err(Error::Read)?;
                console.record(&record);
                let chapter = story.take(&record);
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
                    report_dead_letters(&stack, &mut dead_letters, timeline).await?;
                }
            }
            () = &mut until => break,
        }
    }
    timeline.rest();
    timeline.say(Mark::Stack, "stopping");
    drop(console);
    stack.stop().await;
    timeline.say(Mark::Stack, "everything that was started has stopped");
    Ok(())
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

fn tenant_of(event: &Path) -> Option<String> {
    let event: Value = serde_json::from_slice(&fs::read(event).ok()?).ok()?;
    event["data"]["tenantId"].as_str().map(str::to_owned)
}

fn how_to(stack: &Stack, console: &Console, options: &Options, env: &Path) -> String {
    let (bootstrap, outputs) = (stack.broker.bootstrap(), &stack.outputs);
    let (key, secret) = ROOT;
    let (topic, produced) = (Topic::EventCreated, Topic::RenderJobCompleted);
    let example = options.checkout.example(topic);
    let tenant = tenant_of(&example).unwrap_or_else(|| "tenant".to_owned());
    let example = example
        .strip_prefix(&options.checkout.root)
        .unwrap_or(&example)
        .display();
    let env = env
        .strip_prefix(&options.checkout.root)
        .unwrap_or(env)
        .display();
    let mut text = format!(
        "
  console http://{console}
  Kafka   {bootstrap}
  AWS     http://{aws}  (region {REGION}, access key {key}, secret {secret})
  assets  s3://{bucket}, served at {assets}
  table   {table}

  Publish an event from another terminal: the example, or one of yours:
    make publish
    make publish EVENT=my.json

  The same with kcat (the key is its data.tenantId), and what the studio produces:
    kcat -b {bootstrap} -X partitioner=murmur2_random -P -t {topic} -k {tenant} -H 'content-type={content_type}' {example}
    kcat -b {bootstrap} -C -t {produced} -o beginning -f '%k %s\\n'
",
        console = console.address(),
        aws = stack.proxy.address(),
        bucket = outputs.assets_bucket_name,
        assets = outputs.asset_base_url,
        table = outputs.table_name,
        content_type = contract::STRUCTURED_CONTENT_TYPE,
    );
    // Formatting into a string cannot fail.
    let _ = match options.broker {
        Broker::Embedded => writeln!(text, "  (Java's kafka-console-* tools need a real broker: `make up BROKER=apache`.)"),
        Broker::Apache | Broker::External(_) => writeln!(
            text,
            "  or, with Apache Kafka's own tools:
    (printf '{tenant}|'; tr -d '\\n' < {example}; echo) | kafka-console-producer.sh --bootstrap-server {bootstrap} \\
      --topic {topic} --property parse.key=true --property key.separator='|'
    kafka-console-consumer.sh --bootstrap-server {bootstrap} --topic {produced} --from-beginning --property print.key=true"
        ),
    };
    let _ = write!(
        text,
        "
  Run one function yourself, against this stack:
    make watch                            (in a second terminal; it reads {env})
    target/tools/bin/cargo-lambda lambda invoke event-created -A 127.0.0.1 --data-file events/lambda/event-created.json

  Ctrl-C stops everything.
"
    );
    text
}

/// A file with a function's environment variables, for a shell to `source` and for
/// `studio --local`. Dropping this deletes the file.
#[derive(Debug)]
pub struct EnvFile {
    /// The file's path.
    pub path: PathBuf,
}

impl EnvFile {
    /// Writes the file for `stack`.
    ///
    /// # Errors
    /// [`Error::Functions`] or [`Error::Write`].
    pub async fn write(stack: &Stack, checkout: &Checkout, path: PathBuf) -> Result<Self, Error> {
        let variables = environment(stack, checkout).await?;
        let quoted = |value: &str| value.replace('\'', r"'\''");
        let lines = variables
            .iter()
            .map(|(name, value)| format!("export {name}='{}'\n", quoted(value)));
        fs::write(&path, lines.collect::<String>()).map_err(|source| Error::Write {
            path: path.clone(),
            source,
        })?;
        Ok(Self { path })
    }
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        // If the deletion fails, the file names ports that no longer answer, which is harmless.
        let _ = fs::remove_file(&self.path);
    }
}
