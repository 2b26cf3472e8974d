//! The demo: publishes one event, shows and checks everything that follows from it, and keeps the
//! results in a folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_sdk_s3::error::DisplayErrorContext;
use contract::Topic;
use kafka_client::Published;
use serde_json::Value;
use telemetry::METRICS;
use tokio::time::Instant;

use crate::aws;
use crate::dead_letters::{self, dead_letters};
use crate::input::{self, Event, Input, STRUCTURED, shown};
use crate::mapping::{Outcome, Report, What};
use crate::metrics::{Metric, emitted};
use crate::records::{From, Produced, Reader};
use crate::stack::{self, Options, Stack};
use crate::story::{Asset, Story};
use crate::timeline::{Mark, Timeline};

/// How long no event may follow after the last expected one: a duplicate would arrive within this
/// time.
const QUIET: Duration = Duration::from_millis(1500);
/// How long the demo waits for a job when an event has opened none.
const QUIET_WITHOUT_JOBS: Duration = Duration::from_secs(4);

/// Why the demo failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no event to publish.
    #[error(transparent)]
    Input(#[from] input::Error),
    /// The contract has the topic, but the deployed stack has no function for it.
    #[error("nothing in infra/template.yaml consumes {0} yet")]
    NotDeployed(Topic),
    /// The record is larger than the broker accepts.
    #[error("the event has {size} bytes, which is more than the broker takes in one record")]
    TooLarge {
        /// The size in bytes.
        size: usize,
    },
    /// The functions' metrics cannot be read.
    #[error(transparent)]
    Metrics(#[from] aws::Error),
    /// The stack failed.
    #[error(transparent)]
    Stack(#[from] stack::Error),
    /// The function dead-lettered the event.
    #[error("the event was dead-lettered: {0}")]
    DeadLetter(String),
    /// Render jobs failed.
    #[error("{failed} of {opened} render jobs failed: {reason}")]
    Failed {
        /// How many failed.
        failed: usize,
        /// How many were opened.
        opened: usize,
        /// Why the first one failed.
        reason: String,
    },
    /// An event was published twice.
    #[error(
        "the event {id} was produced twice, at {topic} partition {partition} offset {offset} again"
    )]
    Twice {
        /// The event's id.
        id: String,
        /// The topic of the second record.
        topic: String,
        /// The partition of the second record.
        partition: i32,
        /// The offset of the second record.
        offset: i64,
    },
    /// The demo took too long.
    #[error("after {seconds} s {waiting}; the emulator's log is {log}")]
    TimedOut {
        /// The time limit, in seconds.
        seconds: u64,
        /// What the demo was still waiting for.
        waiting: String,
        /// The copy of the emulator's log.
        log: PathBuf,
    },
    /// The voice was not cloned.
    #[error("the voice is not cloned: {0}")]
    VoiceFailed(String),
    /// The emulator refused a call to AWS.
    #[error("cannot {what}: {reason}")]
    Aws {
        /// What the demo tried.
        what: &'static str,
        /// The emulator's answer.
        reason: String,
    },
    /// The mapping gave up the record.
    #[error("the mapping gave the event up ({condition}); it is at {destination}")]
    Discarded {
        /// The on-failure condition.
        condition: String,
        /// Where the mapping put the record.
        destination: String,
    },
    /// The topics cannot be read.
    #[error("the broker cannot be read")]
    Read(#[source] kafka_client::Error),
    /// The table cannot be read.
    #[error(transparent)]
    Table(#[from] dead_letters::Error),
    /// An asset is not at its URL.
    #[error("the asset {url} cannot be fetched: {reason}")]
    Asset {
        /// The asset's URL.
        url: String,
        /// Why the asset cannot be fetched.
        reason: String,
    },
    /// The demo's results cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why it cannot be written.
        #[source]
        source: io::Error,
    },
}

/// Starts a stack, publishes one event and follows it to its end.
pub async fn run(
    options: &Options,
    input: Input,
    within: Duration,
    timeline: &Timeline,
) -> Result<(), Error> {
    let event = Event::read(input, &options.checkout).await?;
    let kept = Results::empty(options.checkout.demo())?;

    timeline.wait_for("starting the local stack");
    let mut stack = Stack::start(options).await?;
    let consumed: Vec<&str> = stack
        .mappings
        .iter()
        .map(|mapping| mapping.topic.as_str())
        .collect();
    if !consumed.contains(&event.topic.as_str()) {
        return Err(Error::NotDeployed(event.topic));
    }
    timeline.say(
        Mark::Stack,
        &format!(
            "infra/template.yaml is deployed; broker at {}",
            stack.broker.bootstrap()
        ),
    );
    let result = follow(&mut stack, &event, within, kept, timeline).await;
    timeline.rest();
    stack.stop().await;
    result
}

async fn follow(
    stack: &mut Stack,
    event: &Event,
    within: Duration,
    mut kept: Results,
    timeline: &Timeline,
) -> Result<(), Error> {
    let produced: Vec<&str> = Topic::ALL
        .into_iter()
        .filter(|topic| !topic.is_consumed())
        .map(Topic::as_str)
        .collect();
    let from = if stack.broker.is_external() {
        From::Now
    } else {
        From::Beginning
    };
    let mut reader = Reader::start(stack.broker.cluster(), &produced, from)
        .await
        .map_err(Error::Read)?;

    let published = publish(stack, event).await?;
    let (topic, Published { partition, offset }) = (event.topic, published);
    timeline.say(
        Mark::Published,
        &format!("{topic} partition {partition} offset {offset}"),
    );
    timeline.wait_for("the mapping joins its consumer group");

    let mut story = Story::default();
    // True once the function has answered for the event: then everything that the event opened is
    // published.
    let mut answered = false;
    let mut last = Instant::now();
    let deadline = Instant::now() + within;
    loop {
        let quiet = match (answered && story.is_over(), story.opened()) {
            (true, 0) => last + QUIET_WITHOUT_JOBS,
            (true, _) => last + QUIET,
            (false, _) => deadline,
        };
        tokio::select! {
            record = reader.next() => {
                let record = record.map_err(Error::Read)?;
                kept.keep(&record)?;
                let chapter = story.take(&record);
                timeline.say(chapter.mark, &chapter.text);
                if chapter.again {
                    return Err(Error::twice(&record));
                }
                if let Some(asset) = chapter.asset {
                    let path = kept.fetch(stack, &asset).await?;
                    timeline.say(Mark::Completed, &format!("{} is {}", asset.name, shown(&path)));
                }
                timeline.wait_for(waiting(&story, answered));
                last = Instant::now();
            }
            Some(report) = stack.reports.recv() => {
                tell(&report, timeline);
                match report.what {
                    What::Committed { partition, offset } if partition == published.partition && offset > published.offset => {
                        if let Some(cause) = cause(stack, topic, published).await? {
                            return Err(Error::DeadLetter(cause));
                        }
                        answered = true;
                        last = Instant::now();
                    }
                    What::Discarded { condition, destination, .. } => {
                        let destination = destination.unwrap_or_else(|| "no destination".to_owned());
                        return Err(Error::Discarded { condition: format!("{condition:?}"), destination });
                    }
                    What::Started { .. } => timeline.wait_for("the function is invoked"),
                    _ => {}
                }
            }
            () = tokio::time::sleep_until(quiet.min(deadline)) => {
                if answered && story.is_over() {
                    break;
                }
                let log = kept.log(stack)?;
                let mut waiting = waiting(&story, answered);
                if !answered && stack.broker.is_external() {
                    waiting.push_str(" (another stack on this broker may have it: they share their consumer groups)");
                }
                return Err(Error::TimedOut { seconds: within.as_secs(), waiting, log });
            }
        }
    }
    let failures = story.failures();
    if let Some(reason) = failures.first() {
        return Err(Error::Failed {
            failed: failures.len(),
            opened: story.opened(),
            reason: reason.clone(),
        });
    }
    timeline.rest();
    let text = match story.opened() {
        0 => "the event changed nothing, so that no render job was opened".to_owned(),
        jobs => format!(
            "{jobs} render jobs completed; {} has what was produced",
            shown(&kept.folder)
        ),
    };
    timeline.say(Mark::Stack, &text);
    stack.gather().await?;
    let (path, measured) = kept.metrics(stack).await?;
    let text = format!(
        "{} has the metrics: {measured} of {} had something to measure",
        shown(&path),
        METRICS.len()
    );
    timeline.say(Mark::Stack, &text);
    Ok(())
}

async fn publish(stack: &Stack, event: &Event) -> Result<Published, Error> {
    let key = event.key.as_deref().map(str::as_bytes);
    let value = event.value.as_deref();
    stack
        .publish(event.topic.as_str(), key, value, &[STRUCTURED])
        .await
        .map_err(|error| match error {
            stack::Error::Publish {
                source: kafka_client::Error::MessageTooLarge { .. },
                ..
            } => Error::TooLarge {
                size: value.map_or(0, <[u8]>::len),
            },
            other => Error::Stack(other),
        })
}

/// The cause, if the function dead-lettered the record.
async fn cause(stack: &Stack, topic: Topic, at: Published) -> Result<Option<String>, Error> {
    let all = dead_letters(&stack.clients.dynamodb, &stack.outputs.table_name).await?;
    let found = all.into_iter().find(|record| {
        record.topic == topic.as_str()
            && record.partition == at.partition
            && record.offset == at.offset
    });
    Ok(found.map(|record| record.cause))
}

/// Prints a line for each report of a mapping that is of interest to a person.
pub(crate) fn tell(report: &Report, timeline: &Timeline) {
    match &report.what {
        What::Invoked {
            records,
            duration,
            attempt,
            outcome,
            ..
        } => {
            let (mark, how) = match outcome {
                Outcome::Answered { answer, body } if answer.function_error.is_some() => {
                    (Mark::Failed, format!("failed: {}", error_message(body)))
                }
                Outcome::Answered { .. } => (Mark::Invoked, "answered".to_owned()),
                Outcome::Throttled => (Mark::Failed, "throttled".to_owned()),
                Outcome::NotReached { reason } => (Mark::Failed, format!("not reached: {reason}")),
            };
            let attempt = if *attempt > 1 {
                format!(", attempt {attempt}")
            } else {
                String::new()
            };
            let what = if *records == 1 {
                "1 record".to_owned()
            } else {
                format!("{records} records")
            };
            let text = format!(
                "the function of {} with {what}{attempt}: {how} in {} ms",
                report.topic,
                duration.as_millis()
            );
            timeline.say(mark, &text);
        }
        What::Retrying {
            records,
            cause,
            pause,
            ..
        } => {
            timeline.say(
                Mark::Failed,
                &format!(
                    "{records} to be sent again in {} ms: {cause}",
                    pause.as_millis()
                ),
            );
        }
        What::Discarded {
            records,
            condition,
            destination,
        } => {
            let destination = destination.as_deref().unwrap_or("nowhere");
            timeline.say(
                Mark::Failed,
                &format!("{records} discarded ({condition:?}) to {destination}"),
            );
        }
        What::Trouble { problem } => timeline.say(Mark::Failed, problem),
        What::Started { .. } | What::Committed { .. } => {}
    }
}

/// The message of a failed function: `errorMessage` of the payload.
fn error_message(body: &[u8]) -> String {
    let payload: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    payload["errorMessage"]
        .as_str()
        .map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}

fn waiting(story: &Story, answered: bool) -> String {
    match story.open() {
        open if !open.is_empty() => format!("rendering {}", open.join(" and ")),
        _ if !answered => "the function has not answered for the event".to_owned(),
        _ if !story.is_over() => "a template has not been updated".to_owned(),
        _ => "watching for duplicates".to_owned(),
    }
}

impl Error {
    /// The error for a record whose event was published before.
    pub(crate) fn twice(record: &Produced) -> Self {
        Self::Twice {
            id: record.event()["id"].as_str().unwrap_or_default().to_owned(),
            topic: record.topic.clone(),
            partition: record.partition,
            offset: record.offset,
        }
    }
}

/// The folder with the demo's results: the published events, the assets, the metrics and the
/// emulator's log.
pub(crate) struct Results {
    folder: PathBuf,
    lines: File,
}

impl Results {
    /// Creates the folder, without the results of an earlier demo.
    pub(crate) fn empty(folder: PathBuf) -> Result<Self, Error> {
        let make = || {
            if folder.exists() {
                fs::remove_dir_all(&folder)?;
            }
            fs::create_dir_all(folder.join("assets"))?;
            File::create(folder.join("events.jsonl"))
        };
        let lines = make().map_err(|source| Error::Write {
            path: folder.clone(),
            source,
        })?;
        Ok(Self { folder, lines })
    }

    pub(crate) fn keep(&mut self, record: &Produced) -> Result<(), Error> {
        let written = writeln!(self.lines, "{}", record.line());
        written.map_err(|source| Error::Write {
            path: self.folder.join("events.jsonl"),
            source,
        })
    }

    /// Writes the metrics that the functions emitted, with an entry for every metric that exists.
    /// Returns the file, and how many metrics have a value.
    async fn metrics(&self, stack: &Stack) -> Result<(PathBuf, usize), Error> {
        let emitted = emitted(&stack.clients).await?;
        let path = self.folder.join("metrics.txt");
        let written = fs::write(&path, listed(&emitted));
        written.map_err(|source| Error::Write {
            path: path.clone(),
            source,
        })?;
        let measured = METRICS
            .iter()
            .filter(|(name, _)| emitted.keys().any(|metric| metric.name == *name));
        Ok((path, measured.count()))
    }

    /// Fetches an asset from the bucket. Its URL is the configured base followed by its key.
    async fn fetch(&self, stack: &Stack, asset: &Asset) -> Result<PathBuf, Error> {
        let failed = |reason: String| Error::Asset {
            url: asset.output_url.clone(),
            reason,
        };
        let base = &stack.outputs.asset_base_url;
        let key = asset
            .output_url
            .strip_prefix(base.as_str())
            .and_then(|rest| rest.strip_prefix('/'));
        let key = key.ok_or_else(|| failed(format!("it does not begin with {base}/")))?;
        self.fetch_object(stack, &asset.name, key).await
    }

    /// Fetches an object from the assets bucket.
    pub(crate) async fn fetch_object(
        &self,
        stack: &Stack,
        name: &str,
        key: &str,
    ) -> Result<PathBuf, Error> {
        let failed = |reason: String| Error::Asset {
            url: key.to_owned(),
            reason,
        };
        let object = stack
            .clients
            .s3
            .get_object()
            .bucket(&stack.outputs.assets_bucket_name)
            .key(key)
            .send()
            .await;
        let object = object.map_err(|error| failed(DisplayErrorContext(error).to_string()))?;
        let bytes = object
            .body
            .collect()
            .await
            .map_err(|error| failed(error.to_string()))?
            .into_bytes();

        let extension = Path::new(key)
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or("bin");
        let names =
            std::iter::once(name.to_owned()).chain((2..).map(|number| format!("{name}-{number}")));
        let mut paths = names.map(|name| {
            self.folder
                .join("assets")
                .join(name)
                .with_extension(extension)
        });
        let path = paths.find(|path| !path.exists()).unwrap_or_default();
        fs::write(&path, bytes).map_err(|source| Error::Write {
            path: path.clone(),
            source,
        })?;
        Ok(path)
    }

    /// Copies the emulator's log, because the stack deletes it.
    pub(crate) fn log(&self, stack: &Stack) -> Result<PathBuf, Error> {
        let path = self.folder.join("emulator.log");
        fs::copy(stack.emulator.log_file(), &path).map_err(|source| Error::Write {
            path: path.clone(),
            source,
        })?;
        Ok(path)
    }
}

/// Every metric that exists, with its meaning and its values in the order of time. A metric that
/// was not emitted has a line that says so.
fn listed(emitted: &BTreeMap<Metric, Vec<f64>>) -> String {
    let mut text = String::new();
    for (name, measures) in METRICS {
        text.push_str(&format!("{name}: {measures}\n"));
        let its: Vec<_> = emitted
            .iter()
            .filter(|(metric, _)| metric.name == name)
            .collect();
        for (metric, values) in &its {
            let values: Vec<String> = values.iter().map(f64::to_string).collect();
            text.push_str(&format!("  {metric}  {}\n", values.join(" ")));
        }
        if its.is_empty() {
            text.push_str("  nothing to measure in this run\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_listed_with_its_values_or_with_none() {
        let stage = BTreeMap::from([("Stage".to_owned(), "local".to_owned())]);
        let depth = Metric {
            name: "DeadLetterDepth".to_owned(),
            dimensions: stage,
        };
        let text = listed(&BTreeMap::from([(depth, vec![0.0, 2.0])]));
        assert_eq!(text.lines().count(), 2 * METRICS.len());
        assert!(
            text.contains(
                "DeadLetterDepth: dead letters that wait for an operator\n  DeadLetterDepth{Stage=local}  0 2\n"
            ),
            "{text}"
        );
        assert!(text.contains("BreakerOpened: times that a provider turned the studio away, so that nobody asks it for a while\n  nothing to measure"));
    }
}
