//! Concurrency limits: caps on the calls to one provider that are in flight, in total and for each
//! tenant, so that one tenant's two hundred campaigns do not delay another tenant's poster.

use std::collections::BTreeMap;

use contract::{Identifier, Time};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{TenantKey, WorkId};

/// How long a call holds its lease, in seconds: longer than an invocation lasts and longer than the
/// pause between two polls.
pub const LEASE_SECONDS: u32 = 330;

/// The leases for calls to one provider. All execution environments share them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConcurrencyLimits {
    /// The number of writes so far; 0 before the first.
    pub version: u64,
    /// By the id of the job or voice model that holds the lease.
    held: BTreeMap<Uuid, Lease>,
    /// The caps in force when a lease was taken last, or when the sweep ran since: for a function that
    /// has no settings of providers. `None` if an earlier version of the code took the lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caps: Option<Caps>,
    /// The tenant whose turn was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_turn: Option<TenantKey>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    tenant: Identifier,
    until: Time,
}

/// How many calls may be in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    /// In total.
    pub in_flight: usize,
    /// For one tenant.
    pub per_tenant: usize,
}

impl ConcurrencyLimits {
    /// Takes a lease for `holder` until `until`, or renews the one it has; `None` if a cap is
    /// reached. Expired leases are dropped, because their holders died.
    #[must_use]
    pub fn taken(
        mut self,
        holder: Uuid,
        tenant: &Identifier,
        caps: Caps,
        now: Time,
        until: Time,
    ) -> Option<Self> {
        self = self.current(now);
        let others = self.held.iter().filter(|(other, _)| **other != holder);
        let (all, own) = others.fold((0, 0), |(all, own), (_, lease)| {
            (all + 1, own + usize::from(lease.tenant == *tenant))
        });
        if all >= caps.in_flight || own >= caps.per_tenant {
            return None;
        }
        self.held.insert(
            holder,
            Lease {
                tenant: tenant.clone(),
                until,
            },
        );
        self.caps = Some(caps);
        Some(self)
    }

    /// Whether `holder` would get a lease at `now`, as far as is known, and has it from then on in
    /// this copy: for a caller that only decides whether to let `holder` try.
    #[must_use]
    pub fn would_take(&mut self, holder: Uuid, tenant: &Identifier, now: Time) -> bool {
        let Some(caps) = self.caps else {
            return true;
        };
        let until = now.plus_seconds(LEASE_SECONDS);
        match self.clone().taken(holder, tenant, caps, now, until) {
            Some(taken) => {
                *self = taken;
                true
            }
            None => false,
        }
    }

    /// Takes a lease for `work`, whose turn it is, until `until`; `None` if a cap is reached.
    #[must_use]
    pub fn given(
        self,
        work: WorkId,
        tenant: &Identifier,
        caps: Caps,
        now: Time,
        until: Time,
    ) -> Option<Self> {
        let taken = self.taken(work.uuid(), tenant, caps, now, until)?;
        Some(Self {
            last_turn: Some(TenantKey::new(tenant)),
            ..taken
        })
    }

    /// Writes down the caps in force in place of others; `None` if none are written down, or these.
    #[must_use]
    pub fn capped(self, caps: Caps) -> Option<Self> {
        let are_others = self.caps.is_some_and(|known| known != caps);
        are_others.then_some(Self {
            caps: Some(caps),
            ..self
        })
    }

    /// Gives back the lease of `holder`; `None` if it has none.
    #[must_use]
    pub fn released(mut self, holder: Uuid) -> Option<Self> {
        self.held.remove(&holder).map(|_| self)
    }

    /// The number of leases held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// The caps in force, as far as they are written down.
    #[must_use]
    pub fn caps(&self) -> Option<Caps> {
        self.caps
    }

    /// The leases that hold at `now`. The holders of those that expired died.
    #[must_use]
    pub fn current(mut self, now: Time) -> Self {
        self.held.retain(|_, lease| lease.until > now);
        self
    }

    /// The tenant whose turn was last.
    pub(crate) fn last_turn(&self) -> Option<TenantKey> {
        self.last_turn
    }

    /// Whether `work` holds a lease.
    pub(crate) fn holds(&self, work: WorkId) -> bool {
        self.held.contains_key(&work.uuid())
    }

    /// The number of leases that a tenant holds.
    pub(crate) fn held_by(&self, tenant: TenantKey) -> usize {
        let of_tenant = |lease: &&Lease| TenantKey::new(&lease.tenant) == tenant;
        self.held.values().filter(of_tenant).count()
    }
}
