//! The slots of vendors, as far as a batch knows.

use std::collections::BTreeMap;

use contract::{Identifier, Time};
use domain::{ConcurrencyLimits, Job, JobId, ProviderId};

/// What a batch knows of the slots of vendors.
#[derive(Default)]
pub(crate) struct Slots {
    /// The leases as they were last read, with those that what was started will take.
    limits: BTreeMap<ProviderId, ConcurrencyLimits>,
    /// What was started. Its executions may have taken no lease yet when the leases are read again.
    started: Vec<(ProviderId, JobId, Identifier)>,
}

impl Slots {
    /// Whether the leases on `vendor` are known.
    pub(crate) fn are_known(&self, vendor: ProviderId) -> bool {
        self.limits.contains_key(&vendor)
    }

    /// Takes in the leases on `vendor` as they were read at `now`.
    pub(crate) fn are_read(
        &mut self,
        vendor: ProviderId,
        mut limits: ConcurrencyLimits,
        now: Time,
    ) {
        for (_, job, tenant) in self.started.iter().filter(|(of, ..)| *of == vendor) {
            // If there is no room for it any more, its execution finds that out.
            let _ = limits.would_take(job.0, tenant, now);
        }
        self.limits.insert(vendor, limits);
    }

    /// Whether `job` would get a lease on `vendor`; then it is started.
    pub(crate) fn would_take(&mut self, job: &Job, vendor: ProviderId, now: Time) -> bool {
        let limits = self.limits.entry(vendor).or_default();
        let is_free = limits.would_take(job.id.0, &job.tenant, now);
        if is_free {
            self.started.push((vendor, job.id, job.tenant.clone()));
        }
        is_free
    }

    /// Forgets the leases, so that they are read again, but not what was started.
    pub(crate) fn forget_leases(&mut self) {
        self.limits.clear();
    }
}
