//! Requests that were blocked on their way to a provider: those of one tenant concern its content
//! alone, and those of several tenants concern everyone.

use std::collections::BTreeMap;

use contract::{Identifier, Time};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{BREAKER_SECONDS, derive};

/// From how many tenants on blocked requests concern everyone.
const SEVERAL: usize = 3;

/// The tenants whose requests to one provider were blocked lately. All execution environments share
/// them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocks {
    /// The number of writes so far; 0 before the first.
    pub version: u64,
    /// When a request of a tenant was blocked last, by an id that is derived from the tenant's:
    /// what is shared names no tenant.
    last: BTreeMap<Uuid, Time>,
}

impl Blocks {
    /// The blocks with one of `tenant`'s requests at `now`, and without those from more than
    /// [`BREAKER_SECONDS`] before.
    #[must_use]
    pub fn noted(mut self, tenant: &Identifier, now: Time) -> Self {
        self.last
            .retain(|_, at| at.plus_seconds(BREAKER_SECONDS) > now);
        let id = derive(&[tenant.as_str().as_bytes(), b"blocked"]);
        self.last.insert(id, now);
        self
    }

    /// Whether the requests of several tenants were blocked, so that no single tenant's content is
    /// the cause.
    #[must_use]
    pub fn concern_everyone(&self) -> bool {
        self.last.len() >= SEVERAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(id: &str) -> Identifier {
        Identifier::parse(id).unwrap()
    }

    fn at(second: u32) -> Time {
        Time::new("2026-11-27T10:00:00Z".parse().unwrap()).plus_seconds(second)
    }

    #[test]
    fn one_tenants_blocked_requests_never_concern_everyone() {
        let one = (0..100).fold(Blocks::default(), |blocks, second| {
            blocks.noted(&tenant("a"), at(second))
        });
        assert!(!one.concern_everyone());
        let two = one.noted(&tenant("b"), at(100));
        assert!(!two.concern_everyone());
        assert!(two.noted(&tenant("c"), at(101)).concern_everyone());
    }

    #[test]
    fn a_block_counts_for_a_quarter_of_an_hour() {
        let blocks = Blocks::default().noted(&tenant("a"), at(0));
        let blocks = blocks.noted(&tenant("b"), at(BREAKER_SECONDS - 1));
        let late = blocks.clone().noted(&tenant("c"), at(BREAKER_SECONDS));
        assert!(!late.concern_everyone());
        let in_time = blocks.noted(&tenant("c"), at(BREAKER_SECONDS - 1));
        assert!(in_time.concern_everyone());
    }

    #[test]
    fn what_is_stored_names_no_tenant() {
        let blocks = Blocks::default().noted(&tenant("tenant-of-a-name"), at(0));
        let json = serde_json::to_string(&blocks).unwrap();
        assert!(!json.contains("tenant-of-a-name"), "{json}");
        assert_eq!(serde_json::from_str::<Blocks>(&json).unwrap(), blocks);
    }
}
