//! Whose facts an entity has: those of the newest event of each topic. An event that is older than
//! what was known is not taken in, and that is said.

use std::{cmp::Ordering, collections::btree_map::Entry};

use contract::Time;

use crate::{Description, EntityState, InboundEvent, OtherEvent, TopicSnapshot};

/// Replaces the snapshot of the event's topic, unless the stored stamp is equal or higher. If it is
/// higher, returns the newer event, and has the snapshot remember the older one. The same stamp is
/// the same event, whose entry expired.
pub(crate) fn take_in(
    entity: &mut EntityState,
    inbound: &InboundEvent,
    description: &Description,
    now: Time,
) -> Option<OtherEvent> {
    let snapshot = TopicSnapshot {
        stamp: inbound.stamp(description),
        configuration: description.configuration.clone(),
        translations: description.translations.clone(),
        last_older: None,
    };
    match entity.snapshots.entry(inbound.topic) {
        Entry::Vacant(vacant) => {
            vacant.insert(snapshot);
            None
        }
        Entry::Occupied(mut occupied) => {
            let known = occupied.get_mut();
            match known.stamp.cmp(&snapshot.stamp) {
                Ordering::Less => {
                    *known = snapshot;
                    None
                }
                Ordering::Equal => None,
                Ordering::Greater => {
                    known.last_older = Some(OtherEvent::of(&snapshot.stamp, now));
                    Some(OtherEvent::of(&known.stamp, now))
                }
            }
        }
    }
}
