//! Publish: the events of an outbox entry go to Kafka, and the entry is marked published.

use domain::{Job, OutboundEvent};
use kafka::PublishError;
use queue::SendError;
use store::{ErasureGuard, Key, OutboxEntry, StoreError, Unpublished};

use crate::{Outbox, end::guard_of};

impl Outbox {
    /// Publishes what was committed, all of it pipelined and in the order given, and awaits every
    /// acknowledgement. One result for each decision; one that was published before is not
    /// published again.
    ///
    /// Whatever was not acknowledged is purged before this returns: it would leave after the
    /// sandbox's thaw, long after the redelivery published it again.
    pub async fn publish(&self, entries: &[&OutboxEntry]) -> Vec<Result<(), PublishError>> {
        let events: Vec<&[OutboundEvent]> = entries
            .iter()
            .map(|entry| {
                if entry.published {
                    &[][..]
                } else {
                    &entry.events[..]
                }
            })
            .collect();
        self.publisher.publish(&events).await
    }

    /// Publishes and marks one decision. If it is the end of a job that failed, a notice is sent
    /// between the two.
    ///
    /// # Errors
    /// The [`PublishEntryError`] of the part that failed; doing it again is safe.
    pub async fn publish_and_mark(&self, entry: &OutboxEntry) -> Result<(), PublishEntryError> {
        self.publish_ends(&[entry])
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
        self.store.mark_published(entry).await?;
        Ok(())
    }

    /// Publishes and marks the decision that opened the open `job`, if that may not have been done:
    /// a job's `created` comes before its message, its execution and its end. Returns whether Kafka
    /// is known to have it then.
    ///
    /// `false` only if the job's tenant was erased since, so that nothing is published of it any
    /// more. Do not send or start the job then, because a message says that `created` was published
    /// ([`Announced`](crate::Announced)): [`cancel_withheld`](Self::cancel_withheld) ends it.
    ///
    /// # Errors
    /// As [`publish_and_mark`](Self::publish_and_mark).
    pub async fn publish_opening_entry(&self, job: &Job) -> Result<bool, PublishEntryError> {
        let Some(opening) = self.unpublished_opening(job).await? else {
            return Ok(true);
        };
        if self.store.is_erased_since(guard_of(job)).await? {
            return Ok(false);
        }
        self.publish_and_mark(&opening).await?;
        Ok(true)
    }

    /// The entry that opened the open `job`, if neither the job nor the entry says that it was
    /// published. One that is gone, after 97 days, counts as published.
    ///
    /// It may have been published nevertheless: an entry that opened jobs is marked only where it is
    /// published once more than needed. The job's message and its execution know it, because none of
    /// the entry's jobs is sent or started before the brokers have acknowledged all of its events.
    pub(crate) async fn unpublished_opening(
        &self,
        job: &Job,
    ) -> Result<Option<OutboxEntry>, StoreError> {
        if job.has_begun() {
            return Ok(None);
        }
        let opening = self.store.entry(Key::inbound(job.inbound)).await?;
        Ok(opening.filter(|opening| !opening.published))
    }

    /// Publishes and marks something that was committed and may not have been published, if that
    /// has not been done.
    ///
    /// # Errors
    /// As [`publish_and_mark`](Self::publish_and_mark).
    pub async fn publish_overdue(
        &self,
        unpublished: &Unpublished,
    ) -> Result<(), PublishEntryError> {
        self.publish_entry(unpublished.key()).await
    }

    /// Publishes and marks the entry under `key`, if there is one and that has not been done. What
    /// was committed before its tenant's erasure began is not published.
    pub(crate) async fn publish_entry(&self, key: Key) -> Result<(), PublishEntryError> {
        let Some(entry) = self.store.entry(key).await? else {
            return Ok(());
        };
        if let Some(owner) = &entry.owner {
            let guard = ErasureGuard {
                tenant: &owner.tenant,
                happened: owner.since,
            };
            if self.store.is_erased_since(guard).await? {
                return Ok(());
            }
        }
        self.publish_and_mark(&entry).await
    }
}

/// Why a decision is not published and marked.
#[derive(Debug, thiserror::Error)]
pub enum PublishEntryError {
    /// It could not be read or marked.
    #[error("reading an outbox entry, or marking it published")]
    Store(#[from] StoreError),
    /// Kafka may not have it.
    #[error("publishing an outbox entry")]
    Publish(#[from] PublishError),
    /// Kafka has it, and it is the end of a job that failed. The queue of notices may not have the
    /// job.
    #[error("queueing the notice of a failed job, whose end is published")]
    Notice(#[source] SendError),
}
