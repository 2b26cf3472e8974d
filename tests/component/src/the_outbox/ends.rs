//! The end of a job: committed once. Of an erased tenant's job it says nothing, and it is told only
//! to a caller that knows that the job was announced.

use contract::Topic;
use domain::{Decision, EntityState, Job, State};
use fault_proxy::{Action, Moment, Occurrence};
use outbox::Announced;
use store::{Key, OutboxEntry};

use crate::{
    bench::Bench,
    samples::{described, failure, inbound, now},
};

/// An open job whose entry is committed, and not known to be published; and that entry.
async fn opened(bench: &Bench) -> (Job, OutboxEntry) {
    let description = described("a", "event-1", "Lanterns");
    let committed = bench
        .outbox
        .commit(&inbound("one"), &description, None, now())
        .await;
    let entry = committed.unwrap().entry;
    let job = bench.store.job(entry.starts[0]).await.unwrap();
    (job, entry)
}

fn fails(job: Job, _: EntityState) -> Option<Decision> {
    domain::fail(job, failure(), None)
}

/// Ends a job, unless it has an end; and what may be published of the end that it has.
async fn end(bench: &Bench, job: &Job, announced: Announced) -> OutboxEntry {
    let ended = bench
        .outbox
        .commit_end(job.id, announced, now(), fails)
        .await;
    let (entry, found) = ended.unwrap().unwrap();
    assert_eq!(found.id, job.id);
    entry
}

/// Begins the erasure of the job's tenant.
async fn erase(bench: &Bench, job: &Job) {
    let later = now().plus_seconds(1);
    bench.store.begin_erasure(&job.tenant, later).await.unwrap();
}

#[tokio::test]
async fn a_job_has_one_end_that_every_caller_finds_again() {
    let bench = Bench::start().await;
    let (job, _) = opened(&bench).await;
    let nothing = |_: Job, _: EntityState| None;
    let none = bench
        .outbox
        .commit_end(job.id, Announced::Yes, now(), nothing)
        .await;
    assert!(none.unwrap().is_none(), "there is nothing to decide");
    let lost = Action::Cut(Moment::After);
    bench
        .world
        .trouble("TransactWriteItems", Occurrence::Nth(1), lost);
    let failed = bench
        .outbox
        .commit_end(job.id, Announced::Yes, now(), fails)
        .await;
    assert!(failed.unwrap_err().is_transient());

    let first = end(&bench, &job, Announced::Unknown).await;
    assert_eq!(first.events.len(), 1);
    assert!(!first.published && !first.withheld);
    let closed = bench.store.reload(&job).await.unwrap();
    assert!(matches!(closed.state, State::Failed { .. }), "{closed:?}");
    let again = end(&bench, &job, Announced::Yes).await;
    assert_eq!(again.events, first.events);
}

#[tokio::test]
async fn an_end_from_before_an_erasure_is_not_published_again() {
    let bench = Bench::start().await;
    let (job, _) = opened(&bench).await;
    let first = end(&bench, &job, Announced::Yes).await;
    assert!(!first.events.is_empty());
    erase(&bench, &job).await;
    for announced in [Announced::Yes, Announced::Unknown] {
        let again = end(&bench, &job, announced).await;
        assert!(again.events.is_empty() && again.published);
    }
}

#[tokio::test]
async fn an_announced_job_of_an_erased_tenant_ends_and_says_nothing_personal() {
    let mut bench = Bench::start().await;
    let (job, _) = opened(&bench).await;
    erase(&bench, &job).await;
    let ended = end(&bench, &job, Announced::Yes).await;
    assert!(!ended.withheld && !ended.published);
    let [event] = &ended.events[..] else {
        panic!("{ended:?}")
    };
    assert_eq!(event.topic, Topic::RenderJobFailed);
    assert!(event.value.contains(&job.id.to_string()));
    let closed = bench.store.reload(&job).await.unwrap();
    assert!(
        matches!(closed.state, State::Cancelled { .. }),
        "{closed:?}"
    );
    assert_ne!(closed.configuration, job.configuration);
    bench.outbox.publish_and_mark(&ended).await.unwrap();
    assert_eq!(
        bench.values(Topic::RenderJobFailed).await,
        std::slice::from_ref(&event.value)
    );
}

#[tokio::test]
async fn a_job_whose_entry_is_marked_counts_as_announced() {
    let bench = Bench::start().await;
    let (job, entry) = opened(&bench).await;
    bench.store.mark_published(&entry).await.unwrap();
    erase(&bench, &job).await;
    let ended = end(&bench, &job, Announced::Unknown).await;
    assert!(!ended.withheld && ended.events.len() == 1, "{ended:?}");
}

#[tokio::test]
async fn an_end_is_withheld_from_what_does_not_know_that_its_job_was_announced() {
    let bench = Bench::start().await;
    let (job, _) = opened(&bench).await;
    erase(&bench, &job).await;
    for _ in 0..2 {
        let withheld = end(&bench, &job, Announced::Unknown).await;
        assert!(withheld.events.is_empty() && withheld.published);
    }
    let stands = bench.store.entry(Key::end(job.id)).await.unwrap().unwrap();
    assert!(stands.withheld && !stands.published);
    let told = end(&bench, &job, Announced::Yes).await;
    assert_eq!(told.events, stands.events);
    assert_eq!(told.events.len(), 1);
    assert!(!told.published);
}

#[tokio::test]
async fn an_unannounced_job_gets_a_withheld_end_and_a_closed_one_keeps_its_own() {
    let bench = Bench::start().await;
    let (job, entry) = opened(&bench).await;
    let other = bench.store.job(entry.starts[1]).await.unwrap();
    let kept = end(&bench, &other, Announced::Yes).await;
    for job in [&job, &other] {
        bench.outbox.cancel_withheld(job.id, now()).await.unwrap();
    }
    let cancelled = bench.store.reload(&job).await.unwrap();
    assert!(matches!(cancelled.state, State::Cancelled { .. }));
    let stands = bench.store.entry(Key::end(job.id)).await.unwrap().unwrap();
    assert!(stands.withheld);
    let stands = bench
        .store
        .entry(Key::end(other.id))
        .await
        .unwrap()
        .unwrap();
    assert!(!stands.withheld);
    assert_eq!(stands.events, kept.events);
}
