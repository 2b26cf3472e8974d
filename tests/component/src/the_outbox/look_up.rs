//! Look up: what the table has of a batch's events before any of them is decided.

use contract::Time;
use domain::{ContentHash, Decision, Description, InboundEvent, Job, JobId};
use outbox::Seen;
use store::{Key, OutboxEntry, Prepared, Store};

use crate::{
    bench::Bench,
    samples::{commit, described, entity_key, event, expiry, inbound, now},
};

/// The entry of an event that was seen before.
fn before(seen: Seen) -> OutboxEntry {
    match seen {
        Seen::Before(entry) => entry,
        Seen::New | Seen::Unclear => panic!("{seen:?}"),
    }
}

/// What is found of one event.
async fn looked_up(bench: &Bench, event: &InboundEvent, description: &Description) -> Seen {
    let found = bench.outbox.look_up(&[(event, description)]).await.unwrap();
    found.events.into_iter().next().unwrap()
}

/// Closes jobs.
async fn cancel(store: &Store, jobs: &[JobId], at: Time) {
    for job in jobs {
        let job: Job = store.job(*job).await.unwrap();
        let closed = domain::cancel(job, at).unwrap().jobs.remove(0);
        store.save(closed).await.unwrap();
    }
}

#[tokio::test]
async fn a_batch_is_looked_up_with_as_few_calls_as_can_be_in_its_order() {
    let bench = Bench::start().await;
    let [known, new] = ["event-1", "event-2"].map(|id| described("a", id, "Lanterns"));
    let committed = bench
        .outbox
        .commit(&inbound("one"), &known, None, now())
        .await;
    let committed = committed.unwrap();
    let [one, two, three] = ["one", "two", "three"].map(inbound);
    let changed = InboundEvent {
        content: ContentHash::of_text("another content"),
        ..one.clone()
    };
    bench.world.proxy.clear();
    let batch = [
        (&three, &new),
        (&one, &known),
        (&two, &known),
        (&changed, &known),
    ];
    let found = bench.outbox.look_up(&batch).await.unwrap();
    let [first, second, third, fourth] = &found.events[..] else {
        panic!("{:?}", found.events)
    };
    assert!(matches!(first, Seen::New), "{first:?}");
    assert!(matches!(third, Seen::New), "{third:?}");
    assert!(matches!(fourth, Seen::Unclear), "{fourth:?}");
    let Seen::Before(entry) = second else {
        panic!("{second:?}")
    };
    assert_eq!(entry.events, committed.entry.events);
    assert_eq!(found.entities[&entity_key(&known)], committed.entity);
    assert_eq!(found.entities[&entity_key(&new)], None);
    // The entities, the entries, the tombstone, and the jobs of the entry.
    assert_eq!(bench.world.count("BatchGetItem"), 4);

    bench.world.proxy.clear();
    let found = looked_up(&bench, &three, &new).await;
    assert!(matches!(found, Seen::New), "{found:?}");
    assert_eq!(
        bench.world.count("BatchGetItem"),
        1,
        "a new entity has no entry"
    );
}

#[tokio::test]
async fn of_an_event_from_before_an_erasure_nothing_is_published_again() {
    let bench = Bench::start().await;
    let (description, created) = (described("a", "event-1", "Lanterns"), inbound("one"));
    bench
        .outbox
        .commit(&created, &description, None, now())
        .await
        .unwrap();
    let later = now().plus_seconds(1);
    bench
        .store
        .begin_erasure(&description.tenant, later)
        .await
        .unwrap();
    let entry = before(looked_up(&bench, &created, &description).await);
    assert!(entry.events.is_empty() && entry.starts.is_empty() && entry.published);
    assert_eq!(entry.content, created.content.to_hex());
}

#[tokio::test]
async fn an_entry_counts_as_published_once_all_of_its_jobs_are_closed() {
    let bench = Bench::start().await;
    let (description, created) = (described("a", "event-1", "Lanterns"), inbound("one"));
    let committed = bench
        .outbox
        .commit(&created, &description, None, now())
        .await;
    let starts = committed.unwrap().entry.starts;
    for (closed, published) in [(0, false), (1, false), (2, true)] {
        let newly = closed.min(1);
        cancel(&bench.store, &starts[closed - newly..closed], now()).await;
        let entry = before(looked_up(&bench, &created, &description).await);
        assert_eq!(entry.published, published, "{closed} are closed");
        assert_eq!(entry.starts, starts);
    }
}

#[tokio::test]
async fn an_entry_is_published_as_it_is_marked_whatever_its_jobs_are() {
    let bench = Bench::start().await;
    let (description, created) = (described("a", "event-1", "Lanterns"), inbound("one"));
    let committed = bench
        .outbox
        .commit(&created, &description, None, now())
        .await;
    let entry = committed.unwrap().entry;
    bench.store.mark_published(&entry).await.unwrap();
    let marked = before(looked_up(&bench, &created, &description).await);
    assert!(marked.published, "although its jobs are open");

    let without_jobs = inbound("two");
    let decision = Decision {
        events: vec![event("a", 1)],
        ..Decision::default()
    };
    let content = without_jobs.content.to_hex();
    let key = Key::inbound(without_jobs.key(&description.tenant));
    let decision = Prepared::new(key, &content, decision, expiry(), None);
    commit(&bench.store, decision).await;
    let unmarked = before(looked_up(&bench, &without_jobs, &description).await);
    assert!(!unmarked.published, "although it has no open job");
}
