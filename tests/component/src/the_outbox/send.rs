//! Send: the jobs of an entry go to the queue in one message, after its events were published.

use std::slice;

use domain::{Decision, JobId, derive};
use fault_proxy::Occurrence;
use outbox::{PublishAndSendError, SendEntryError};
use queue::Message;
use store::{Key, OutboxEntry, Prepared};

use crate::{
    bench::Bench,
    samples::{described, entity_key, event, expiry, inbound, job, now, planned, put},
};

/// An entry that opened jobs; it is not in the table.
fn unstored(id: &str) -> OutboxEntry {
    let description = described("a", id, "Lanterns");
    let key = Key::inbound(inbound(id).key(&description.tenant));
    let decision = planned(&inbound(id), &description, None);
    let prepared = Prepared::new(key, "content", decision, expiry(), None);
    prepared.committed().entry.clone()
}

/// The same, but that it opened none.
fn without_jobs(id: &str) -> OutboxEntry {
    let mut entry = unstored(id);
    entry.starts.clear();
    entry
}

/// The message about all jobs of an entry that says its entity.
fn message(entry: &OutboxEntry) -> Message {
    Message {
        entity: entry.entity.unwrap(),
        jobs: entry.starts.clone(),
        tries: 0,
    }
}

#[tokio::test]
async fn each_entry_with_jobs_that_is_not_published_yet_is_one_message() {
    let bench = Bench::start().await;
    let (one, two) = (unstored("one"), unstored("two"));
    let (mut published, without_jobs) = (unstored("published"), without_jobs("without"));
    published.published = true;
    let entries = [&one, &published, &without_jobs, &two];
    let sent = bench.outbox.send(&entries).await;
    assert_eq!(sent.len(), 4);
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    let expected = [message(&one), message(&two)];
    assert_eq!(bench.messages().await, expected);
    assert_eq!(bench.world.count("SendMessageBatch"), 1);
    assert_eq!(bench.world.count("GetItem"), 0, "an entry says its entity");
}

#[tokio::test]
async fn of_an_entry_of_an_earlier_version_the_first_job_says_its_entity() {
    let bench = Bench::start().await;
    let opened = job("a", "a job");
    put(&bench.store, slice::from_ref(&opened)).await;
    let of = |job: JobId| {
        let mut entry = unstored("one");
        (entry.starts, entry.entity, entry.tenant) = (vec![job], None, None);
        entry
    };
    let readable = of(opened.id);
    let unreadable = of(JobId(derive(&[b"a job that is not there"])));
    let sent = bench.outbox.send(&[&unreadable, &readable]).await;
    assert!(matches!(sent[0], Err(SendEntryError::Read(_))), "{sent:?}");
    assert!(sent[1].is_ok(), "{sent:?}");
    let expected = Message {
        entity: opened.entity_key(),
        jobs: vec![opened.id],
        tries: 0,
    };
    assert_eq!(bench.messages().await, slice::from_ref(&expected));
    bench.outbox.send_job(&opened).await.unwrap();
    assert_eq!(bench.messages().await, [expected]);
}

#[tokio::test]
async fn a_message_that_the_queue_did_not_take_is_told_to_its_entry() {
    let bench = Bench::start().await;
    let (one, without_jobs) = (unstored("one"), without_jobs("without"));
    let first = Occurrence::First(2);
    bench
        .world
        .fail("SendMessageBatch", first, 503, "ServiceUnavailable");
    let sent = bench.outbox.send(&[&without_jobs, &one]).await;
    assert!(sent[0].is_ok(), "{sent:?}");
    assert!(matches!(sent[1], Err(SendEntryError::Send(_))), "{sent:?}");
    assert!(bench.outbox.send_job(&job("a", "a job")).await.is_err());
    assert!(bench.messages().await.is_empty());
}

#[tokio::test]
async fn a_decision_that_comes_alone_is_published_sent_and_marked_in_this_order() {
    let mut bench = Bench::start().await;
    let (description, created) = (described("a", "event-1", "Lanterns"), inbound("one"));
    let committed = bench
        .outbox
        .commit(&created, &description, None, now())
        .await;
    let entry = committed.unwrap().entry;
    let stands = async |bench: &Bench| {
        let key = Key::inbound(created.key(&description.tenant));
        bench.store.entry(key).await.unwrap().unwrap()
    };
    let mut large = entry.clone();
    large.events.push(event("a", 2_000_000));
    let refused = bench.outbox.publish_and_send(&large).await.unwrap_err();
    assert!(
        matches!(refused, PublishAndSendError::Publish(_)),
        "{refused}"
    );
    assert!(bench.messages().await.is_empty());
    let first = Occurrence::Nth(1);
    bench
        .world
        .fail("SendMessageBatch", first, 503, "ServiceUnavailable");
    let unsent = bench.outbox.publish_and_send(&entry).await.unwrap_err();
    assert!(matches!(unsent, PublishAndSendError::Send(_)), "{unsent}");
    assert!(!stands(&bench).await.published);
    let published = bench.records().await.len();

    let expected = Message {
        entity: entity_key(&description),
        ..message(&entry)
    };
    bench.outbox.publish_and_send(&entry).await.unwrap();
    assert_eq!(bench.messages().await, slice::from_ref(&expected));
    assert_eq!(bench.records().await.len(), published + entry.events.len());
    let marked = stands(&bench).await;
    assert!(marked.published);
    bench.outbox.publish_and_send(&marked).await.unwrap();
    assert_eq!(bench.messages().await, [expected], "the first may be lost");
    assert_eq!(bench.records().await.len(), published + entry.events.len());
}

#[tokio::test]
async fn of_a_decision_that_comes_alone_only_open_jobs_are_sent() {
    let bench = Bench::start().await;
    let (description, created) = (described("a", "event-1", "Lanterns"), inbound("one"));
    let committed = bench
        .outbox
        .commit(&created, &description, None, now())
        .await;
    let entry = committed.unwrap().entry;
    for open in [1, 0] {
        let job = bench.store.job(entry.starts[1 - open]).await.unwrap();
        let closed: Decision = domain::cancel(job, now()).unwrap();
        let [closed] = &closed.jobs[..] else {
            panic!("{closed:?}")
        };
        bench.store.save(closed.clone()).await.unwrap();
        bench.outbox.publish_and_send(&entry).await.unwrap();
        let expected = Message {
            jobs: entry.starts[1..].to_vec(),
            ..message(&entry)
        };
        let expected = [expected].into_iter().filter(|_| open == 1);
        assert!(bench.messages().await.into_iter().eq(expected), "{open}");
    }
}
