//! ConcurrencyLimits: how many calls to one provider are in flight, in all and for each tenant, so
//! that one tenant's two hundred campaigns do not starve another's poster.

use std::collections::BTreeMap;

use contract::{Identifier, Time};
use serde::{Deserialize, Serialize};

use uuid::Uuid;

/// The calls to one provider that are in flight. All execution environments share them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConcurrencyLimits {
    /// How often they were written; 0 before the first time.
    pub version: u64,
    /// By the id of the job, or of the voice model, that it is for.
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
    /// In all.
    pub in_flight: usize,
    /// For one tenant.
    pub per_tenant: usize,
}

impl ConcurrencyLimits {
    /// The leases with one for `holder` until `until`, or a longer one if it has one; `None` if all
    /// are taken. Those that ran out are gone: whoever held them died.
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

    /// The leases without that of `holder`; `None` if it has none.
    #[must_use]
    pub fn released(mut self, holder: Uuid) -> Option<Self> {
        self.held.remove(&holder).map(|_| self)
    }

    /// How many are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }
}
