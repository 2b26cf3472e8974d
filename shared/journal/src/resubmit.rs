//! An operator's request to have a job made again is an inbound event like any other: decided once,
//! committed, published and started.

use contract::Time;
use domain::{Decision, EntityState, InboundEventKey, Job, JobId, Planning};

use crate::{
    Journal, StoreError,
    commit::{MOST_ROUNDS, Written, pause},
    items::{self, Expiry, Key, OutboxEntry},
};

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

impl Journal {
    /// What was decided of a request to have `job` made again, if there was one.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn resubmitted(&self, job: &Job) -> Result<Option<OutboxEntry>, StoreError> {
        self.decision(resubmission_key(job)).await
    }

    /// What becomes of a request to have `job` made again; nothing is committed yet.
    ///
    /// # Errors
    /// A [`StoreError`]; [`StoreError::Resubmit`] says why it cannot be.
    pub async fn resubmission(&self, job: &Job, now: Time) -> Result<Resubmission, StoreError> {
        // A request that was decided stands, though its job is one that was replaced by now.
        if let Some(entry) = self.resubmitted(job).await? {
            return Ok(Resubmission::Before(entry));
        }
        let entity: EntityState = match self.read(Key::entity(job.entity_key())).await? {
            Some(item) => items::state(&item)?,
            None => EntityState::new(job.tenant.clone(), job.entity.clone()),
        };
        let planning = Planning {
            now,
            deadline: self.deadline(now),
            routing: &self.routing,
        };
        Ok(Resubmission::New(Box::new(domain::resubmit(
            job, entity, planning,
        )?)))
    }

    /// Decides that `job` is made again and keeps the decision, or finds the one kept before.
    ///
    /// # Errors
    /// A [`StoreError`]. Whether the decision was kept all the same, its answer lost, the next try
    /// finds out.
    pub async fn commit_resubmission(
        &self,
        job: &Job,
        now: Time,
    ) -> Result<OutboxEntry, StoreError> {
        for round in 0..MOST_ROUNDS {
            let decision = match self.resubmission(job, now).await? {
                Resubmission::Before(entry) => return Ok(entry),
                Resubmission::New(decision) => *decision,
            };
            let expiry = Expiry {
                from: now,
                republish_from: None,
            };
            match self
                .write(resubmission_key(job), "resubmission", decision, expiry)
                .await?
            {
                Written::Committed(entry) | Written::Before(entry) => return Ok(entry),
                Written::Changed { .. } => pause(round).await,
            }
        }
        Err(StoreError::Contended)
    }
}

fn resubmission_key(job: &Job) -> Key {
    Key::inbound(InboundEventKey::of_resubmission(&job.tenant, job.id))
}
