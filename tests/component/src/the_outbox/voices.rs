//! Voice models: registered once, and ready once.

use contract::Topic;
use domain::{VoiceModelId, VoiceState, derive};
use fault_proxy::Occurrence;
use outbox::CommitError;
use store::{ErasureGuard, OutboxEntry};

use crate::{
    bench::Bench,
    samples::{guard, identifier, now, registration},
};

fn voice() -> VoiceModelId {
    VoiceModelId(derive(&[b"a voice"]))
}

/// Registers the voice with this content.
async fn register(bench: &Bench, content: &str) -> Result<Option<OutboxEntry>, CommitError> {
    let tenant = identifier("a");
    let decision = registration(voice(), &tenant);
    let guard: ErasureGuard<'_> = guard(&tenant, now());
    let registered = bench
        .outbox
        .commit_registration(voice(), content, decision, guard, now());
    registered.await
}

#[tokio::test]
async fn a_voice_is_registered_once_and_another_content_under_its_id_is_refused() {
    let mut bench = Bench::start().await;
    let first = register(&bench, "content").await.unwrap().unwrap();
    let again = register(&bench, "content").await.unwrap().unwrap();
    assert_eq!(again.events, first.events);
    let reused = register(&bench, "another content").await.unwrap_err();
    assert!(matches!(reused, CommitError::IdReused), "{reused}");

    for _ in 0..2 {
        bench.outbox.publish_registration(voice()).await.unwrap();
        let published = bench.values(Topic::VoiceModelCreated).await;
        assert_eq!(published, [first.events[0].value.clone()]);
    }
    // The model outlives the entry.
    bench
        .world
        .expire(&format!("voice#{}", voice()), "created")
        .await;
    let reused = register(&bench, "content").await.unwrap_err();
    assert!(matches!(reused, CommitError::IdReused), "{reused}");
    bench.outbox.publish_registration(voice()).await.unwrap();
}

#[tokio::test]
async fn a_registration_that_meets_another_looks_once_more_before_it_is_refused() {
    let bench = Bench::start().await;
    let meets = || {
        let first = Occurrence::Nth(1);
        let error = "TransactionCanceledException";
        bench.world.fail("TransactWriteItems", first, 400, error)
    };
    let hits = meets();
    let first = register(&bench, "content").await.unwrap().unwrap();
    assert_eq!(hits.count(), 1);
    let hits = meets();
    let again = register(&bench, "content").await.unwrap().unwrap();
    assert_eq!(hits.count(), 1);
    assert_eq!(again.events, first.events);
}

#[tokio::test]
async fn a_voice_becomes_ready_once() {
    let bench = Bench::start().await;
    let absent = bench.outbox.commit_ready(voice(), now()).await;
    assert!(absent.is_err(), "there is no such voice");
    register(&bench, "content").await.unwrap().unwrap();
    let ready = bench.outbox.commit_ready(voice(), now()).await.unwrap();
    let ready = ready.unwrap();
    assert_eq!(ready.events[0].topic, Topic::VoiceModelReady);
    let model = bench.store.voice(voice()).await.unwrap();
    assert_eq!(model.state, VoiceState::Ready { at: now() });
    let again = bench.outbox.commit_ready(voice(), now()).await.unwrap();
    assert_eq!(again.unwrap().events, ready.events);
}

#[tokio::test]
async fn of_an_erased_tenants_voice_nothing_is_committed() {
    let bench = Bench::start().await;
    let tenant = identifier("a");
    let later = now().plus_seconds(1);
    register(&bench, "content").await.unwrap().unwrap();
    bench.store.begin_erasure(&tenant, later).await.unwrap();
    assert_eq!(
        bench.outbox.commit_ready(voice(), now()).await.unwrap(),
        None
    );
    assert_eq!(register(&bench, "content").await.unwrap(), None);
}
