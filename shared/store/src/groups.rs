//! Groups: which decisions are committed in one transaction.

use std::{collections::BTreeSet, iter};

use crate::{
    Key, Prepared,
    items::{self, ItemError},
    tombstone::Check,
};

/// The most items of one transaction, by DynamoDB's own limit.
const MOST_ITEMS: usize = 100;

/// The most bytes of the items of a group. DynamoDB takes 4 MB in one transaction.
const MOST_BYTES: usize = 3_500_000;

/// Puts `decided` into groups for [`write_together`](crate::Store::write_together), without changing
/// the order: each decision joins the group of the one before, unless that would be more than a
/// transaction takes. DynamoDB takes at most 100 items and 4 MB, and each item once; the tombstone
/// of a tenant is checked once for all its decisions in a group. A decision that is too large by
/// itself is a group by itself.
#[must_use]
pub fn groups<T>(decided: Vec<(T, Prepared)>) -> Vec<Vec<(T, Prepared)>> {
    let mut waiting = decided.into_iter().peekable();
    let mut groups = Vec::new();
    while waiting.peek().is_some() {
        let mut room = Room::default();
        let next = || waiting.next_if(|(_, decision)| room.takes(decision));
        groups.push(iter::from_fn(next).collect());
    }
    groups
}

/// What a transaction holds so far.
#[derive(Default)]
struct Room {
    keys: BTreeSet<Key>,
    tenants: BTreeSet<String>,
    bytes: usize,
}

impl Room {
    /// Takes `decision` if there is room. An empty one takes anything.
    fn takes(&mut self, decision: &Prepared) -> bool {
        let puts = decision.puts.iter().map(|(item, _)| item);
        let keys: Result<Vec<Key>, ItemError> = puts.clone().map(Key::of).collect();
        let keys = keys.expect("an item that is to be written has a key");
        let tenant = decision.check.as_ref().map(Check::tenant);
        let tenant = tenant.filter(|tenant| !self.tenants.contains(*tenant));
        let before = self.keys.len() + self.tenants.len();
        let count = before + keys.len() + usize::from(tenant.is_some());
        let bytes = self.bytes + puts.map(items::size).sum::<usize>();
        let has_room = count <= MOST_ITEMS
            && bytes <= MOST_BYTES
            && !keys.iter().any(|key| self.keys.contains(key));
        if !has_room && !self.keys.is_empty() {
            return false;
        }
        self.tenants.extend(tenant.map(str::to_owned));
        self.keys.extend(keys);
        self.bytes = bytes;
        true
    }
}

#[cfg(test)]
mod tests;
