//! Commit: a decision becomes true, whole or not at all, and once.

use contract::Time;
use domain::{Description, EntityState, InboundEvent, Job, PlanError, Planning, ResubmitError};
use store::{
    Committed, ErasureGuard, Expiry, Key, OutboxEntry, Prepared, Rounds, StoreError, Written,
};

use crate::Outbox;

/// Why a decision was not committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The same id was decided before, for another content.
    #[error(
        "id reused: an event with this source and id was handled before and said something else"
    )]
    IdReused,
    /// No decision can be made of the inbound event.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The job cannot be made again.
    #[error(transparent)]
    Resubmit(#[from] ResubmitError),
    /// The store did not take it.
    #[error("committing the decision")]
    Store(#[from] StoreError),
}

impl CommitError {
    /// Whether doing it again can succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::IdReused | Self::Plan(_) | Self::Resubmit(_) => false,
        }
    }
}

impl Outbox {
    /// Decides what `inbound`, read as `description`, changes about its entity as it is `before`
    /// (`None`: not known yet). Makes no call: the decision is only prepared.
    ///
    /// # Errors
    /// A [`PlanError`]; the entry may have been committed nevertheless ([`commit`](Self::commit)
    /// looks).
    pub fn decide(
        &self,
        inbound: &InboundEvent,
        description: &Description,
        before: Option<&EntityState>,
        now: Time,
    ) -> Result<Prepared, PlanError> {
        let decision = domain::plan(before, inbound, description, self.planning(now))?;
        let key = Key::inbound(inbound.key(&description.tenant));
        // A producer's clock may be ahead: the entry outlives the time for which the event can look
        // young.
        let expiry = Expiry {
            from: inbound.time.in_milliseconds().max(now),
            republish_from: None,
        };
        let guard = Some(guard(inbound, description));
        let content = inbound.content.to_hex();
        Ok(Prepared::new(key, &content, decision, expiry, guard))
    }

    /// Decides what `inbound`, read as `description`, changes, and commits the decision by itself;
    /// or finds the outbox entry committed before.
    ///
    /// The first round takes the entity for `before`, which may be out of date or not known; if it
    /// is not so, the failed condition returns the entity and the decision is made again from it.
    /// What was committed before is returned without the entity.
    ///
    /// # Errors
    /// A [`CommitError`]. The entry may have been committed and its answer lost: the next try finds
    /// it.
    pub async fn commit(
        &self,
        inbound: &InboundEvent,
        description: &Description,
        before: Option<&EntityState>,
        now: Time,
    ) -> Result<Committed, CommitError> {
        let key = Key::inbound(inbound.key(&description.tenant));
        let content = inbound.content.to_hex();
        let found = |entry| Committed {
            entry,
            entity: None,
        };
        let same = |entry: OutboxEntry| match entry.content == content {
            true => Ok(found(entry)),
            false => Err(CommitError::IdReused),
        };
        let mut newer: Option<Box<EntityState>> = None;
        let mut rounds = before.map_or_else(Rounds::blind, |_| Rounds::default());
        loop {
            rounds.next().await?;
            let entity = newer.as_deref().or(before);
            let decision = match self.decide(inbound, description, entity, now) {
                Ok(decision) => decision,
                // It may have been committed while it was young, or by a function whose clock is
                // ahead of ours, and never published.
                Err(error @ (PlanError::TooOld(_) | PlanError::TooFarAhead(_))) => {
                    let entry = self.store.entry(key).await?;
                    return entry.map_or(Err(error.into()), same);
                }
                Err(error) => return Err(error.into()),
            };
            match self.store.write(decision).await? {
                Written::Committed(committed) => return Ok(*committed),
                Written::Erased => {
                    return Ok(found(OutboxEntry::of_erased_tenant(key, content)));
                }
                Written::Before(entry) => return same(entry),
                Written::Changed { entity } => newer = entity.or(newer),
            }
        }
    }

    /// The entity of a job; a new one if nothing is left of it.
    pub(crate) async fn entity_of(&self, job: &Job) -> Result<EntityState, StoreError> {
        let found = self.store.entity(job.entity_key()).await?;
        Ok(found.unwrap_or_else(|| EntityState::new(job.tenant.clone(), job.entity.clone())))
    }

    /// What a plan depends on besides the entity and the inbound event.
    pub(crate) fn planning(&self, now: Time) -> Planning<'_> {
        Planning {
            now,
            deadline: self.deadline(now),
            routing: &self.routing,
        }
    }

    /// The expiry of an entry that no redelivery publishes: the sweep does, from the deadline on.
    pub(crate) fn open_expiry(&self, now: Time) -> Expiry {
        Expiry {
            from: now,
            republish_from: Some(self.deadline(now)),
        }
    }
}

/// What an inbound event's entry belongs to.
pub(crate) fn guard<'a>(inbound: &InboundEvent, description: &'a Description) -> ErasureGuard<'a> {
    ErasureGuard {
        tenant: &description.tenant,
        happened: inbound.time.in_milliseconds(),
    }
}

#[cfg(test)]
mod tests {
    use domain::{JobId, derive};

    use super::*;

    #[test]
    fn only_trouble_of_the_store_may_pass() {
        let replaced = ResubmitError::Replaced(JobId(derive(&[b"a job"])));
        for (error, is_transient) in [
            (CommitError::Store(StoreError::Contended), true),
            (
                CommitError::Store(StoreError::Refused("large".into())),
                false,
            ),
            (CommitError::IdReused, false),
            (CommitError::Plan(PlanError::TooManyAssets(98)), false),
            (CommitError::Resubmit(replaced), false),
        ] {
            assert_eq!(error.is_transient(), is_transient, "{error}");
        }
    }
}
