//! An event that is older than what was known changes no fact, and names the newer one.

use std::collections::BTreeMap;

use contract::{
    AssetKind, Configuration, Entity, EntityKind, EventTime, Identifier, Text, Time, Topic,
};
use domain::{
    ContentHash, Decision, Description, EntityState, InboundEvent, OtherEvent, Planning,
    ProviderRouting, plan,
};

fn at(text: &str) -> Time {
    Time::new(text.parse().unwrap())
}

fn now() -> Time {
    at("2026-11-20T10:00:00Z")
}

fn inbound(topic: Topic, id: &str, time: &str) -> InboundEvent {
    InboundEvent {
        topic,
        source: "events-svc".to_owned(),
        id: id.to_owned(),
        time: EventTime::new(time.parse().unwrap()),
        trace: None,
        content: ContentHash::of_text(id),
    }
}

fn says(title: &str, version: Option<u64>, assets: &[AssetKind]) -> Description {
    Description {
        tenant: Identifier::parse("tenant-1").unwrap(),
        user: None,
        entity: Entity {
            kind: EntityKind::Event,
            id: Identifier::parse("event-1").unwrap(),
        },
        version,
        configuration: Configuration::titled(Text::parse(title).unwrap()),
        translations: BTreeMap::new(),
        assets: assets.to_vec(),
    }
}

fn decide(
    before: Option<&EntityState>,
    inbound: &InboundEvent,
    description: &Description,
) -> Decision {
    let planning = Planning {
        now: now(),
        deadline: now().plus_seconds(900),
        routing: &ProviderRouting::default(),
    };
    plan(before, inbound, description, planning).unwrap()
}

/// What is decided of the second of two events about one entity.
fn second(first: (&str, Option<u64>), then: (&str, Option<u64>)) -> Decision {
    let poster = [AssetKind::Poster];
    let topic = Topic::EventCreated;
    let known = decide(
        None,
        &inbound(topic, "first", first.0),
        &says("First", first.1, &poster),
    );
    assert_eq!(known.older_than, None, "nothing was known before it");
    decide(
        known.entity.as_ref(),
        &inbound(topic, "second", then.0),
        &says("Second", then.1, &poster),
    )
}

fn title(decision: &Decision) -> String {
    let entity = decision.entity.as_ref().unwrap();
    entity.configuration().unwrap().title.as_str().to_owned()
}

fn last_older(decision: &Decision) -> Option<&OtherEvent> {
    let snapshots = &decision.entity.as_ref().unwrap().snapshots;
    snapshots[&Topic::EventCreated].last_older.as_ref()
}

/// A producer's clock is four minutes ahead; then a correction has the true time.
#[test]
fn a_correction_older_than_a_time_ahead_names_the_event_and_how_far_it_is_ahead() {
    let decided = second(
        ("2026-11-20T10:04:00.5Z", None),
        ("2026-11-20T10:00:00Z", None),
    );
    assert_eq!(title(&decided), "First");
    let newer = decided.older_than.clone().unwrap();
    assert_eq!(
        serde_json::to_string(&newer).unwrap(),
        concat!(
            r#"{"source":"events-svc","id":"first","time":"2026-11-20T10:04:00.5Z","#,
            r#""at":"2026-11-20T10:00:00.000Z"}"#
        )
    );
    assert_eq!(newer.milliseconds_ahead(), 240_500);
    let older = last_older(&decided).unwrap();
    assert_eq!((older.id.as_str(), older.at), ("second", now()));
    assert_eq!(older.milliseconds_ahead(), 0);
}

#[test]
fn an_event_is_older_by_its_version_before_its_time() {
    let (early, late) = ("2026-11-20T09:00:00Z", "2026-11-20T09:30:00Z");
    for (first, then, is_older) in [
        ((early, None), (late, None), false),
        ((late, None), (early, None), true),
        ((early, Some(2)), (late, Some(1)), true),
        ((early, Some(2)), (late, None), true),
        ((late, None), (early, Some(1)), false),
        ((late, Some(1)), (early, Some(2)), false),
    ] {
        let decided = second(first, then);
        assert_eq!(decided.older_than.is_some(), is_older, "{first:?} {then:?}");
        assert_eq!(last_older(&decided).is_some(), is_older);
        assert_eq!(title(&decided) == "First", is_older);
        if let Some(newer) = decided.older_than {
            assert_eq!(newer.version, first.1);
        }
    }
}

#[test]
fn a_newer_event_forgets_the_older_one_that_came_before_it() {
    let older = second(
        ("2026-11-20T09:30:00Z", None),
        ("2026-11-20T09:00:00Z", None),
    );
    let newest = decide(
        older.entity.as_ref(),
        &inbound(Topic::EventCreated, "third", "2026-11-20T09:40:00Z"),
        &says("Third", None, &[]),
    );
    assert_eq!(
        (newest.older_than.as_ref(), last_older(&newest)),
        (None, None)
    );
    assert_eq!(title(&newest), "Third");
}

#[test]
fn the_same_event_and_one_of_another_topic_are_not_older() {
    let topic = Topic::EventPublished;
    let published = inbound(topic, "published", "2026-11-20T09:30:00Z");
    let known = decide(None, &published, &says("Published", None, &[]));
    let again = decide(
        known.entity.as_ref(),
        &published,
        &says("Published", None, &[]),
    );
    assert_eq!(again.older_than, None);
    let created = inbound(Topic::EventCreated, "created", "2026-11-20T09:00:00Z");
    let created = decide(
        known.entity.as_ref(),
        &created,
        &says("Created", None, &[AssetKind::Poster]),
    );
    assert_eq!(created.older_than, None);
}

#[test]
fn what_an_older_event_asks_for_is_made_of_the_newer_facts() {
    let poster = [AssetKind::Poster];
    let topic = Topic::EventCreated;
    let newer = inbound(topic, "newer", "2026-11-20T09:30:00Z");
    let known = decide(None, &newer, &says("Newer", None, &poster));
    let older = inbound(topic, "older", "2026-11-20T09:00:00Z");
    let decided = decide(
        known.entity.as_ref(),
        &older,
        &says("Older", None, &[AssetKind::Invitation]),
    );
    assert_eq!(decided.older_than.unwrap().id, "newer");
    let [job] = &decided.jobs[..] else {
        panic!("{:?}", decided.jobs)
    };
    assert_eq!(job.asset, AssetKind::Invitation);
    assert_eq!(job.configuration.title.as_str(), "Newer");
}

#[test]
fn what_a_version_from_before_stored_of_a_topic_is_read() {
    let stored = second(
        ("2026-11-20T09:30:00Z", None),
        ("2026-11-20T09:00:00Z", None),
    );
    let mut state = serde_json::to_value(stored.entity.unwrap()).unwrap();
    let snapshot = &mut state["snapshots"]["eventzr.event.created.v1"];
    assert!(snapshot["last_older"].is_object(), "{snapshot}");
    snapshot.as_object_mut().unwrap().remove("last_older");
    let read: EntityState = serde_json::from_value(state).unwrap();
    assert_eq!(read.snapshots[&Topic::EventCreated].last_older, None);
}
