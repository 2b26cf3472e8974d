//! Jobs and entities for the tests.

use std::{collections::BTreeMap, sync::LazyLock};

use contract::{AssetKind, Entity, EntityKind, EventTime, Identifier, Time, Topic};
use domain::{ContentHash, Decision, Description, InboundEvent, Planning, ProviderRouting, plan};
use serde_json::json;

/// The canvas makes pictures, Runway videos; nothing makes audio.
pub(crate) static ROUTING: LazyLock<ProviderRouting> =
    LazyLock::new(|| ProviderRouting::parse("", "runway", "").unwrap());

/// The time at which all is decided, and so many seconds.
pub(crate) fn at(second: u32) -> Time {
    Time::new("2026-11-20T10:00:00Z".parse().unwrap()).plus_seconds(second)
}

/// What follows from the campaign `name`. One whose name begins with `l` has a logo and one
/// picture, with `v` a video, with `n` an audio spot, which nothing makes; any other has two
/// pictures.
pub(crate) fn decided(name: &str) -> Decision {
    let (logo, assets) = match name.as_bytes()[0] {
        b'l' => (
            Some("s3://brands/tenant-1/logo.png"),
            vec![AssetKind::SocialSquare],
        ),
        b'v' => (None, vec![AssetKind::Video]),
        b'n' => (None, vec![AssetKind::AudioSpot]),
        _ => (
            None,
            vec![AssetKind::SocialSquare, AssetKind::SocialPortrait],
        ),
    };
    let configuration = json!({ "title": name, "brand": { "logo": logo } });
    let description = Description {
        tenant: Identifier::parse("tenant-1").unwrap(),
        user: None,
        entity: Entity {
            kind: EntityKind::Campaign,
            id: Identifier::parse(name).unwrap(),
        },
        version: None,
        configuration: serde_json::from_value(configuration).unwrap(),
        translations: BTreeMap::new(),
        assets,
    };
    let json =
        format!(r#"{{"specversion":"1.0","id":"{name}","source":"svc","type":"t","data":1}}"#);
    let envelope = contract::Envelope::decode(&[], Some(json.as_bytes())).unwrap();
    let inbound = InboundEvent {
        topic: Topic::CampaignLaunched,
        source: "svc".to_owned(),
        id: name.to_owned(),
        time: EventTime::new(at(0).timestamp()),
        trace: None,
        content: ContentHash::of(&envelope),
    };
    let planning = Planning {
        now: at(0),
        deadline: at(900),
        routing: &ROUTING,
    };
    plan(None, &inbound, &description, planning).unwrap()
}
