//! A batch of messages: each is read, its jobs are drawn, closed or started, and the ends of all
//! are published together. What waits goes back into the queue (`answer.rs`).
//!
//! The ends of a message are committed before the next message is drawn: they stand even if the
//! function dies then.

use std::{
    collections::BTreeSet,
    iter,
    time::{Duration, SystemTime},
};

use contract::Time;
use domain::{Drawn, EntityKey, EntityState, Job, JobId, Work as _};
use kafka::MESSAGE_TIMEOUT;
use queue::{Message, NotRead};
use store::{OutboxEntry, RenderInputs, StoreError};
use telemetry::Kind;
use tokio::time::timeout;

use crate::{
    answer::{Answer, BatchResponse},
    config::Config,
    decision::{Todo, abandoned, in_order, todo},
    effects::{Effects, time},
    event::{Event, Record},
    in_hand::{Logos, MessageInHand},
    progress::Progress,
    slots::Slots,
    trouble::Trouble,
};

/// How long publishing takes at most: every acknowledgement.
const PUBLISH_TIME: Duration = MESSAGE_TIMEOUT.saturating_add(Duration::from_secs(1));

/// How long it takes at most to put off what is left.
const SEND_TIME: Duration = Duration::from_secs(6);

/// How long before the end of the invocation the last call is given up, so that there is an answer:
/// a function that is killed counts as one that died of each of its messages.
const SLACK: Duration = Duration::from_secs(1);

/// The time that a commit is given.
const COMMIT_TIME: Duration = Duration::from_secs(6);

/// The time that a picture is given, with its upload. Most take a tenth of it.
const PICTURE_TIME: Duration = Duration::from_millis(500);

/// A batch, and how far its jobs have come.
pub(crate) struct Batch<'a, E> {
    pub effects: &'a E,
    pub config: &'a Config,
    /// When the invocation ends.
    deadline: SystemTime,
    /// The jobs and entities as they were last read or written.
    pub inputs: RenderInputs,
    pub progress: Progress,
    pub logos: Logos,
    pub slots: Slots,
}

/// Handles a batch until `deadline`, the end of the invocation.
pub(crate) async fn handle<E: Effects>(
    config: &Config,
    effects: &E,
    event: &Event,
    deadline: SystemTime,
) -> BatchResponse {
    let traces = effects.traces();
    let mut whole = traces.begin(format_args!("handle render-queue"), Kind::Internal, None);
    whole.set("faas.trigger", "pubsub");
    whole.set(
        "messaging.batch.message_count",
        i64::try_from(event.records.len()).unwrap_or(i64::MAX),
    );
    let mut answer = Answer::default();
    let mut batch = Batch {
        effects,
        config,
        deadline,
        inputs: RenderInputs::default(),
        progress: Progress::default(),
        logos: Logos::default(),
        slots: Slots::default(),
    };
    let (messages, unreadable) = read_all(config, &event.records);
    answer.keep_unreadable(config, effects, unreadable).await;
    batch.read_inputs(&messages).await;
    for one in &messages {
        // It may kill the function, and the ends of the others would wait until they come again.
        if one.record.receives() > 1 {
            batch.publish().await;
        }
        batch.work_on(one).await;
    }
    batch.publish().await;
    let within = batch.left_before(SLACK);
    tokio::join!(
        batch.tell_sweep(within),
        answer.put_off(config, effects, &messages, &batch.progress, within)
    );
    answer.respond(&event.records)
}

/// The messages, in the order in which they are taken, and those that cannot be read.
fn read_all<'a>(
    config: &Config,
    records: &'a [Record],
) -> (Vec<MessageInHand<'a>>, Vec<(&'a Record, NotRead)>) {
    let (mut messages, mut unreadable) = (Vec::new(), Vec::new());
    for record in in_order(records) {
        match Message::read(&record.body) {
            Ok(message) => messages.push(MessageInHand {
                record,
                message,
                is_dead: record.queue == config.dead_letter_queue,
            }),
            Err(error) => unreadable.push((record, error)),
        }
    }
    (messages, unreadable)
}

impl<E: Effects> Batch<'_, E> {
    /// The time.
    pub(crate) fn now(&self) -> Time {
        time(self.effects)
    }

    /// The time that is left for work, before what must follow it.
    fn left(&self) -> Duration {
        self.left_before(PUBLISH_TIME + SEND_TIME)
    }

    /// The time that is left before the last `part` of the invocation.
    fn left_before(&self, part: Duration) -> Duration {
        let left = self.deadline.duration_since(self.effects.now());
        left.unwrap_or_default().saturating_sub(part)
    }

    /// The number of pictures that can be drawn and committed in the time that is left.
    pub(crate) fn room(&self) -> usize {
        let left = self.left().saturating_sub(COMMIT_TIME);
        let pictures = left.as_millis() / PICTURE_TIME.as_millis();
        usize::try_from(pictures).unwrap_or(usize::MAX)
    }

    /// Reads what all messages are about, in the time that is left.
    async fn read_inputs(&mut self, messages: &[MessageInHand<'_>]) {
        let all = || messages.iter().map(|one| &one.message);
        let jobs: Vec<JobId> = all().flat_map(|message| message.jobs.clone()).collect();
        if jobs.is_empty() {
            return;
        }
        let entities = all().map(|message| message.entity).collect();
        let left = self.left();
        let read = timeout(left, Box::pin(self.read(&jobs, entities))).await;
        if read.is_err() {
            self.progress.meets(&jobs, Trouble::Slow);
        }
    }

    /// Reads the jobs and entities in one request, and the ends of those jobs that are closed in
    /// another.
    async fn read(&mut self, jobs: &[JobId], entities: BTreeSet<EntityKey>) {
        match self
            .effects
            .inputs(jobs.iter().copied().collect(), entities)
            .await
        {
            Ok(inputs) => self.inputs = inputs,
            Err(error) => return self.progress.meets(jobs, error.into()),
        }
        let closed = self.closed(jobs.iter().copied());
        if let Err(error) = self.publish_again(&closed).await {
            let closed: Vec<JobId> = closed.iter().map(|job| job.id).collect();
            self.progress.meets(&closed, error.into());
        }
    }

    /// Those of `jobs` that are closed, in their order, each once.
    fn closed(&self, jobs: impl Iterator<Item = JobId>) -> Vec<Job> {
        let mut seen = BTreeSet::new();
        let jobs = jobs.filter(|job| seen.insert(*job));
        let found = jobs.filter_map(|job| self.inputs.jobs.get(&job));
        let read = found.filter_map(|job| job.as_ref().ok());
        read.filter(|job| job.is_closed()).cloned().collect()
    }

    /// Has the ends of jobs published that were closed before: an earlier delivery may have died,
    /// or Kafka was away, before they were. A message is the proof that the job's `created` is
    /// published, so that an end which was withheld for that is published, too.
    pub(crate) async fn publish_again(&mut self, closed: &[Job]) -> Result<(), StoreError> {
        if closed.is_empty() {
            return Ok(());
        }
        let ends = self.effects.ends_again(closed).await?;
        for (job, end) in iter::zip(closed, ends) {
            match end {
                Ok(Some(end)) => self.progress.ends(job.id, end),
                Ok(None) => self.progress.settles(job.id),
                Err(error) => {
                    let trouble = Trouble::Unreadable(error.to_string());
                    self.progress.meets(&[job.id], trouble);
                }
            }
        }
        Ok(())
    }

    /// Does what is to be done for the jobs of a message, in the time that is left.
    async fn work_on(&mut self, one: &MessageInHand<'_>) {
        let jobs = &one.message.jobs;
        let worked = match self.progress.has_outage() {
            true => Err(Trouble::Follows),
            false => {
                let left = self.left();
                // Boxed, because an optimized build computes the layout of all that is awaited in
                // one piece, and would come to its limit.
                let work = timeout(left, Box::pin(self.take_up(one))).await;
                work.unwrap_or(Err(Trouble::Slow))
            }
        };
        if let Err(trouble) = worked {
            self.progress.meets(jobs, trouble);
        }
    }

    async fn take_up(&mut self, one: &MessageInHand<'_>) -> Result<(), Trouble> {
        let open = self.open(one);
        if !open.is_empty() && self.room() == 0 {
            return Err(Trouble::NoTime);
        }
        // One of them killed the function, and the others are not to be given up with it.
        if one.is_dead && open.len() > 1 {
            return Err(Trouble::Apart);
        }
        let (now, routing) = (self.now(), self.effects.routing());
        let (mut long, mut short) = (Vec::new(), Vec::new());
        for job in open {
            match todo(&job, routing, now) {
                Todo::Start => long.push((job, None)),
                Todo::Ask(vendor) => long.push((job, Some(vendor))),
                Todo::Wait => self.progress.settles(job.id),
                Todo::Draw => {
                    let over = match one.is_dead {
                        true => self.try_alone(job.id, one.record, now).await?,
                        false => None,
                    };
                    short.push((job, over));
                }
                Todo::Close(drawn) => short.push((job, Some(drawn))),
            }
        }
        short.extend(self.start_or_wait(long).await);
        if self.progress.has_outage() {
            return Err(Trouble::Follows);
        }
        self.draw(short, one).await
    }

    /// Notes that a job is drawn by itself, so that the neighbours of what kills the function are
    /// drawn. Returns its end if the function died of that before.
    async fn try_alone(
        &mut self,
        job: JobId,
        record: &Record,
        now: Time,
    ) -> Result<Option<Drawn>, Trouble> {
        if self.effects.note_lone_try(job, record).await? {
            return Ok(Some(abandoned(now)));
        }
        self.progress.tries_alone(job);
        Ok(None)
    }

    /// The open jobs of a message for which something is to be done.
    fn open(&mut self, one: &MessageInHand<'_>) -> Vec<Job> {
        let mut open: Vec<Job> = Vec::new();
        for &id in &one.message.jobs {
            if !self.progress.is_waiting(id) || open.iter().any(|job| job.id == id) {
                continue;
            }
            match self.inputs.jobs.get(&id) {
                Some(Ok(job)) if job.entity_key() == one.message.entity => open.push(job.clone()),
                Some(Ok(_)) => {
                    // The sweep sends it again, with the right entity.
                    let entity = one.message.entity;
                    tracing::error!(job = %id, %entity, "not drawn: it is of another entity");
                    self.progress.settles(id);
                }
                Some(Err(error)) => {
                    let trouble = Trouble::Unreadable(error.to_string());
                    self.progress.meets(&[id], trouble);
                }
                None => {
                    tracing::error!(job = %id, "not drawn: there is no such job");
                    self.progress.settles(id);
                }
            }
        }
        open
    }

    /// The entity of `job` as it was last read or written; a new one if nothing is left of it.
    pub(crate) fn entity_of(&self, key: EntityKey, job: &Job) -> Result<EntityState, Trouble> {
        match self.inputs.entities.get(&key) {
            Some(Ok(entity)) => Ok(entity.clone()),
            Some(Err(error)) => Err(Trouble::Unreadable(error.to_string())),
            None => Ok(EntityState::new(job.tenant.clone(), job.entity.clone())),
        }
    }

    /// Publishes the ends that are committed so far.
    async fn publish(&mut self) {
        let ends = self.progress.take_ends();
        if ends.is_empty() {
            return;
        }
        let entries: Vec<&OutboxEntry> = ends.iter().map(|(_, end)| end).collect();
        let published = self.effects.publish(&entries).await;
        self.progress.published(ends, published);
    }
}

#[cfg(test)]
mod tests;
