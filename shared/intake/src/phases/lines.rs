//! Lines: the records of a batch that are committed one after another, because they are about one
//! entity.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use contract::Time;
use domain::{EntityKey, EntityState, InboundEventKey};
use outbox::{LookedUp, Seen};
use store::{Committed, Prepared};

use crate::{
    effects::Effects,
    progress::{Fate, Progress, RecordInHand, Retry},
    record::ReadEvent,
};

/// The records of one entity, in order. A record without an entity is a line by itself.
pub(super) struct Line<'a, 'b> {
    records: Vec<&'a mut RecordInHand<'b>>,
    /// The number of records that had their turn.
    begun: usize,
    /// `None` if no record is committed in a group: those without an entity, and those of an entity
    /// of which the batch has an event twice, or of which an entry is unclear.
    key: Option<EntityKey>,
    entity: Entity,
}

/// What is known of a line's entity before its next record is decided.
pub(super) enum Entity {
    /// It stands so in the table; `None` if it was never seen. It was read, or this batch wrote it:
    /// never only foreseen, because the version that a decision is written on says nothing about
    /// who wrote it.
    Known(Option<EntityState>),
    /// The next record is committed by itself, which finds out.
    Unknown,
}

/// A record that is committed now. Of a line there is one at a time.
pub(super) struct Turn<'a, 'b> {
    pub(super) item: &'a mut RecordInHand<'b>,
    pub(super) entity: &'a mut Entity,
    is_grouped: bool,
}

/// The lines of a batch, in the order of their first records: what fails together then lies
/// together in a partition, so that little of the batch is delivered again with it.
pub(super) fn lines<'a, 'b>(items: &'a mut [RecordInHand<'b>]) -> Vec<Line<'a, 'b>> {
    let mut lines: Vec<Line<'a, 'b>> = Vec::new();
    let mut places: BTreeMap<EntityKey, usize> = BTreeMap::new();
    let mut events: BTreeSet<InboundEventKey> = BTreeSet::new();
    for item in items {
        let Progress::Described(read) = &item.progress else {
            lines.push(Line::of(None, item));
            continue;
        };
        let description = &read.description;
        let key = EntityKey::new(&description.tenant, &description.entity);
        let is_first = events.insert(read.inbound.key(&description.tenant));
        let place = match places.entry(key) {
            Entry::Occupied(place) => {
                let place = *place.get();
                lines[place].records.push(item);
                place
            }
            Entry::Vacant(place) => {
                lines.push(Line::of(Some(key), item));
                *place.insert(lines.len() - 1)
            }
        };
        if !is_first {
            lines[place].key = None;
        }
    }
    lines
}

impl<'a, 'b> Line<'a, 'b> {
    fn of(key: Option<EntityKey>, item: &'a mut RecordInHand<'b>) -> Self {
        Self {
            records: vec![item],
            begun: 0,
            key,
            entity: Entity::Unknown,
        }
    }

    /// Its events that are to be committed.
    pub(super) fn events(&self) -> impl Iterator<Item = &ReadEvent> {
        self.records.iter().filter_map(|item| described(item))
    }

    /// Lets what is to be committed be delivered again.
    pub(super) fn put_off(&mut self, why: impl Fn() -> Retry) {
        for item in &mut self.records {
            if described(item).is_some() {
                item.progress = Progress::Over(Fate::Retry(why()));
            }
        }
    }

    /// The next record that is to be committed, if there is one. After one that is to be delivered
    /// again there is none: the later ones come again with it.
    pub(super) fn turn(&mut self) -> Option<Turn<'_, 'b>> {
        let (begun, waiting) = self.records.split_at_mut(self.begun);
        let is_cut = begun
            .last()
            .is_some_and(|item| matches!(item.progress, Progress::Over(Fate::Retry(_))));
        if is_cut {
            for item in waiting {
                item.progress = Progress::Over(Fate::Retry(Retry::Follows));
            }
            return None;
        }
        let next = waiting.iter().position(|item| match &item.progress {
            Progress::Described(_) | Progress::Poison(_) => true,
            Progress::Committed(_) | Progress::Over(_) => false,
        })?;
        self.begun += next + 1;
        Some(Turn {
            item: waiting[next],
            entity: &mut self.entity,
            is_grouped: self.key.is_some(),
        })
    }
}

/// Takes into `lines` what the table has of their events.
pub(super) fn take_in(found: LookedUp, lines: &mut [Line<'_, '_>]) {
    let LookedUp {
        mut entities,
        events,
    } = found;
    let mut events = events.into_iter();
    for line in lines {
        let entity = line.key.and_then(|key| entities.remove(&key));
        line.entity = entity.map_or(Entity::Unknown, Entity::Known);
        for item in &mut line.records {
            if described(item).is_none() {
                continue;
            }
            match events.next() {
                Some(Seen::Before(entry)) => item.is_committed(entry),
                Some(Seen::Unclear) => {
                    line.key = None;
                    line.entity = Entity::Unknown;
                }
                Some(Seen::New) | None => {}
            }
        }
    }
}

impl Entity {
    /// The entity as it stands, as far as that is known; `None` if it was never seen.
    pub(super) fn state(&self) -> Option<&EntityState> {
        match self {
            Self::Known(state) => state.as_ref(),
            Self::Unknown => None,
        }
    }
}

impl Turn<'_, '_> {
    /// The record's decision, to be committed in a group. `None` if it is to be committed by itself.
    ///
    /// An event that is refused for what its entity is like is committed by itself from the entity
    /// as it stands then: another writer may have made room since.
    pub(super) fn decide(&mut self, effects: &impl Effects, now: Time) -> Option<Prepared> {
        let Entity::Known(before) = &*self.entity else {
            return None;
        };
        let read = described(self.item).filter(|_| self.is_grouped)?;
        let decision = effects.decide(read, before.as_ref(), now);
        if decision.is_err() {
            *self.entity = Entity::Unknown;
        }
        decision.ok()
    }

    /// Its decision is committed.
    pub(super) fn holds(self, Committed { entry, entity }: Committed) {
        self.item.is_committed(entry);
        if entity.is_some() {
            *self.entity = Entity::Known(entity);
        }
    }
}

/// The event of a record that is to be committed.
fn described<'a>(item: &'a RecordInHand<'_>) -> Option<&'a ReadEvent> {
    match &item.progress {
        Progress::Described(read) => Some(read.as_ref()),
        Progress::Poison(_) | Progress::Committed(_) | Progress::Over(_) => None,
    }
}
