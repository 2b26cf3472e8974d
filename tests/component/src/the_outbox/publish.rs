//! Publish: an entry's events are acknowledged before it is marked, and none of an erased tenant's
//! is published again.

use std::slice;

use contract::Topic;
use domain::{Job, ProviderId, Work as _};
use fault_proxy::Occurrence;
use outbox::PublishEntryError;
use store::{Key, OutboxEntry, Overdue, Prepared};

use crate::{
    bench::Bench,
    samples::{commit, described, expiry, failure, inbound, job, now, put},
};

/// An entry with two jobs, which is committed and nothing else; and the first of the jobs.
async fn opened(bench: &Bench, id: &str) -> (OutboxEntry, Job) {
    let description = described("a", id, "Lanterns");
    let committed = bench
        .outbox
        .commit(&inbound(id), &description, None, now())
        .await;
    let entry = committed.unwrap().entry;
    let job = bench.store.job(entry.starts[0]).await.unwrap();
    (entry, job)
}

/// Whether the entry of an inbound event is marked published.
async fn is_marked(bench: &Bench, id: &str) -> bool {
    let tenant = described("a", id, "Lanterns").tenant;
    let entry = bench
        .store
        .entry(Key::inbound(inbound(id).key(&tenant)))
        .await;
    entry.unwrap().unwrap().published
}

#[tokio::test]
async fn entries_are_published_in_their_order_and_none_that_was_published_before() {
    let mut bench = Bench::start().await;
    let (one, _) = opened(&bench, "one").await;
    let (two, _) = opened(&bench, "two").await;
    let (mut before, _) = opened(&bench, "before").await;
    before.published = true;
    let published = bench.outbox.publish(&[&one, &before, &two]).await;
    assert_eq!(published.len(), 3);
    assert!(published.iter().all(Result::is_ok));
    for topic in [Topic::TemplateCreated, Topic::RenderJobCreated] {
        let of_topic = |entry: &OutboxEntry| {
            let events = entry.events.iter().filter(|event| event.topic == topic);
            events.map(|event| event.value.clone()).collect::<Vec<_>>()
        };
        let expected = [of_topic(&one), of_topic(&two)].concat();
        assert_eq!(bench.values(topic).await, expected);
    }
    assert_eq!(bench.records().await.len(), 8);
    let key = bench.records().await[0].key.clone();
    assert_eq!(
        key.as_deref(),
        Some(&b"a"[..]),
        "a tenant's events keep their order"
    );
}

#[tokio::test]
async fn an_entry_is_marked_once_its_events_are_acknowledged_and_not_before() {
    let mut bench = Bench::start().await;
    let (entry, _) = opened(&bench, "one").await;
    // Larger than a record may be.
    let mut large = entry.clone();
    large.events[3].value = "x".repeat(2_000_000);
    let refused = bench.outbox.publish_and_mark(&large).await.unwrap_err();
    assert!(
        matches!(refused, PublishEntryError::Publish(_)),
        "{refused}"
    );
    assert!(!is_marked(&bench, "one").await);

    let hits = bench
        .world
        .fail("UpdateItem", Occurrence::Nth(1), 500, "InternalServerError");
    let unmarked = bench.outbox.publish_and_mark(&entry).await.unwrap_err();
    assert!(
        matches!(unmarked, PublishEntryError::Store(_)),
        "{unmarked}"
    );
    assert_eq!(hits.count(), 1);
    bench.outbox.publish_and_mark(&entry).await.unwrap();
    assert!(is_marked(&bench, "one").await);
    let values = bench.values(entry.events[3].topic).await;
    assert_eq!(values.last(), Some(&entry.events[3].value));
}

#[tokio::test]
async fn a_job_is_announced_before_it_is_sent_unless_its_tenant_was_erased_since() {
    let mut bench = Bench::start().await;
    let (entry, job) = opened(&bench, "one").await;
    for _ in 0..2 {
        assert!(bench.outbox.publish_opening_entry(&job).await.unwrap());
        assert!(is_marked(&bench, "one").await);
        assert_eq!(bench.records().await.len(), entry.events.len(), "once");
    }
    let (_, erased) = opened(&bench, "two").await;
    let (_, begun) = opened(&bench, "three").await;
    let later = now().plus_seconds(1);
    bench.store.begin_erasure(&job.tenant, later).await.unwrap();
    assert!(!bench.outbox.publish_opening_entry(&erased).await.unwrap());
    assert!(!is_marked(&bench, "two").await);
    // A message had it wait for its turn, and no other comes.
    let waiting = begun.clone().waiting(ProviderId::Runway, now());
    for begun in [begun.restarted(now()), waiting] {
        assert!(
            bench.outbox.publish_opening_entry(&begun).await.unwrap(),
            "it was announced"
        );
    }
    assert!(bench.outbox.publish_opening_entry(&job).await.unwrap());
    assert_eq!(bench.records().await.len(), entry.events.len());
}

#[tokio::test]
async fn an_overdue_end_is_published_once_and_not_after_an_erasure() {
    let mut bench = Bench::start().await;
    let late = now().plus_seconds(1);
    for name in ["first", "second"] {
        let opened = job("a", name);
        put(&bench.store, slice::from_ref(&opened)).await;
        let read = bench.store.reload(&opened).await.unwrap();
        let end = domain::fail(read, failure(), None).unwrap();
        let end = Prepared::new(Key::end(opened.id), "end", end, expiry(), None);
        commit(&bench.store, end).await;
        let overdue = bench.store.overdue(late, 10).await.unwrap();
        let [Overdue::Unpublished(unpublished)] = &overdue[..] else {
            panic!("{overdue:?}")
        };
        for _ in 0..2 {
            bench.outbox.publish_overdue(unpublished).await.unwrap();
            let ended = bench.values(Topic::RenderJobFailed).await;
            assert_eq!(ended.len(), 1, "{name}");
        }
        let end = bench
            .store
            .entry(Key::end(opened.id))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(end.published, name == "first");
        bench
            .store
            .begin_erasure(&opened.tenant, late)
            .await
            .unwrap();
    }
}
