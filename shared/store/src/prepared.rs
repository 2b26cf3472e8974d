//! A decision as the items that commit it.

use contract::Time;
use domain::{Decision, EntityState, Job, TenantKey, Work};

use crate::{
    ErasureGuard, Expiry, Key, OutboxEntry,
    items::{self, Item},
    tombstone::Check,
};

/// A decision as the items that commit it, in a transaction of its own or with other decisions.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub(crate) committed: Committed,
    /// The items, each with how often it was written before: the entry, the entity if it changes,
    /// the jobs, the voice model.
    pub(crate) puts: Vec<(Item, u64)>,
    pub(crate) check: Option<Check>,
}

/// What is in the table once a decision is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The outbox entry.
    pub entry: OutboxEntry,
    /// The entity, if the decision changed it.
    pub entity: Option<EntityState>,
}

impl Prepared {
    /// Prepares `decision` to be committed under `key`, unless there is an entry already. `content`
    /// is the hash of what was decided, or the name of the step. With a `guard`, nothing of it is
    /// written if the tenant was erased since.
    #[must_use]
    pub fn new(
        key: Key,
        content: &str,
        decision: Decision,
        expiry: Expiry,
        guard: Option<ErasureGuard<'_>>,
    ) -> Self {
        let check = guard.map(|guard| Check::new(&key, guard));
        let Decision {
            entity,
            jobs,
            voice,
            events,
            starts,
            older_than,
        } = decision;
        let published = events.is_empty();
        let opened = jobs.iter().find(|job| starts.first() == Some(&job.id));
        let entry = OutboxEntry {
            key,
            content: content.to_owned(),
            events,
            entity: opened.map(Job::entity_key),
            tenant: opened.map(|job| TenantKey::new(&job.tenant)),
            starts,
            older_than: older_than.map(Box::new),
            published,
            withheld: false,
            owner: None,
        };
        let mut puts = vec![(item_of(&entry, expiry, guard), 0)];
        let entity = entity.map(|entity| {
            let before = entity.version;
            EntityState {
                version: before + 1,
                ..entity
            }
        });
        puts.extend(
            entity
                .iter()
                .map(|entity| (items::entity_item(entity), entity.version - 1)),
        );
        puts.extend(jobs.into_iter().map(put_of));
        puts.extend(voice.map(put_of));
        Self {
            committed: Committed { entry, entity },
            puts,
            check,
        }
    }

    /// As [`new`](Self::new), for the end of a job that may not be published before a caller knows
    /// that the job's `created` was: it stands in no index, and expires if no such caller comes.
    #[must_use]
    pub fn withheld(key: Key, content: &str, decision: Decision, from: Time) -> Self {
        let expiry = Expiry {
            from,
            republish_from: None,
        };
        let mut prepared = Self::new(key, content, decision, expiry, None);
        prepared.committed.entry.withheld = true;
        let item = prepared.committed.entry.clone().into_item(expiry);
        prepared.puts[0] = (item, 0);
        prepared
    }

    /// What is in the table once it is committed.
    #[must_use]
    pub fn committed(&self) -> &Committed {
        &self.committed
    }
}

/// The item of `entry`. One that publishes nothing and names another event is listed as its tenant's,
/// so that an erasure blanks what that event is called.
fn item_of(entry: &OutboxEntry, expiry: Expiry, guard: Option<ErasureGuard<'_>>) -> Item {
    let mut item = entry.clone().into_item(expiry);
    let says_nothing_else = entry.events.is_empty() && entry.starts.is_empty();
    if let Some(guard) = guard.filter(|_| entry.older_than.is_some() && says_nothing_else) {
        let listed = format!("outbox#{}", expiry.from);
        items::list(&mut item, guard.tenant.as_str(), &listed);
    }
    item
}

/// The item of `work` as it is once written, and how often it was written before.
fn put_of<W: Work>(work: W) -> (Item, u64) {
    let before = work.version();
    (items::work_item(&work.with_version(before + 1)), before)
}

#[cfg(test)]
mod tests;
