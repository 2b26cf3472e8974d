//! The ledger: what a created event with two pictures writes, from its commit to the ends of its
//! jobs, by the items of the contract's example.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use contract::{
    AssetKind, Configuration, Entity, EntityKind, EventTime, Identifier, Shows, Topic, TraceParent,
};
use domain::{
    ContentHash, Description, Drawn, InboundEvent, Planning, ProviderRouting, Work as _, end_drawn,
};

use super::*;
use crate::{
    items::{self, Item},
    packed::{tests::packed_by_miniz, unpack},
};

/// The indexes, by the attributes of their keys.
const INDEXES: [[&str; 2]; 4] = [
    BY_TENANT,
    ["open", "deadline"],
    ["open_tenant", "listed"],
    ["ended", "listed"],
];
const BY_TENANT: [&str; 2] = ["tenant", "listed"];

/// How often the index is written when `after` is put over `before`: an entry is put, removed, or
/// both.
fn index_writes(index: [&str; 2], before: Option<&Item>, after: &Item) -> usize {
    let entry = |item: &Item| -> Option<[AttributeValue; 2]> {
        let [partition, sort] = index.map(|name| item.get(name).cloned());
        Some([partition?, sort?])
    };
    let (before, after) = (before.and_then(entry), entry(after));
    match before == after {
        true => 0,
        false => usize::from(before.is_some()) + usize::from(after.is_some()),
    }
}

/// The units of a put in a transaction: two for each KiB of the larger of both items, and one for
/// each write to an index, which holds keys alone.
fn units(before: Option<&Item>, after: &Item) -> usize {
    let size = before.map_or(0, items::size).max(items::size(after));
    let indexes = INDEXES.map(|index| index_writes(index, before, after));
    2 * size.div_ceil(1024) + indexes.iter().sum::<usize>()
}

/// The table, as far as the event writes it.
#[derive(Default)]
struct Table(BTreeMap<Key, Item>);

impl Table {
    /// Puts these items; returns the units, and how many of them are under the tenant's own key.
    fn put(&mut self, decisions: Vec<Prepared>) -> (usize, usize) {
        let (mut all, mut of_tenant) = (0, 0);
        for (item, _) in decisions.into_iter().flat_map(|decision| decision.puts) {
            let key = Key::of(&item).unwrap();
            let before = self.0.get(&key);
            all += units(before, &item);
            of_tenant += index_writes(BY_TENANT, before, &item);
            self.0.insert(key, item);
        }
        (all, of_tenant)
    }
}

/// The facts of the contract's example.
fn configuration() -> Configuration {
    let example =
        include_str!("../../../../events/eventzr.studio.template.updated.v1/example.json");
    let example: serde_json::Value = serde_json::from_str(example).unwrap();
    serde_json::from_value(example["data"]["configuration"].clone()).unwrap()
}

fn at(time: &str) -> Time {
    Time::new(time.parse().unwrap())
}

/// The units of the consumer and of `render`, and those under the tenant's own key.
fn written(trace: Option<TraceParent>) -> [usize; 3] {
    let decided = at("2026-11-24T11:59:31.177Z");
    let inbound = InboundEvent {
        topic: Topic::EventCreated,
        source: "events-svc".to_owned(),
        id: "evt-7f3b9c52-6a1e-4c0d-9f57-2d1b8e64a901".to_owned(),
        time: EventTime::new("2026-11-24T11:59:30.123456Z".parse().unwrap()),
        trace,
        content: ContentHash::of_text("the content"),
    };
    let description = Description {
        tenant: Identifier::parse("tenant-monsoon-arts").unwrap(),
        user: Identifier::parse("user-asha-rao").ok(),
        entity: Entity {
            kind: EntityKind::Event,
            id: Identifier::parse("event-lanterns-on-the-lake-2026").unwrap(),
        },
        version: Some(1),
        configuration: configuration(),
        translations: BTreeMap::new(),
        assets: vec![AssetKind::Poster, AssetKind::Invitation],
    };
    let planning = Planning {
        now: decided,
        deadline: decided.plus_seconds(3600),
        routing: &ProviderRouting::parse("studio-canvas", "", "").unwrap(),
    };
    let opening = domain::plan(None, &inbound, &description, planning).unwrap();
    let jobs = opening.jobs.clone();
    let guard = ErasureGuard {
        tenant: &description.tenant,
        happened: decided,
    };
    let expiry = Expiry {
        from: decided,
        republish_from: None,
    };
    let key = Key::inbound(inbound.key(&description.tenant));
    let content = inbound.content.to_hex();
    let opening = Prepared::new(key, &content, opening, expiry, Some(guard));
    let entity = opening.committed().entity.clone().unwrap();
    let mut table = Table::default();
    let (consumer, under_opening) = table.put(vec![opening]);

    let drawn = jobs.into_iter().map(|job| {
        let key = format!(
            "renders/8d0b6f1c9a4e27355be0c41f7a92d683/{}/{}.png",
            job.id.0.simple(),
            job.asset.as_str()
        );
        let drawn = Drawn::Stored {
            asked_at: at("2026-11-24T11:59:31.590Z"),
            url: format!("https://assets.eventzr.example/{key}"),
            key,
            at: at("2026-11-24T11:59:31.696Z"),
            shows: Shows {
                alt_text: Some(
                    "Lanterns on the Lake. Saturday 19 December 2026, 6:30 pm – 10:00 pm IST. Ulsoor Lake \
                     Promenade, Kensington Road, Halasuru, Bengaluru. Monsoon Arts Collective"
                        .to_owned(),
                ),
                ..Shows::default()
            },
        };
        (job.with_version(1), drawn)
    });
    let now = at("2026-11-24T11:59:31.702Z");
    let ends = end_drawn(drawn.collect(), entity, now);
    assert_eq!(ends.jobs.len(), 2);
    let (render, under_ends) = table.put(prepared(ends, guard, now));
    for (key, item) in &table.0 {
        assert!(items::size(item) <= 1024, "{key:?}: {}", items::size(item));
        for packed in item.values().filter_map(|value| value.as_b().ok()) {
            let text = unpack(packed.as_ref()).unwrap();
            let before = packed_by_miniz(&text).len();
            assert!(packed.as_ref().len() <= before, "{key:?}: {before}");
        }
    }
    [consumer, render, under_opening + under_ends]
}

#[test]
fn an_event_with_two_pictures_writes_25_units() {
    assert_eq!(written(None), [13, 12, 3]);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(written(Some(trace.parse().unwrap())), [13, 12, 3]);
}
