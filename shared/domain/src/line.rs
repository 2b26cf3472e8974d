//! The line of a provider, and whose turn it is: tenants in turn, and of each the oldest.
//!
//! A line is as long as the backlog, so it is never read as a whole. The search asks for the first
//! that waits behind a place, and says what the next place is.

use contract::Time;

use crate::{Caps, ConcurrencyLimits, TenantKey, Work, WorkId};

/// What waits for its turn at a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiter {
    /// Whose it is.
    pub tenant: TenantKey,
    /// The job or voice model. Voices go first within their tenant: a person waits for each, and
    /// their requests take seconds.
    pub work: WorkId,
    /// When it was decided on or registered: what is older goes first.
    pub since: Time,
}

impl Waiter {
    /// `work` in a line.
    #[must_use]
    pub fn of<W: Work>(work: &W) -> Self {
        Self {
            tenant: TenantKey::new(work.tenant()),
            work: work.id(),
            since: work.created_at(),
        }
    }
}

/// A place in a line, behind which to look. A line is ordered by tenants' keys; within a tenant
/// voices come first, then jobs, and of each the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Its beginning.
    Begin,
    /// Behind all that is this tenant's.
    Tenant(TenantKey),
    /// Behind this one.
    Waiter(Waiter),
}

/// The search for whose turn it is, while a slot is free.
#[derive(Debug)]
pub struct Search<'l> {
    limits: &'l ConcurrencyLimits,
    caps: Caps,
    place: Place,
    /// Whether it began again at the beginning of the line.
    is_second_time: bool,
}

/// What a search comes to.
#[derive(Debug)]
pub enum Found<'l> {
    /// It is its turn.
    Next(Waiter),
    /// That one may have no slot now: look on.
    LookOn(Search<'l>),
    /// Nothing waits that may have a slot.
    Nothing,
}

impl ConcurrencyLimits {
    /// The search for whose turn it is, behind the tenant that had a turn last; `None` if no slot is
    /// free. These must be the leases that hold now: [`current`](Self::current).
    #[must_use]
    pub fn search(&self, caps: Caps) -> Option<Search<'_>> {
        (self.held() < caps.in_flight).then_some(Search {
            limits: self,
            caps,
            place: self.last_turn().map_or(Place::Begin, Place::Tenant),
            is_second_time: self.last_turn().is_none(),
        })
    }
}

impl<'l> Search<'l> {
    /// The place behind which to look for the first that waits.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// What follows from the `first` that waits behind [`place`](Self::place).
    #[must_use]
    pub fn found(mut self, first: Option<Waiter>) -> Found<'l> {
        let Some(waiter) = first else {
            if self.is_second_time {
                return Found::Nothing;
            }
            self.is_second_time = true;
            self.place = Place::Begin;
            return Found::LookOn(self);
        };
        // The tenant that had a turn last is the last to have another.
        let last = self.limits.last_turn();
        if self.is_second_time && last.is_some_and(|last| waiter.tenant > last) {
            return Found::Nothing;
        }
        if self.limits.held_by(waiter.tenant) >= self.caps.per_tenant {
            self.place = Place::Tenant(waiter.tenant);
            return Found::LookOn(self);
        }
        // It was given a slot just now, and leaves the line any moment.
        if self.limits.holds(waiter.work) {
            self.place = Place::Waiter(waiter);
            return Found::LookOn(self);
        }
        Found::Next(waiter)
    }
}
