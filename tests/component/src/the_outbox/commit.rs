//! Commit: an inbound event is decided once, from its entity as it stands.

use contract::EventTime;
use domain::{ContentHash, InboundEvent, PlanError, ProviderRouting};
use outbox::CommitError;

use crate::{
    bench::Bench,
    samples::{described, entity_key, inbound, now},
};

#[tokio::test]
async fn an_event_that_comes_again_finds_its_entry_and_another_of_its_id_an_error() {
    let bench = Bench::start().await;
    let (description, created) = (described("a", "event-1", "Lanterns"), inbound("one"));
    let commit = async |event: &InboundEvent| {
        let committed = bench.outbox.commit(event, &description, None, now());
        committed.await
    };
    let first = commit(&created).await.unwrap();
    assert_eq!(first.entity.unwrap().version, 1);
    assert_eq!(first.entry.starts.len(), 2);
    let again = commit(&created).await.unwrap();
    assert_eq!(again.entity, None);
    assert_eq!(again.entry.events, first.entry.events);
    let another = InboundEvent {
        content: ContentHash::of_text("another content"),
        ..created
    };
    let reused = commit(&another).await.unwrap_err();
    assert!(matches!(reused, CommitError::IdReused), "{reused}");
}

#[tokio::test]
async fn an_event_about_a_changed_entity_is_decided_again_from_what_stands_there() {
    let bench = Bench::start().await;
    let description = described("a", "event-1", "Lanterns");
    let created = inbound("one");
    let first = bench
        .outbox
        .commit(&created, &description, None, now())
        .await;
    let before = first.unwrap().entity.unwrap();
    let renamed = described("a", "event-1", "Monsoon Jazz");
    for (id, before, version) in [("two", None, 2), ("three", Some(&before), 3)] {
        let event = inbound(id);
        let committed = bench.outbox.commit(&event, &renamed, before, now()).await;
        let entity = committed.unwrap().entity.unwrap();
        assert_eq!(entity.version, version, "{id}");
        let stands = bench.store.entity(entity_key(&renamed)).await.unwrap();
        assert_eq!(stands, Some(entity));
    }
}

#[tokio::test]
async fn an_event_that_is_too_old_now_finds_what_was_committed_while_it_was_young() {
    let bench = Bench::start().await;
    let (description, created) = (described("a", "event-1", "Lanterns"), inbound("one"));
    let at = async |event: &InboundEvent, seconds: u32| {
        let now = now().plus_seconds(seconds);
        bench.outbox.commit(event, &description, None, now).await
    };
    let late = domain::HORIZON_SECONDS + 1;
    let refused = at(&created, late).await.unwrap_err();
    assert!(
        matches!(refused, CommitError::Plan(PlanError::TooOld(_))),
        "{refused}"
    );
    let committed = at(&created, 0).await.unwrap();
    let found = at(&created, late).await.unwrap();
    assert_eq!(found.entry.events, committed.entry.events);
    let ahead = InboundEvent {
        id: "two".to_owned(),
        time: EventTime::new("2127-01-01T00:00:00Z".parse().unwrap()),
        ..created
    };
    let refused = at(&ahead, 0).await.unwrap_err();
    assert!(
        matches!(refused, CommitError::Plan(PlanError::TooFarAhead(_))),
        "{refused}"
    );
}

#[tokio::test]
async fn of_an_erased_tenants_event_nothing_is_left_to_publish_or_to_start() {
    let bench = Bench::start().await;
    let (description, created) = (described("a", "event-1", "Lanterns"), inbound("one"));
    bench
        .store
        .begin_erasure(&description.tenant, now())
        .await
        .unwrap();
    let committed = bench
        .outbox
        .commit(&created, &description, None, now())
        .await;
    let entry = committed.unwrap().entry;
    assert!(entry.events.is_empty() && entry.starts.is_empty() && entry.published);
}

#[tokio::test]
async fn an_outbox_routes_as_it_is_configured_and_connects_to_all_that_it_uses() {
    let routing = ProviderRouting::parse("openai", "runway", "polly").unwrap();
    let bench = Bench::routed(routing.clone()).await;
    assert_eq!(bench.outbox.routing(), &routing);
    assert_eq!(bench.outbox.deadline(now()), now().plus_seconds(900));
    bench.outbox.connect().await;
    let calls = |operation: &str| bench.world.count(operation);
    assert_eq!((calls("GetItem"), calls("GetQueueAttributes")), (1, 0));
    bench.outbox.connect_to_send().await;
    assert_eq!((calls("GetItem"), calls("GetQueueAttributes")), (2, 1));
}
