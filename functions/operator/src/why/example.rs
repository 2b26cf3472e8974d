//! A job for the tests.

use std::collections::BTreeMap;

use contract::{AssetKind, Configuration, Entity, EntityKind, Identifier, Text, Time, Topic};
use domain::{ContentHash, Description, InboundEvent, Job, Planning, ProviderRouting, plan};

/// When the job was decided on.
pub(crate) fn at() -> Time {
    Time::new("2026-11-20T10:00:00Z".parse().expect("a time"))
}

/// A job that was decided on [at](at) ten, whose first provider is `provider`.
pub(crate) fn job(provider: &str) -> Job {
    let inbound = InboundEvent {
        topic: Topic::EventCreated,
        source: "events-svc".to_owned(),
        id: "evt-1".to_owned(),
        time: contract::EventTime::new("2026-11-20T09:59:59Z".parse().expect("a time")),
        trace: None,
        content: ContentHash::of_text("lanterns"),
    };
    let description = Description {
        tenant: Identifier::parse("tenant-a").expect("an id"),
        user: None,
        entity: Entity {
            kind: EntityKind::Event,
            id: Identifier::parse("event-1").expect("an id"),
        },
        version: None,
        configuration: Configuration::titled(Text::parse("Lanterns").expect("a title")),
        translations: BTreeMap::new(),
        assets: vec![AssetKind::Poster],
    };
    let planning = Planning {
        now: at(),
        deadline: at().plus_seconds(900),
        routing: &ProviderRouting::default(),
    };
    let decision = plan(None, &inbound, &description, planning).expect("a decision");
    Job {
        provider: provider.to_owned(),
        ..decision.jobs[0].clone()
    }
}
