//! The effects of a batch: what it does outside its own memory, and the clock.

use std::{collections::BTreeSet, iter, time::SystemTime};

use contract::Time;
use dead_letters::{DeadLetter, DeadLetterError, DeliveredBy};
use domain::{
    ConcurrencyLimits, Drawn, Ends, EntityKey, EntityState, Job, JobId, ProviderId,
    ProviderRouting, Refusal, WorkId,
};
use drawing::{DeleteError, DrawError, FetchError, Picture, PutError};
use executions::StartError;
use jiff::Timestamp;
use outbox::{Announced, PublishEntryError};
use queue::{Outgoing, SendError};
use store::{
    ErasureGuard, ItemError, Key, MetTrouble, OutboxEntry, RenderInputs, StoreError, WrittenEnds,
};
use telemetry::{Measured, Traces};
use work::{CloseError, Request, called, close, count_undrawn, ended, say_undrawn};

use crate::{App, decision::is_told_again, event::Record};

/// A picture in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// The key of the object.
    pub key: String,
    /// The address that it is read at.
    pub url: String,
}

/// The end of a closed job that is to be published again; `None` if it is not.
pub(crate) type EndAgain = Result<Option<OutboxEntry>, ItemError>;

/// What a batch does outside its own memory. The function's [`App`] does it; in the tests a script
/// answers.
pub(crate) trait Effects {
    /// The time.
    fn now(&self) -> SystemTime;

    /// Where spans are begun.
    fn traces(&self) -> &Traces;

    /// Writes a metric.
    fn emit(&self, measured: Measured<'_>);

    /// Who makes which asset.
    fn routing(&self) -> &ProviderRouting;

    /// Reads jobs and entities as they are.
    async fn inputs(
        &self,
        jobs: BTreeSet<JobId>,
        entities: BTreeSet<EntityKey>,
    ) -> Result<RenderInputs, StoreError>;

    /// The ends of `closed` jobs that are to be published again, one for each: not those that are
    /// known to be published, and not those of a tenant that was erased since, unless they were
    /// withheld for a caller with a message.
    async fn ends_again(&self, closed: &[Job]) -> Result<Vec<EndAgain>, StoreError>;

    /// Notes that `job` is about to be drawn by itself, for the message of `record`. Whether that was
    /// noted at an earlier receive of the message.
    async fn note_lone_try(&self, job: JobId, record: &Record) -> Result<bool, StoreError>;

    /// Notes in the item of an open `job` what it met, for an operator.
    async fn note_trouble(&self, job: JobId, trouble: &MetTrouble) -> Result<(), StoreError>;

    /// Starts the execution of a long job, or sees that it goes on.
    async fn start(&self, job: JobId, now: Time) -> Result<(), StartError>;

    /// Reads the leases on a vendor.
    async fn limits(&self, vendor: ProviderId) -> Result<ConcurrencyLimits, StoreError>;

    /// Whether `most` jobs of its tenant or more came before `job`, and wait for a vendor or are made
    /// by one; never, if `most` is 0.
    async fn has_before(&self, job: &Job, most: usize) -> Result<bool, StoreError>;

    /// Has an open job wait in the line that it names; the job as it is then.
    async fn join_line(&self, job: Job) -> Result<Job, StoreError>;

    /// Starts the execution of a job that waits for its turn, if no other writer changed the job.
    async fn wake(&self, job: Job, now: Time) -> Result<(), StartError>;

    /// Fetches the logo that a job is drawn with.
    async fn logo(&self, job: &Job) -> Result<Option<Vec<u8>>, FetchError>;

    /// Draws a job.
    async fn draw(&self, job: &Job, logo: Option<&[u8]>) -> Result<Picture, DrawError>;

    /// Stores the picture of a job.
    async fn put(&self, job: &Job, png: Vec<u8>) -> Result<File, PutError>;

    /// Deletes the picture of a closed job, unless the job is completed.
    async fn delete_if_unwanted(&self, closed: &Job) -> Result<(), DeleteError>;

    /// Writes the ends of jobs of one entity, if nothing changed.
    async fn write_ends(
        &self,
        ends: Ends,
        guard: ErasureGuard<'_>,
        now: Time,
    ) -> Result<WrittenEnds, StoreError>;

    /// Measures the end of a job, which was decided from `job` and what was `drawn`, and says what
    /// its picture does not show.
    fn ended(&self, job: &Job, drawn: &Drawn, end: &OutboxEntry, now: Time);

    /// Closes a job whose tenant was erased, and publishes what may be said of it.
    async fn cancel_erased(&self, job: JobId, now: Time) -> Result<(), CloseError>;

    /// Publishes the events of `entries` in the order given: one result for each entry.
    async fn publish(&self, entries: &[&OutboxEntry]) -> Vec<Result<(), PublishEntryError>>;

    /// Has the sweep publish the end of `job`, if it is committed and not marked published. One that
    /// `is_withheld` is told, because a message says that the job was announced.
    async fn leave_to_sweep(
        &self,
        job: &Job,
        is_withheld: bool,
        now: Time,
    ) -> Result<(), StoreError>;

    /// Marks an end that Kafka has and the sweep would publish.
    async fn mark_published(&self, end: &OutboxEntry) -> Result<(), StoreError>;

    /// Sends messages: one result for each.
    async fn send(&self, outgoing: Vec<Outgoing>) -> Vec<Result<(), SendError>>;

    /// Writes a dead letter.
    async fn write_dead_letter(
        &self,
        letter: &DeadLetter,
        now: Time,
    ) -> Result<(), DeadLetterError>;
}

impl Effects for App {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn traces(&self) -> &Traces {
        &self.telemetry.traces
    }

    fn emit(&self, measured: Measured<'_>) {
        self.telemetry.metrics.emit(measured);
    }

    fn routing(&self) -> &ProviderRouting {
        self.outbox.routing()
    }

    async fn inputs(
        &self,
        jobs: BTreeSet<JobId>,
        entities: BTreeSet<EntityKey>,
    ) -> Result<RenderInputs, StoreError> {
        self.store.render_inputs(jobs, entities).await
    }

    async fn ends_again(&self, closed: &[Job]) -> Result<Vec<EndAgain>, StoreError> {
        let keys = closed.iter().map(|job| Key::end(job.id)).collect();
        let mut entries = self.store.entries(keys).await?;
        let guards: Vec<ErasureGuard<'_>> = closed.iter().map(guard).collect();
        let are_erased = self.store.are_erased_since(&guards).await?;
        let again = iter::zip(closed, are_erased).map(|(job, is_erased)| -> EndAgain {
            let entry = entries.remove(&Key::end(job.id)).transpose()?;
            Ok(entry.filter(|end| is_told_again(end, is_erased)))
        });
        Ok(again.collect())
    }

    async fn note_lone_try(&self, job: JobId, record: &Record) -> Result<bool, StoreError> {
        let (message, receives) = (&record.message_id, record.receives());
        self.store.note_lone_try(job, message, receives).await
    }

    async fn note_trouble(&self, job: JobId, trouble: &MetTrouble) -> Result<(), StoreError> {
        self.store.note_trouble(job, trouble).await
    }

    async fn start(&self, job: JobId, now: Time) -> Result<(), StartError> {
        let deadline = self.outbox.deadline(now);
        self.executions.start(&self.store, job, deadline).await
    }

    async fn limits(&self, vendor: ProviderId) -> Result<ConcurrencyLimits, StoreError> {
        self.store.limits(vendor).await
    }

    async fn has_before(&self, job: &Job, most: usize) -> Result<bool, StoreError> {
        self.store.has_before(job, most).await
    }

    async fn join_line(&self, job: Job) -> Result<Job, StoreError> {
        self.store.join_line(job).await
    }

    async fn wake(&self, job: Job, now: Time) -> Result<(), StartError> {
        let (id, deadline) = (job.id, self.outbox.deadline(now));
        // Its place in the line is taken away by what looks at it next: this function deletes
        // nothing there.
        let woken = self.store.save(job.noting_turn(now).woken(deadline)).await;
        woken.map_err(|source| StartError::Restart {
            id: WorkId::Job(id),
            source,
        })?;
        self.start(id, now).await
    }

    async fn logo(&self, job: &Job) -> Result<Option<Vec<u8>>, FetchError> {
        self.drawer.logo(job).await
    }

    async fn draw(&self, job: &Job, logo: Option<&[u8]>) -> Result<Picture, DrawError> {
        let request = Request {
            provider: ProviderId::StudioCanvas,
            action: "draw",
        };
        let draw = async |job: Job| self.drawer.draw(&job, logo);
        let refusal = |drawn: &Result<Picture, DrawError>| {
            let is_refused = drawn.is_err();
            is_refused.then_some(Refusal::InvalidInput)
        };
        called(&self.telemetry, request, job, draw, refusal).await
    }

    async fn put(&self, job: &Job, png: Vec<u8>) -> Result<File, PutError> {
        let key = self.drawer.put(job, png).await?;
        let url = self.drawer.url(&key);
        Ok(File { key, url })
    }

    async fn delete_if_unwanted(&self, closed: &Job) -> Result<(), DeleteError> {
        self.drawer.delete_if_unwanted(closed).await?;
        Ok(())
    }

    async fn write_ends(
        &self,
        ends: Ends,
        guard: ErasureGuard<'_>,
        now: Time,
    ) -> Result<WrittenEnds, StoreError> {
        self.store.write_ends(ends, guard, now).await
    }

    fn ended(&self, job: &Job, drawn: &Drawn, end: &OutboxEntry, now: Time) {
        ended(&self.telemetry, job, end, now);
        if let Drawn::Stored { shows, .. } = drawn {
            say_undrawn(job, shows);
        }
        count_undrawn(&self.telemetry, job, drawn.undrawn());
    }

    async fn cancel_erased(&self, job: JobId, now: Time) -> Result<(), CloseError> {
        let (outbox, telemetry) = (&self.outbox, &self.telemetry);
        let cancel = |job: Job, _: EntityState| domain::cancel_erased(job, now);
        close(outbox, telemetry, job, Announced::Yes, now, cancel).await?;
        Ok(())
    }

    async fn publish(&self, entries: &[&OutboxEntry]) -> Vec<Result<(), PublishEntryError>> {
        self.outbox.publish_ends(entries).await
    }

    async fn leave_to_sweep(
        &self,
        job: &Job,
        is_withheld: bool,
        now: Time,
    ) -> Result<(), StoreError> {
        let from = self.outbox.deadline(now);
        self.store.leave_end_to_sweep(job, is_withheld, from).await
    }

    async fn mark_published(&self, end: &OutboxEntry) -> Result<(), StoreError> {
        self.store.mark_published(end).await
    }

    async fn send(&self, outgoing: Vec<Outgoing>) -> Vec<Result<(), SendError>> {
        self.outbox.queue().send_all(outgoing).await
    }

    async fn write_dead_letter(
        &self,
        letter: &DeadLetter,
        now: Time,
    ) -> Result<(), DeadLetterError> {
        self.dead_letters
            .write(letter, DeliveredBy::Mapping, now)
            .await
    }
}

/// The time, as the domain has it.
pub(crate) fn time(effects: &impl Effects) -> Time {
    let now = Timestamp::try_from(effects.now());
    Time::new(now.expect("the clock shows a year before 10000"))
}

/// What the end of `job` belongs to.
pub(crate) fn guard(job: &Job) -> ErasureGuard<'_> {
    ErasureGuard {
        tenant: &job.tenant,
        happened: job.created_at,
    }
}
