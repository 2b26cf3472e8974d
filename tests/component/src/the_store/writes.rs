//! Writes: a decision is committed whole and once, and a job is written by one writer at a time.

use std::slice;

use domain::{Decision, ProviderId, Work as _};
use fault_proxy::{Action, Moment, Occurrence};
use store::{Key, Prepared, Store, StoreError, Written};

use crate::{
    samples::{
        commit, described, entity_key, event, expiry, inbound, job, now, planned, prepared, put,
    },
    world::{World, number},
};

/// The first call that a fault is for.
const FIRST: Occurrence = Occurrence::Nth(1);

#[tokio::test]
async fn a_decision_is_committed_whole_and_once() {
    let world = World::start().await;
    let store = world.store();
    let (description, created) = (described("a", "event-1", "Lanterns"), inbound("one"));
    let decision = planned(&created, &description, None);
    let prepared = prepared(&created, &description, None);
    let written = store.write(prepared.clone()).await.unwrap();
    let Written::Committed(committed) = written else {
        panic!("{written:?}")
    };
    assert_eq!(*committed, *prepared.committed());

    let entity = store.entity(entity_key(&description)).await.unwrap();
    assert_eq!(entity, committed.entity);
    assert_eq!(entity.unwrap().version, 1);
    assert_eq!(decision.jobs.len(), 2);
    for job in &decision.jobs {
        let found = store.reload(job).await.unwrap();
        assert_eq!(found, job.clone().with_version(1));
        let item = world.item(&format!("job#{}", job.id), "state").await;
        assert_eq!(number(&item.unwrap(), "version"), "1");
    }
    let key = Key::inbound(created.key(&description.tenant));
    let found = store.entry(key).await.unwrap().unwrap();
    assert_eq!(found, committed.entry);
    assert_eq!(found.events, decision.events);
    assert_eq!(found.starts, decision.starts);

    let again = store.write(prepared).await.unwrap();
    let Written::Before(before) = again else {
        panic!("{again:?}")
    };
    assert_eq!(before.events, decision.events);
}

#[tokio::test]
async fn a_decision_about_what_has_changed_since_is_not_committed() {
    let world = World::start().await;
    let store = world.store();
    let description = described("a", "event-1", "Lanterns");
    commit(&store, prepared(&inbound("one"), &description, None)).await;
    let renamed = described("a", "event-1", "Monsoon Jazz");
    let blind = prepared(&inbound("two"), &renamed, None);
    let written = store.write(blind).await.unwrap();
    let Written::Changed {
        entity: Some(entity),
    } = written
    else {
        panic!("{written:?}")
    };
    let stands = store.entity(entity_key(&description)).await.unwrap();
    assert_eq!(stands.as_ref(), Some(&*entity));
    let seeing = prepared(&inbound("two"), &renamed, stands.as_ref());
    commit(&store, seeing).await;
    let entity = store.entity(entity_key(&description)).await.unwrap();
    assert_eq!(entity.unwrap().version, 2);

    // Of what changed, only an entity is returned.
    let opened = job("a", "a job");
    put(&store, slice::from_ref(&opened)).await;
    let decision = Decision {
        jobs: vec![opened],
        ..Decision::default()
    };
    let key = Key::inbound(inbound("three").key(&description.tenant));
    let again = Prepared::new(key, "again", decision, expiry(), None);
    let written = store.write(again).await.unwrap();
    let Written::Changed { entity: None } = written else {
        panic!("{written:?}")
    };
}

/// A decision to publish an event of so many bytes.
fn publishing(name: &str, bytes: usize) -> Prepared {
    let decision = Decision {
        events: vec![event("a", bytes)],
        ..Decision::default()
    };
    let key = Key::inbound(inbound(name).key(&job("a", name).tenant));
    Prepared::new(key, name, decision, expiry(), None)
}

#[tokio::test]
async fn a_refused_decision_is_refused_for_ever_and_trouble_is_for_another_try() {
    let world = World::start().await;
    let store = world.store();
    // Too large to be packed, and larger than an item may be: the emulator's own refusal.
    let large = publishing("large", 1_100_000);
    let refused = store.write(large.clone()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused(_)), "{refused:?}");
    let together = store.write_together(vec![large]).await.unwrap();
    assert!(together.is_none(), "each by itself says which it is");
    for (status, error) in [(400, "ThrottlingException"), (500, "InternalServerError")] {
        world.fail("TransactWriteItems", FIRST, status, error);
        let trouble = store.write(publishing("one", 1)).await.unwrap_err();
        assert!(matches!(trouble, StoreError::Write(_)), "{trouble:?}");
        world.fail("TransactWriteItems", FIRST, status, error);
        let trouble = store.write_together(vec![publishing("one", 1)]).await;
        assert!(matches!(trouble, Err(StoreError::Write(_))), "{trouble:?}");
    }
    commit(&store, publishing("one", 1)).await;
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_found_by_the_next_try() {
    let world = World::start().await;
    let store = world.store();
    world.trouble("TransactWriteItems", FIRST, Action::Cut(Moment::After));
    let lost = store.write(publishing("one", 1)).await.unwrap_err();
    assert!(lost.is_transient());
    let again = store.write(publishing("one", 1)).await.unwrap();
    let Written::Before(before) = again else {
        panic!("{again:?}")
    };
    assert_eq!(before.events, [event("a", 1)]);
}

#[tokio::test]
async fn decisions_are_committed_together_in_their_order_or_none_of_them_is() {
    let world = World::start().await;
    let store = world.store();
    let about = |id: &str| {
        let description = described("a", id, "Lanterns");
        (
            entity_key(&description),
            prepared(&inbound(id), &description, None),
        )
    };
    let [(_, one), (_, two), (third, three)] = ["one", "two", "three"].map(about);
    let expected = [&one, &two].map(|decision| decision.committed().clone());
    let committed = store.write_together(vec![one.clone(), two]).await.unwrap();
    assert_eq!(committed.unwrap(), expected);
    let committed = store.write_together(vec![three, one]).await.unwrap();
    assert!(committed.is_none(), "one of them was committed before");
    assert_eq!(store.entity(third).await.unwrap(), None);
}

#[tokio::test]
async fn a_job_is_saved_if_no_other_writer_changed_it() {
    let world = World::start().await;
    let store = world.store();
    let opened = job("a", "a job");
    put(&store, slice::from_ref(&opened)).await;
    let read = store.job(opened.id).await.unwrap();
    let asked = read
        .clone()
        .asking(ProviderId::StudioCanvas, opened.id.0, now());
    let saved = store.save(asked.clone()).await.unwrap();
    assert_eq!(saved, asked.with_version(2));
    assert_eq!(store.job(opened.id).await.unwrap(), saved);

    let stale = read.restarted(now());
    let refused = store.save(stale).await;
    assert!(matches!(refused, Err(StoreError::Contended)), "{refused:?}");
    assert_eq!(store.job(opened.id).await.unwrap(), saved);
}

#[tokio::test]
async fn a_save_outlives_a_lost_answer_and_a_transaction_on_its_job() {
    let world = World::start().await;
    let once = world.store();
    let repeating = Store::new(world.table.clone(), &world.repeating());
    let opened = job("a", "a job");
    put(&once, slice::from_ref(&opened)).await;
    let failing = |error: &str| Action::Fail {
        status: 400,
        error: error.to_owned(),
    };
    let mut expected = 1;
    for (store, action, is_saved) in [
        // The SDK repeats the write, and finds its own.
        (&repeating, Action::Cut(Moment::After), true),
        (&once, failing("TransactionConflictException"), true),
        (&once, failing("ResourceNotFoundException"), false),
    ] {
        let read = store.job(opened.id).await.unwrap();
        let hits = world.trouble("PutItem", FIRST, action.clone());
        let saved = store.save(read.restarted(now())).await;
        assert_eq!(hits.count(), 1);
        match saved {
            Err(StoreError::Write(_)) => assert!(!is_saved, "{action:?}"),
            saved => assert!(is_saved && saved.is_ok(), "{action:?}: {saved:?}"),
        }
        expected += u64::from(is_saved);
        let stands = store.job(opened.id).await.unwrap();
        assert_eq!(stands.version, expected, "{action:?}");
    }
}

#[tokio::test]
async fn a_published_entry_is_marked_once_and_the_sweep_finds_it_no_more() {
    let world = World::start().await;
    let store = world.store();
    let opened = job("a", "a job");
    let decision = Decision {
        events: vec![event("a", 1)],
        ..Decision::default()
    };
    let end = Prepared::new(Key::end(opened.id), "end", decision, expiry(), None);
    commit(&store, end).await;
    let later = now().plus_seconds(1);
    assert_eq!(store.overdue(later, 10).await.unwrap().len(), 1);
    let unmarked = store.entry(Key::end(opened.id)).await.unwrap().unwrap();
    let owner = unmarked.owner.clone().unwrap();
    assert_eq!((owner.tenant, owner.since), (opened.tenant.clone(), now()));
    store.mark_published(&unmarked).await.unwrap();
    let marked = store.entry(Key::end(opened.id)).await.unwrap().unwrap();
    assert!(!unmarked.published && marked.published);
    assert!(store.overdue(later, 10).await.unwrap().is_empty());

    world.proxy.clear();
    store.mark_published(&marked).await.unwrap();
    assert_eq!(world.count("UpdateItem"), 0);
    world.expire(&format!("job#{}", opened.id), "end").await;
    assert!(store.mark_published(&unmarked).await.is_err());
    let found = store.entry(Key::end(opened.id)).await.unwrap();
    assert_eq!(found, None, "what has expired is not made again");
}
