//! The effects of a batch: whatever its phases do outside their own memory, and the clock.

use std::time::SystemTime;

use contract::{Time, Topic};
use dead_letters::{DeadLetter, DeadLetterError, DeliveredBy};
use domain::{EntityState, PlanError};
use kafka::PublishError;
use outbox::{CommitError, LookedUp, SendEntryError};
use store::{Committed, OutboxEntry, Prepared, StoreError};
use telemetry::{Measured, Traces};

use crate::{App, record::ReadEvent};

/// What the phases of a batch do outside their own memory. A function's [`App`] does it; in the
/// tests of the phases a script answers. The futures are `Send`, because the function's runtime may
/// move them between its threads.
pub(crate) trait Effects {
    /// The time.
    fn now(&self) -> SystemTime;

    /// Where spans are begun.
    fn traces(&self) -> &Traces;

    /// Writes a metric.
    fn emit(&self, measured: Measured<'_>);

    /// Reads what the table has of `events`: their entities, and the entries committed before. An
    /// entry all of whose jobs are closed is published.
    fn look_up(
        &self,
        events: &[&ReadEvent],
    ) -> impl Future<Output = Result<LookedUp, StoreError>> + Send;

    /// Decides what follows from an event, whose entity is as `before`. Makes no call.
    fn decide(
        &self,
        read: &ReadEvent,
        before: Option<&EntityState>,
        now: Time,
    ) -> Result<Prepared, PlanError>;

    /// Commits all decisions of `group` in one transaction. `None`: one of them is in the way of
    /// the others, and nothing is committed.
    fn commit_together(
        &self,
        group: Vec<Prepared>,
    ) -> impl Future<Output = Result<Option<Vec<Committed>>, StoreError>> + Send;

    /// Commits what follows from an event, whose entity is perhaps as `before`; or finds the entry
    /// that was committed before.
    fn commit(
        &self,
        read: &ReadEvent,
        before: Option<&EntityState>,
        now: Time,
    ) -> impl Future<Output = Result<Committed, CommitError>> + Send;

    /// Writes a dead letter.
    fn write_dead_letter(
        &self,
        letter: &DeadLetter,
        by: DeliveredBy,
        now: Time,
    ) -> impl Future<Output = Result<(), DeadLetterError>> + Send;

    /// Why an operator set a record aside; `None` if none did.
    fn is_set_aside(
        &self,
        record: (Topic, i32, i64),
    ) -> impl Future<Output = Result<Option<String>, StoreError>> + Send;

    /// Publishes the events of `entries` in the order given: one result for each entry.
    fn publish(
        &self,
        entries: &[&OutboxEntry],
    ) -> impl Future<Output = Vec<Result<(), PublishError>>> + Send;

    /// Sends the jobs of `entries`, at most ten, in one call: one result for each entry. Each of them
    /// opened jobs, and its events are acknowledged.
    fn send(
        &self,
        entries: &[&OutboxEntry],
    ) -> impl Future<Output = Vec<Result<(), SendEntryError>>> + Send;

    /// Marks an entry published, which opened no job.
    fn mark_published(
        &self,
        entry: &OutboxEntry,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
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

    async fn look_up(&self, events: &[&ReadEvent]) -> Result<LookedUp, StoreError> {
        let parts = events.iter().map(|read| (&read.inbound, &read.description));
        let parts: Vec<_> = parts.collect();
        self.outbox.look_up(&parts).await
    }

    fn decide(
        &self,
        read: &ReadEvent,
        before: Option<&EntityState>,
        now: Time,
    ) -> Result<Prepared, PlanError> {
        let ReadEvent {
            inbound,
            description,
        } = read;
        self.outbox.decide(inbound, description, before, now)
    }

    async fn commit_together(
        &self,
        group: Vec<Prepared>,
    ) -> Result<Option<Vec<Committed>>, StoreError> {
        self.store.write_together(group).await
    }

    async fn commit(
        &self,
        read: &ReadEvent,
        before: Option<&EntityState>,
        now: Time,
    ) -> Result<Committed, CommitError> {
        let ReadEvent {
            inbound,
            description,
        } = read;
        self.outbox.commit(inbound, description, before, now).await
    }

    async fn write_dead_letter(
        &self,
        letter: &DeadLetter,
        by: DeliveredBy,
        now: Time,
    ) -> Result<(), DeadLetterError> {
        self.dead_letters.write(letter, by, now).await
    }

    async fn is_set_aside(&self, record: (Topic, i32, i64)) -> Result<Option<String>, StoreError> {
        self.store.is_set_aside(record).await
    }

    async fn publish(&self, entries: &[&OutboxEntry]) -> Vec<Result<(), PublishError>> {
        self.outbox.publish(entries).await
    }

    async fn send(&self, entries: &[&OutboxEntry]) -> Vec<Result<(), SendEntryError>> {
        self.outbox.send(entries).await
    }

    async fn mark_published(&self, entry: &OutboxEntry) -> Result<(), StoreError> {
        self.store.mark_published(entry).await
    }
}
