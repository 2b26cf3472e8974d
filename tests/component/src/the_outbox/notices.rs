//! Notices: the end of a failed job is published first, and counts as published once its notice is
//! queued.

use contract::Topic;
use domain::Decision;
use fault_proxy::{Action, Moment, Occurrence};
use outbox::{Announced, PublishEntryError};
use queue::{Notice, NoticeQueue};
use store::{Key, OutboxEntry};

use crate::{
    bench::Bench,
    samples::{described, failure, inbound, now},
};

/// A bench whose outbox sends notices to the queue of the world.
async fn telling() -> Bench {
    let mut bench = Bench::start().await;
    let queue = NoticeQueue::new(bench.world.queue.clone(), &bench.world.config());
    bench.outbox = bench.outbox.with_notices(Some(queue));
    bench
}

/// The committed end of a job that failed.
async fn failed(bench: &Bench) -> OutboxEntry {
    let description = described("a", "event-1", "Lanterns");
    let committed = bench
        .outbox
        .commit(&inbound("one"), &description, None, now())
        .await;
    let job = committed.unwrap().entry.starts[0];
    let fails = |job, _| -> Option<Decision> { domain::fail(job, failure(), None) };
    let ended = bench
        .outbox
        .commit_end(job, Announced::Yes, now(), fails)
        .await;
    ended.unwrap().unwrap().0
}

/// The jobs of the notices in the queue that were not received before.
async fn noticed(bench: &Bench) -> Vec<Notice> {
    let receive = bench.world.sqs.receive_message();
    let receive = receive
        .queue_url(&bench.world.queue)
        .max_number_of_messages(10);
    let received = receive.send().await.unwrap();
    let bodies = received
        .messages()
        .iter()
        .map(|message| message.body().unwrap());
    bodies.map(|body| Notice::read(body).unwrap()).collect()
}

async fn is_marked(bench: &Bench, end: &OutboxEntry) -> bool {
    let key = Key::end(end.ended_job().unwrap());
    bench.store.entry(key).await.unwrap().unwrap().published
}

#[tokio::test]
async fn an_end_is_published_though_its_notice_is_refused_and_marked_once_that_is_queued() {
    let mut bench = telling().await;
    let end = failed(&bench).await;
    let first = Occurrence::First(1);
    bench
        .world
        .fail("SendMessageBatch", first, 503, "ServiceUnavailable");
    let refused = bench.outbox.publish_and_mark(&end).await.unwrap_err();
    assert!(matches!(refused, PublishEntryError::Notice(_)), "{refused}");
    assert!(!is_marked(&bench, &end).await, "the sweep finds it");
    let told = bench.values(Topic::RenderJobFailed).await;
    assert_eq!(told, [end.events[0].value.clone()], "Kafka has it");
    assert!(noticed(&bench).await.is_empty());

    bench.outbox.publish_and_mark(&end).await.unwrap();
    assert!(is_marked(&bench, &end).await);
    let job = end.ended_job().unwrap();
    assert_eq!(noticed(&bench).await, [Notice { job }]);
}

#[tokio::test]
async fn a_notice_whose_answer_is_lost_is_sent_again() {
    let bench = telling().await;
    let end = failed(&bench).await;
    let lost = Action::Cut(Moment::After);
    bench
        .world
        .trouble("SendMessageBatch", Occurrence::Nth(1), lost);
    assert!(bench.outbox.publish_and_mark(&end).await.is_err());
    bench.outbox.publish_and_mark(&end).await.unwrap();
    let job = end.ended_job().unwrap();
    assert_eq!(noticed(&bench).await, [Notice { job }, Notice { job }]);
}

#[tokio::test]
async fn without_a_queue_of_notices_none_is_sent() {
    let bench = Bench::start().await;
    let end = failed(&bench).await;
    bench.outbox.publish_and_mark(&end).await.unwrap();
    assert!(is_marked(&bench, &end).await);
    assert_eq!(bench.world.count("SendMessageBatch"), 0);
}
