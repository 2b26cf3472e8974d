//! What came of an event that was published to the stack of `make up`: its consumer, the dead letter
//! or the jobs, as the function `operator` tells it.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::{Identifier, Time, Topic};
use kafka_client::Published;
use operations::{
    About, AskWhy, DeadLetterSource, DeadLetterSummary, EventExplained, EventOutcome, Explained,
    Explanation, Filter, FunctionError, JobLine, JobState, ListDeadLetters, Listed, Step,
};
use poller::Outcome;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::gameday::place::Place;
use crate::input::Event;
use crate::timeline::{Mark, Timeline};

/// The function that tells it.
const OPERATOR: &str = "studio-operator-local";

/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(300);

/// The most dead letters that the event's own is looked for among: those of its topic that are
/// younger than the event.
const MOST: u32 = 100;

/// Why the event did not come through, or why that is not known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its consumer wrote a dead letter for it.
    #[error(
        "the event became the dead letter {id}: {cause}\nRead it with `studio --local dead-letters show {id}`, or in the console."
    )]
    DeadLetter {
        /// The dead letter's id.
        id: Uuid,
        /// Why.
        cause: String,
    },
    /// Jobs of it failed.
    #[error("{failed} of {jobs} jobs failed: {reason}")]
    Failed {
        /// How many failed or were cancelled.
        failed: usize,
        /// How many it opened.
        jobs: usize,
        /// How it stands with the first of those.
        reason: String,
    },
    /// No consumer took it in time.
    #[error(
        "after {seconds} s no consumer has taken the event. `make up` shows what its function answers, and `make logs FUNCTION={function} PRETTY=1` what it logs"
    )]
    NotTaken {
        /// How long was waited, in seconds.
        seconds: u64,
        /// The consumer.
        function: &'static str,
    },
    /// Jobs of it are still open.
    #[error(
        "after {seconds} s {open} of {jobs} jobs are still open. How they stand: `studio --local why <TENANT> {event}`, or the console's page Why"
    )]
    Open {
        /// How long was waited, in seconds.
        seconds: u64,
        /// How many are open.
        open: usize,
        /// How many it opened.
        jobs: usize,
        /// The event's id.
        event: String,
    },
    /// The consumer group's place is not known.
    #[error("the broker does not say how far the consumer of {topic} is")]
    Behind {
        /// The topic.
        topic: Topic,
        /// The client's error.
        #[source]
        source: kafka_client::Error,
    },
    /// The function `operator` did not answer.
    #[error("what came of the event is not known: {OPERATOR} {0}")]
    Operator(String),
}

/// A published event, and who is asked about it.
pub(crate) struct Sent<'a> {
    place: &'a Place,
    event: &'a Event,
    at: Published,
    /// When it was published, or a moment before.
    since: Time,
    within: Duration,
    begun: Instant,
}

impl<'a> Sent<'a> {
    /// The `event` that is published `at` a place, at the time `since` or later.
    pub(crate) fn new(
        place: &'a Place,
        event: &'a Event,
        at: Published,
        since: Time,
        within: Duration,
    ) -> Self {
        Self {
            place,
            event,
            at,
            since,
            within,
            begun: Instant::now(),
        }
    }

    /// Says what happens to the event, until all is done that follows from it.
    ///
    /// # Errors
    /// An [`Error`] unless the event was taken and all of its jobs completed.
    pub(crate) async fn follow(&self, timeline: &Timeline) -> Result<(), Error> {
        timeline.wait_for("the event waits for its consumer");
        while !self.is_taken().await? {
            if self.is_late() {
                return Err(self.not_taken());
            }
            sleep(PAUSE).await;
        }
        let mut told = BTreeMap::new();
        loop {
            if let Some(DeadLetterSummary { id, cause, .. }) = self.dead_letter().await? {
                return Err(Error::DeadLetter { id, cause });
            }
            let late = match self.explained().await? {
                None => self.not_taken(),
                Some(event) => {
                    tell(&event.jobs, &mut told, timeline);
                    let (open, jobs) = (open(&event.jobs), event.jobs.len());
                    if open == 0 {
                        timeline.rest();
                        return ended(&event, timeline);
                    }
                    timeline.wait_for(format!("{open} of {jobs} jobs are open"));
                    let seconds = self.within.as_secs();
                    Error::Open {
                        seconds,
                        open,
                        jobs,
                        event: event.id,
                    }
                }
            };
            if self.is_late() {
                return Err(late);
            }
            sleep(PAUSE).await;
        }
    }

    fn is_late(&self) -> bool {
        self.begun.elapsed() > self.within
    }

    fn consumer(&self) -> &'static str {
        self.event.topic.consumer().unwrap_or_default()
    }

    fn not_taken(&self) -> Error {
        Error::NotTaken {
            seconds: self.within.as_secs(),
            function: self.consumer(),
        }
    }

    /// Whether the event's consumer is past it.
    async fn is_taken(&self) -> Result<bool, Error> {
        let topic = self.event.topic;
        // The group has the name of its function.
        let group = format!("studio-{}-local", self.consumer());
        let committed = self.place.cluster.committed(&group, topic.as_str()).await;
        let committed = committed.map_err(|source| Error::Behind { topic, source })?;
        let next = committed.get(&self.at.partition).copied();
        Ok(next.is_some_and(|next| next > self.at.offset))
    }

    /// The tenant and the id of the event, if it has both.
    fn name(&self) -> Option<(Identifier, Identifier)> {
        let tenant = Identifier::parse(self.event.key.as_deref()?).ok()?;
        let id = Identifier::parse(self.event.id.as_deref()?).ok()?;
        Some((tenant, id))
    }

    /// The dead letter of the event's record, if there is one.
    async fn dead_letter(&self) -> Result<Option<DeadLetterSummary>, Error> {
        let filter = Filter {
            topic: Some(DeadLetterSource::Topic(self.event.topic)),
            since: Some(self.since),
            ..Filter::default()
        };
        let list = Step::ListDeadLetters(ListDeadLetters {
            filter,
            after: None,
            most: MOST,
        });
        let listed: Listed = self.ask(&list).await?;
        Ok(listed
            .entries
            .into_iter()
            .find(|entry| entry.partition == self.at.partition && entry.offset == self.at.offset))
    }

    /// What was decided of the event, if anything was.
    async fn explained(&self) -> Result<Option<EventExplained>, Error> {
        // A consumer takes no event without them.
        let Some((tenant, id)) = self.name() else {
            return Ok(None);
        };
        let why = Step::Why(AskWhy {
            tenant,
            about: Some(About::Id(id)),
            source: self.event.source.clone(),
        });
        let explained: Explained = self.ask(&why).await?;
        Ok(explained.found.into_iter().find_map(|one| match one {
            Explanation::Event(event) if event.outcome != EventOutcome::NotFound => Some(*event),
            Explanation::Event(_)
            | Explanation::Tenant(_)
            | Explanation::Entity(_)
            | Explanation::Job(_)
            | Explanation::Voice(_)
            | Explanation::DeadLetter(_) => None,
        }))
    }

    async fn ask<A: DeserializeOwned>(&self, step: &Step) -> Result<A, Error> {
        let payload = serde_json::to_vec(step).map_err(|error| unread(&error))?;
        match poller::invoke(&self.place.clients.lambda, OPERATOR, payload).await {
            Outcome::Answered { answer, body } if answer.function_error.is_some() => {
                let error = serde_json::from_slice::<FunctionError>(&body);
                let said = error.map_or_else(|_| "failed".to_owned(), |error| error.error_message);
                Err(Error::Operator(format!("failed: {said}")))
            }
            Outcome::Answered { body, .. } => {
                serde_json::from_slice(&body).map_err(|error| unread(&error))
            }
            Outcome::Throttled => Err(Error::Operator("is busy".to_owned())),
            Outcome::NotReached { reason } => {
                Err(Error::Operator(format!("was not reached: {reason}")))
            }
        }
    }
}

/// The answer is not what this version expects.
fn unread(error: &serde_json::Error) -> Error {
    Error::Operator(format!("is of another version: {error}"))
}

/// Whether nothing more happens to a job by itself.
fn is_over(state: JobState) -> bool {
    match state {
        JobState::Completed | JobState::Failed | JobState::Cancelled | JobState::Erased => true,
        JobState::Created | JobState::Submitted => false,
    }
}

fn open(jobs: &[JobLine]) -> usize {
    jobs.iter().filter(|line| !is_over(line.job.state)).count()
}

/// Prints a line for each job that is new or has ended since. `told` are the jobs that were told of,
/// and whether they had ended.
fn tell(jobs: &[JobLine], told: &mut BTreeMap<Uuid, bool>, timeline: &Timeline) {
    for JobLine { job, verdict } in jobs {
        let is_over = is_over(job.state);
        let before = told.insert(job.id, is_over);
        let kind = job.asset.as_str();
        if before.is_none() {
            let text = format!("{kind} by {}  {}", job.provider, job.id);
            timeline.say(Mark::Job, &text);
        }
        if is_over && before != Some(true) {
            let mark = match job.state {
                JobState::Completed => Mark::Completed,
                JobState::Created
                | JobState::Submitted
                | JobState::Failed
                | JobState::Cancelled
                | JobState::Erased => Mark::Failed,
            };
            timeline.say(mark, &format!("{kind}: {}", verdict.now));
        }
    }
}

/// The end of an event whose jobs are all over.
fn ended(event: &EventExplained, timeline: &Timeline) -> Result<(), Error> {
    let failed = |line: &&JobLine| line.job.state != JobState::Completed;
    let failures: Vec<&JobLine> = event.jobs.iter().filter(failed).collect();
    if let Some(first) = failures.first() {
        return Err(Error::Failed {
            failed: failures.len(),
            jobs: event.jobs.len(),
            reason: first.verdict.now.clone(),
        });
    }
    let text = match event.jobs.len() {
        0 => format!("done: {}", event.now),
        1 => "done: the event's job completed".to_owned(),
        jobs => format!("done: all {jobs} jobs of the event completed"),
    };
    timeline.say(Mark::Stack, &text);
    Ok(())
}
