//! Commit: a decision becomes true, whole or not at all, and once.

use contract::Time;
use domain::{
    Decision, Description, EntityState, InboundEvent, Job, JobId, PlanError, Planning,
    ResubmitError, Work,
};
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

/// What an inbound event's entry belongs to.
pub(crate) fn guard<'a>(inbound: &InboundEvent, description: &'a Description) -> ErasureGuard<'a> {
    ErasureGuard {
        tenant: &description.tenant,
        happened: inbound.time.in_milliseconds(),
    }
}
