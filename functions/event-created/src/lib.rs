//! Describes `eventzr.event.created.v1`: a new event gets a poster and an invitation.

use std::collections::BTreeMap;

use contract::{AssetKind, Configuration, Entity, EntityKind, EventCreated, Topic};
use domain::Description;

/// The description of a created event and the assets to make.
#[must_use]
pub fn describe(event: EventCreated) -> Description {
    Description {
        tenant: event.tenant_id,
        user: event.user_id,
        entity: Entity {
            kind: EntityKind::Event,
            id: event.event_id,
        },
        version: event.version,
        configuration: Configuration {
            description: event.description,
            starts_at: Some(event.starts_at),
            ends_at: event.ends_at,
            time_zone: event.time_zone,
            locale: event.locale,
            venue: event.venue,
            organizer: event.organizer,
            brand: event.brand,
            ..Configuration::titled(event.title)
        },
        translations: BTreeMap::new(),
        assets: event
            .assets
            .unwrap_or_else(|| AssetKind::made_for(Topic::EventCreated).to_vec()),
    }
}
