//! The demo of one event: publishes it, and shows and checks everything that follows from it.

use std::time::Duration;

use contract::{Time, Topic};
use jiff::Timestamp;
use kafka_client::Published;
use poller::{Report, What};
use telemetry::METRICS;
use tokio::time::Instant;

use super::error::Error;
use super::foreseen;
use super::results::Results;
use crate::dead_letters::dead_letters;
use crate::input::{Event, Input, STRUCTURED, shown};
use crate::records::{Produced, Reader};
use crate::reports::{tell, tell_of_queue};
use crate::stack::{self, Options, Stack};
use crate::story::Story;
use crate::timeline::{Mark, Timeline};

/// How long no event may follow after the last expected one: a duplicate would arrive within this
/// time.
const QUIET: Duration = Duration::from_millis(1500);
/// How long the demo waits for a job when an event has opened none.
const QUIET_WITHOUT_JOBS: Duration = Duration::from_secs(4);

/// Starts a stack, publishes one event and follows it to its end.
pub async fn run(
    options: &Options,
    input: Input,
    within: Duration,
    timeline: &Timeline,
) -> Result<(), Error> {
    let event = Event::read(input, &options.checkout).await?;
    if let Some(cause) = foreseen::dead_letter(&event, Time::new(Timestamp::now())) {
        let from = event.from;
        return Err(Error::Foreseen { from, cause });
    }
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
    let result = follow(&mut stack, event, within, kept, timeline).await;
    timeline.rest();
    stack.stop().await;
    result
}

/// Publishes the event and follows it, until nothing more is expected or the time is up.
async fn follow(
    stack: &mut Stack,
    event: Event,
    within: Duration,
    kept: Results,
    timeline: &Timeline,
) -> Result<(), Error> {
    let mut reader = reader(stack).await?;
    let published = publish(stack, &event).await?;
    let (topic, Published { partition, offset }) = (event.topic, published);
    timeline.say(
        Mark::Published,
        &format!("{topic} partition {partition} offset {offset}"),
    );
    timeline.wait_for("the mapping joins its consumer group");

    let deadline = Instant::now() + within;
    let mut course = Course {
        topic,
        published,
        kept,
        story: Story::default(),
        answered: false,
        last: Instant::now(),
    };
    loop {
        tokio::select! {
            record = reader.next() => {
                course.read(record.map_err(Error::Read)?, stack, timeline).await?;
            }
            Some(report) = stack.reports.recv() => {
                tell(&report, timeline);
                course.heard(report, stack, timeline).await?;
            }
            Some(report) = stack.queue_reports.recv() => tell_of_queue(&report, timeline),
            () = tokio::time::sleep_until(course.quiet(deadline).min(deadline)) => {
                if course.is_over() {
                    break;
                }
                return Err(course.timed_out(within, stack)?);
            }
        }
    }
    course.end(stack, timeline).await
}

/// A reader of all topics that the studio produces.
async fn reader(stack: &Stack) -> Result<Reader, Error> {
    let produced: Vec<&str> = Topic::ALL
        .into_iter()
        .filter(|topic| !topic.is_consumed())
        .map(Topic::as_str)
        .collect();
    Reader::start(stack.broker.cluster(), &produced, stack.broker.begin())
        .await
        .map_err(Error::Read)
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

/// The course of the event so far.
struct Course {
    topic: Topic,
    published: Published,
    kept: Results,
    story: Story,
    /// Whether the function has answered for the event: then everything that the event opened is
    /// published.
    answered: bool,
    /// When the last record was read, or the function answered.
    last: Instant,
}

impl Course {
    fn is_over(&self) -> bool {
        self.answered && self.story.is_over()
    }

    /// Until when the demo waits for more.
    fn quiet(&self, deadline: Instant) -> Instant {
        match (self.is_over(), self.story.opened()) {
            (true, 0) => self.last + QUIET_WITHOUT_JOBS,
            (true, _) => self.last + QUIET,
            (false, _) => deadline,
        }
    }

    /// What the demo waits for, as a sentence.
    fn waiting(&self) -> String {
        match self.story.open() {
            open if !open.is_empty() => format!("rendering {}", open.join(" and ")),
            _ if !self.answered => "the function has not answered for the event".to_owned(),
            _ if !self.story.is_over() => "a template has not been updated".to_owned(),
            _ => "watching for duplicates".to_owned(),
        }
    }

    /// A record that the studio produced.
    async fn read(
        &mut self,
        record: Produced,
        stack: &Stack,
        timeline: &Timeline,
    ) -> Result<(), Error> {
        self.kept.keep(&record)?;
        let chapter = self.story.take(&record);
        timeline.say(chapter.mark, &chapter.text);
        if chapter.again {
            return Err(Error::twice(&record));
        }
        if let Some(asset) = chapter.asset {
            let path = self.kept.fetch(stack, &asset).await?;
            let text = format!("{} is {}", asset.name, shown(&path));
            timeline.say(Mark::Completed, &text);
        }
        timeline.wait_for(self.waiting());
        self.last = Instant::now();
        Ok(())
    }

    /// A report of a mapping.
    async fn heard(
        &mut self,
        report: Report,
        stack: &Stack,
        timeline: &Timeline,
    ) -> Result<(), Error> {
        match report.what {
            What::Committed { partition, offset }
                if partition == self.published.partition && offset > self.published.offset =>
            {
                if let Some(cause) = cause(stack, self.topic, self.published).await? {
                    return Err(Error::DeadLetter(cause));
                }
                self.answered = true;
                self.last = Instant::now();
                Ok(())
            }
            What::Discarded {
                condition,
                destination,
                ..
            } => Err(Error::Discarded {
                condition: format!("{condition:?}"),
                destination: destination.unwrap_or_else(|| "no destination".to_owned()),
            }),
            What::Started { .. } => {
                timeline.wait_for("the function is invoked");
                Ok(())
            }
            What::Committed { .. }
            | What::Invoked { .. }
            | What::Retrying { .. }
            | What::Trouble { .. } => Ok(()),
        }
    }

    fn timed_out(&self, within: Duration, stack: &Stack) -> Result<Error, Error> {
        let log = self.kept.log(stack)?;
        let mut waiting = self.waiting();
        if !self.answered && stack.broker.is_external() {
            waiting.push_str(
                " (another stack on this broker may have it: they share their consumer groups)",
            );
        }
        Ok(Error::TimedOut {
            seconds: within.as_secs(),
            waiting,
            log,
        })
    }

    /// Says what came of the event, and keeps the metrics.
    async fn end(&self, stack: &Stack, timeline: &Timeline) -> Result<(), Error> {
        let failures = self.story.failures();
        if let Some(reason) = failures.first() {
            return Err(Error::Failed {
                failed: failures.len(),
                opened: self.story.opened(),
                reason: reason.clone(),
            });
        }
        timeline.rest();
        let text = match self.story.opened() {
            0 => "the event changed nothing, so no render job was opened".to_owned(),
            jobs => format!(
                "{jobs} render jobs completed; {} has what was produced",
                shown(&self.kept.folder)
            ),
        };
        timeline.say(Mark::Stack, &text);
        stack.gather().await?;
        let (path, measured) = self.kept.metrics(stack).await?;
        let text = format!(
            "{} has the metrics: {measured} of {} have values",
            shown(&path),
            METRICS.len()
        );
        timeline.say(Mark::Stack, &text);
        Ok(())
    }
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
