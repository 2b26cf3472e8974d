//! An operator's request to have a job made again is an inbound event like any other: decided once,
//! committed, published and sent.

use contract::Time;
use domain::{Decision, InboundEventKey, Job, JobId};
use store::{Expiry, Key, OutboxEntry, Prepared, Rounds, StoreError, Written};

use crate::{CommitError, Outbox};

/// What becomes of a request to have a job made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resubmission {
    /// It was decided before.
    Before(OutboxEntry),
    /// It is to be decided so.
    New(Box<Decision>),
}

impl Resubmission {
    /// The job that makes it again.
    #[must_use]
    pub fn job(&self) -> Option<JobId> {
        let starts = match self {
            Self::Before(entry) => &entry.starts,
            Self::New(decision) => &decision.starts,
        };
        starts.first().copied()
    }
}

impl Outbox {
    /// What was decided of a request to have `job` made again, if there was one.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn resubmitted(&self, job: &Job) -> Result<Option<OutboxEntry>, StoreError> {
        self.store.entry(resubmission_key(job)).await
    }

    /// What becomes of a request to have `job` made again; nothing is committed yet.
    ///
    /// # Errors
    /// A [`CommitError`]; [`CommitError::Resubmit`] says why it cannot be.
    pub async fn resubmission(&self, job: &Job, now: Time) -> Result<Resubmission, CommitError> {
        // An earlier request is final, even if a newer job has replaced the one that it opened.
        if let Some(entry) = self.resubmitted(job).await? {
            return Ok(Resubmission::Before(entry));
        }
        let decision = domain::resubmit(job, self.entity_of(job).await?, self.planning(now))?;
        Ok(Resubmission::New(Box::new(decision)))
    }

    /// Decides that `job` is made again and commits the decision, or finds the entry committed
    /// before.
    ///
    /// # Errors
    /// A [`CommitError`]. The entry may have been committed and its answer lost: the next try finds
    /// it.
    pub async fn commit_resubmission(
        &self,
        job: &Job,
        now: Time,
    ) -> Result<OutboxEntry, CommitError> {
        let key = resubmission_key(job);
        let expiry = Expiry {
            from: now,
            republish_from: None,
        };
        let mut rounds = Rounds::blind();
        loop {
            rounds.next().await?;
            let decision = match self.resubmission(job, now).await? {
                Resubmission::Before(entry) => return Ok(entry),
                Resubmission::New(decision) => *decision,
            };
            let again = Prepared::new(key.clone(), "resubmission", decision, expiry, None);
            match self.store.write(again).await? {
                Written::Committed(committed) => return Ok(committed.entry),
                Written::Before(entry) => return Ok(entry),
                Written::Changed { .. } | Written::Erased => {}
            }
        }
    }
}

fn resubmission_key(job: &Job) -> Key {
    Key::inbound(InboundEventKey::of_resubmission(&job.tenant, job.id))
}
