//! An operator's request to have a job made again is a cause like any other: decided once, kept whole, told and started.

use events::Time;
use jobs::{CauseKey, Decision, EntityState, Job, JobId, Planning};

use crate::{
    Journal, KeepError,
    items::{self, Expiry, Kept, Key},
    keep::{MOST_ROUNDS, Written, pause},
};

/// What becomes of a request to have a job made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resubmission {
    /// It was decided before.
    Before(Kept),
    /// It is to be decided so.
    New(Box<Decision>),
}

impl Resubmission {
    /// The job that makes it again.
    #[must_use]
    pub fn job(&self) -> Option<JobId> {
        let starts = match self {
            Self::Before(kept) => &kept.starts,
            Self::New(decision) => &decision.starts,
        };
        starts.first().copied()
    }
}

impl Journal {
    /// What was decided of a request to have `job` made again, if there was one.
    ///
    /// # Errors
    /// A [`KeepError`].
    pub async fn resubmitted(&self, job: &Job) -> Result<Option<Kept>, KeepError> {
        self.decision(resubmission_key(job)).await
    }

    /// What becomes of a request to have `job` made again; nothing is kept yet.
    ///
    /// # Errors
    /// A [`KeepError`]; [`KeepError::Resubmit`] says why it cannot be.
    pub async fn resubmission(&self, job: &Job, now: Time) -> Result<Resubmission, KeepError> {
        // A request that was decided stands, though its job is one that was replaced by now.
        if let Some(kept) = self.resubmitted(job).await? {
            return Ok(Resubmission::Before(kept));
        }
        let entity: EntityState = match self.read(Key::entity(job.entity_key())).await? {
            Some(item) => items::state(&item)?,
            None => EntityState::new(job.tenant.clone(), job.entity.clone()),
        };
        let planning = Planning { now, deadline: self.deadline(now), makers: &self.makers };
        Ok(Resubmission::New(Box::new(jobs::resubmit(job, entity, planning)?)))
    }

    /// Decides that `job` is made again and keeps the decision, or finds the one kept before.
    ///
    /// # Errors
    /// A [`KeepError`]. Whether the decision was kept all the same, its answer lost, the next try finds out.
    pub async fn keep_resubmission(&self, job: &Job, now: Time) -> Result<Kept, KeepError> {
        for round in 0..MOST_ROUNDS {
            let decision = match self.resubmission(job, now).await? {
                Resubmission::Before(kept) => return Ok(kept),
                Resubmission::New(decision) => *decision,
            };
            let expiry = Expiry { from: now, retell_from: None };
            match self.write(resubmission_key(job), "resubmission", decision, expiry).await? {
                Written::Kept(kept) | Written::Before(kept) => return Ok(kept),
                Written::Changed { .. } => pause(round).await,
            }
        }
        Err(KeepError::Contended)
    }
}

fn resubmission_key(job: &Job) -> Key {
    Key::cause(CauseKey::of_resubmission(&job.tenant, job.id))
}
