//! Look up: what the table has of a batch's events, before any of them is decided.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
};

use domain::{Description, EntityKey, EntityState, InboundEvent, JobId};
use store::{ErasureGuard, Key, OutboxEntry, StoreError};

use crate::{Outbox, commit::guard};

/// What the table has of the events of a batch.
#[derive(Debug)]
pub struct LookedUp {
    /// The entities of the events as they are; `None` for one that was never seen. One that this
    /// version of the code cannot read is left out.
    pub entities: BTreeMap<EntityKey, Option<EntityState>>,
    /// Each event, in the order in which they were asked for.
    pub events: Vec<Seen>,
}

/// What the table has of one event.
#[derive(Debug)]
pub enum Seen {
    /// No entry: it is to be decided.
    New,
    /// The entry that was committed before. Its `published` is `true`, too, if all jobs that it
    /// opened are closed.
    Before(OutboxEntry),
    /// An entry that cannot be read, or of another event under the same id. Only
    /// [`Outbox::commit`] says what that means.
    Unclear,
}

impl Outbox {
    /// Reads the entities of all `events` in one request (one for every hundred of them), so that a
    /// known entity is decided on as it is.
    ///
    /// The entries of the events are read too, but only those of known entities: an entry is
    /// committed together with its entity, so a new entity has none. An entry that is not there
    /// costs one read unit, about a hundredth of what writing a decision costs. Without that read
    /// one redelivered record would cancel the transaction of its whole group, and a redelivered
    /// batch all of its transactions. A write whose condition fails is charged, too.
    ///
    /// An entry that is found is published without another transaction, so its tenant's tombstone
    /// is read after it: nothing from before an erasure is published again. An erasure that begins
    /// after that read waits for this invocation to end, as it does for one whose transaction held.
    /// Then the jobs that it opened are read, if it is not marked published: those of all entries
    /// in one request (one for every hundred of them).
    ///
    /// # Errors
    /// A [`StoreError`]; it says nothing about any of the events.
    pub async fn look_up(
        &self,
        events: &[(&InboundEvent, &Description)],
    ) -> Result<LookedUp, StoreError> {
        let of_events: Vec<EntityKey> = events
            .iter()
            .map(|(_, description)| EntityKey::new(&description.tenant, &description.entity))
            .collect();
        let entities = self.store.entities(of_events.iter().copied().collect());
        let entities = entities.await?;
        let keys: Vec<Option<Key>> = iter::zip(events, &of_events)
            .map(|((inbound, description), entity)| {
                let is_new = matches!(entities.get(entity), Some(None));
                (!is_new).then(|| Key::inbound(inbound.key(&description.tenant)))
            })
            .collect();
        let entries = self.store.entries(keys.iter().flatten().cloned().collect());
        let entries = entries.await?;
        let mut seen: Vec<Seen> = iter::zip(events, &keys)
            .map(
                |((inbound, _), key)| match key.as_ref().and_then(|key| entries.get(key)) {
                    None => Seen::New,
                    Some(Ok(entry)) if entry.content == inbound.content.to_hex() => {
                        Seen::Before(entry.clone())
                    }
                    Some(_) => Seen::Unclear,
                },
            )
            .collect();
        self.forget_erased(events, &mut seen).await?;
        self.take_ended_as_published(&mut seen).await?;
        Ok(LookedUp {
            entities,
            events: seen,
        })
    }

    /// Takes what is to be published out of the entries of tenants that were erased since.
    async fn forget_erased(
        &self,
        events: &[(&InboundEvent, &Description)],
        seen: &mut [Seen],
    ) -> Result<(), StoreError> {
        let mut entries = Vec::new();
        let mut guards: Vec<ErasureGuard<'_>> = Vec::new();
        for ((inbound, description), seen) in iter::zip(events, seen) {
            if let Seen::Before(entry) = seen {
                guards.push(guard(inbound, description));
                entries.push((entry, Key::inbound(inbound.key(&description.tenant))));
            }
        }
        let are_erased = self.store.are_erased_since(&guards).await?;
        for ((entry, key), is_erased) in iter::zip(entries, are_erased) {
            if is_erased {
                *entry = OutboxEntry::of_erased_tenant(key, entry.content.clone());
            }
        }
        Ok(())
    }

    /// Takes an entry that is not marked as published if all jobs that it opened are closed. One
    /// with an open job is published again, with the same bytes.
    ///
    /// A job is closed by what renders it, an operator, the sweep or an erasure. The first three come
    /// after the acknowledgement of the whole entry: a message about a job is sent, and a job
    /// cancelled or given up, only once all of the entry's events are published
    /// ([`publish_opening_entry`](Outbox::publish_opening_entry)). An erasure publishes nothing of
    /// the past, but closes jobs one after another; so one closed job is not enough. The jobs beside
    /// it would be sent, and their ends published, although no `created` of theirs ever was. If all
    /// are closed, there is nothing left to send, and what was not published is an erased tenant's.
    async fn take_ended_as_published(&self, seen: &mut [Seen]) -> Result<(), StoreError> {
        let unmarked = seen.iter_mut().filter_map(|seen| match seen {
            Seen::Before(entry) if !entry.published && !entry.starts.is_empty() => Some(entry),
            Seen::Before(_) | Seen::New | Seen::Unclear => None,
        });
        let unmarked: Vec<&mut OutboxEntry> = unmarked.collect();
        let jobs = unmarked
            .iter()
            .flat_map(|entry| entry.starts.iter().copied());
        let closed: BTreeSet<JobId> = self.store.closed(jobs.collect()).await?;
        for entry in unmarked {
            entry.published = entry.starts.iter().all(|job| closed.contains(job));
        }
        Ok(())
    }
}
