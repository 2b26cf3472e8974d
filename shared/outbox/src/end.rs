//! The end of a job: committed once, and published by a caller that may. What may be published of the
//! end of an erased tenant's job depends on who calls.

use contract::Time;
use domain::{Decision, EntityState, Job, JobId, Work as _};
use store::{ErasureGuard, Key, OutboxEntry, Prepared, Rounds, StoreError, Written};

use crate::{CommitError, Outbox};

/// Whether the caller knows that Kafka has the `created` of a job. It decides what may be published
/// of the end of an erased tenant's job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announced {
    /// It was called by a message of the queue or by the job's execution: there is neither before
    /// the brokers have acknowledged `created`.
    Yes,
    /// It was called by something else.
    Unknown,
}

impl Outbox {
    /// Decides the end of `job` and commits it; or finds the end committed before, whichever it
    /// was. `decide` sees the job and its entity as they are. Returns the entry and the job that it
    /// was decided from. `None`: `decide` had nothing to decide, and no end was committed before.
    ///
    /// If the job's tenant was erased since the job was decided on, the end is a cancellation that
    /// says nothing personal, whatever `decide` says; see [`end_of_erased`](Self::end_of_erased). An
    /// end that is withheld is returned only to a caller to which the job is `announced`; to the
    /// others there is nothing to publish.
    ///
    /// Until the entry is marked published, the sweep finds it by the job's deadline: the job is
    /// closed then, so nothing else looks for it.
    ///
    /// # Errors
    /// A [`CommitError`]. The entry may have been committed and its answer lost: the next try finds
    /// it.
    pub async fn commit_end(
        &self,
        job: JobId,
        announced: Announced,
        now: Time,
        decide: impl Fn(Job, EntityState) -> Option<Decision>,
    ) -> Result<Option<(OutboxEntry, Job)>, CommitError> {
        let key = Key::end(job);
        let mut rounds = Rounds::blind();
        loop {
            rounds.next().await?;
            let job = self.store.job(job).await?;
            let entity = self.entity_of(&job).await?;
            let guard = guard_of(&job);
            let Some(decision) = decide(job.clone(), entity) else {
                let end = self.end_before(&job, announced).await?;
                return Ok(end.map(|end| (end, job)));
            };
            let expiry = self.open_expiry(now);
            let end = Prepared::new(key.clone(), "end", decision, expiry, Some(guard));
            match self.store.write(end).await? {
                Written::Committed(committed) => return Ok(Some((committed.entry, job))),
                Written::Before(entry) => return Ok(Some((told(entry, announced), job))),
                Written::Erased => {
                    if let Some(end) = self.end_of_erased(&job, announced, now).await? {
                        return Ok(Some((end, job)));
                    }
                }
                Written::Changed { .. } => {}
            }
        }
    }

    /// Cancels the job, of which nothing may be published any more because its tenant was erased
    /// ([`publish_opening_entry`](Self::publish_opening_entry)), and withholds its end. A job that is
    /// closed keeps its end. The commit asks no tombstone: an erasure that began just now has not
    /// written all of it.
    ///
    /// # Errors
    /// A [`CommitError`]; doing it again is safe.
    pub async fn cancel_withheld(&self, job: JobId, now: Time) -> Result<(), CommitError> {
        let mut rounds = Rounds::blind();
        loop {
            rounds.next().await?;
            let job = self.store.job(job).await?;
            let end = self.end_of_erased(&job, Announced::Unknown, now).await?;
            if end.is_some() {
                return Ok(());
            }
        }
    }

    /// What may be published of the end that `job` has; `None` if it has none. An end from before
    /// the erasure of its tenant is not published again. One that was withheld then is told to a
    /// caller to which the job is `announced`.
    async fn end_before(
        &self,
        job: &Job,
        announced: Announced,
    ) -> Result<Option<OutboxEntry>, StoreError> {
        let key = Key::end(job.id);
        let end = self.store.entry(key.clone()).await?;
        let is_withheld = end.as_ref().is_some_and(|end| end.withheld);
        if job.is_closed() && !is_withheld && self.store.is_erased_since(guard_of(job)).await? {
            return Ok(Some(OutboxEntry::of_erased_tenant(key, "end".to_owned())));
        }
        Ok(end.map(|end| told(end, announced)))
    }

    /// Commits the end of a job whose tenant was erased, and returns what may be published of it.
    /// The end is withheld unless the job's `created` is known to be published: by the caller, by
    /// the job or by the entry that opened it. What knows it later tells the end: the job's message,
    /// which is in the queue, or the next step of its execution. `None` if another writer changed
    /// the job.
    async fn end_of_erased(
        &self,
        job: &Job,
        announced: Announced,
        now: Time,
    ) -> Result<Option<OutboxEntry>, CommitError> {
        let key = Key::end(job.id);
        let Some(decision) = domain::cancel_erased(job.clone(), now) else {
            // It has an end, which is not published again.
            return Ok(Some(OutboxEntry::of_erased_tenant(key, "end".to_owned())));
        };
        let is_announced =
            announced == Announced::Yes || self.unpublished_opening(job).await?.is_none();
        let end = match is_announced {
            true => Prepared::new(key, "end", decision, self.open_expiry(now), None),
            false => Prepared::withheld(key, "end", decision, now),
        };
        Ok(match self.store.write(end).await? {
            Written::Committed(committed) => Some(told(committed.entry, announced)),
            Written::Before(entry) => Some(told(entry, announced)),
            Written::Changed { .. } | Written::Erased => None,
        })
    }
}

/// What a caller may publish of the end of a job: nothing of one that is withheld from it.
fn told(mut end: OutboxEntry, announced: Announced) -> OutboxEntry {
    if end.withheld && announced == Announced::Unknown {
        end.events.clear();
        end.published = true;
    }
    end
}

/// What the end of a job belongs to.
pub(crate) fn guard_of(job: &Job) -> ErasureGuard<'_> {
    ErasureGuard {
        tenant: &job.tenant,
        happened: job.created_at,
    }
}

#[cfg(test)]
mod tests {
    use contract::Topic;
    use domain::{OutboundEvent, derive};

    use super::*;

    fn end(withheld: bool) -> OutboxEntry {
        let key = Key::end(JobId(derive(&[b"a job"])));
        let mut end = OutboxEntry::of_erased_tenant(key, "end".to_owned());
        end.events.push(OutboundEvent {
            topic: Topic::RenderJobFailed,
            key: "tenant-gone".to_owned(),
            value: "{}".to_owned(),
            trace: None,
        });
        end.published = false;
        end.withheld = withheld;
        end
    }

    #[test]
    fn a_withheld_end_is_told_only_by_what_knows_that_the_job_was_announced() {
        for (withheld, announced, is_told) in [
            (true, Announced::Yes, true),
            (true, Announced::Unknown, false),
            (false, Announced::Yes, true),
            (false, Announced::Unknown, true),
        ] {
            let entry = told(end(withheld), announced);
            assert_eq!(
                entry.events.is_empty(),
                !is_told,
                "{withheld} {announced:?}"
            );
            // So that it is neither marked nor measured, either.
            assert_eq!(entry.published, !is_told, "{withheld} {announced:?}");
        }
    }
}
