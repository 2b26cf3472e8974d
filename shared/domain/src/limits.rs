//! Concurrency limits: caps on the calls to one provider that are in flight, in total and for each
//! tenant, so that one tenant's two hundred campaigns do not delay another tenant's poster.

use std::collections::BTreeMap;

use contract::{Identifier, Time};
use serde::{Deserialize, Serialize};

use uuid::Uuid;

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
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    tenant: Identifier,
    until: Time,
}

/// How many calls may be in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
        self.held.retain(|_, lease| lease.until > now);
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
        Some(self)
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
}
