//! The ends of jobs that were drawn at once: all of them, with their entity, or none.

use std::slice;

use contract::Shows;
use domain::{Drawn, Job, Work as _, end_drawn};
use fault_proxy::Occurrence;
use store::{Key, Overdue, Owner, Store, StoreError, WrittenEnds};

use crate::{
    samples::{
        commit, described, entity_key, given_up, guard, identifier, inbound, job, now, planned,
        prepared, put,
    },
    world::World,
};

/// What a job looks like whose picture is stored.
fn stored(job: &Job) -> Drawn {
    Drawn::Stored {
        asked_at: now(),
        key: format!("{}.png", job.id),
        url: format!("https://assets.example/{}.png", job.id),
        at: now(),
        shows: Shows::default(),
    }
}

#[tokio::test]
async fn ends_are_written_with_their_entity_in_the_jobs_order_and_once() {
    let world = World::start().await;
    let store = world.store();
    let (description, created) = (described("a", "event-1", "Lanterns"), inbound("one"));
    commit(&store, prepared(&created, &description, None)).await;
    let key = entity_key(&description);
    let before = store.entity(key).await.unwrap().unwrap();
    let mut drawn = Vec::new();
    for job in planned(&created, &description, None).jobs {
        let job = store.reload(&job).await.unwrap();
        drawn.push((job.clone(), stored(&job)));
    }
    let ids: Vec<_> = drawn.iter().map(|(job, _)| job.id).collect();
    let ends = end_drawn(drawn, before.clone(), now());
    let guard = guard(&description.tenant, now());

    let written = store.write_ends(ends.clone(), guard, now()).await.unwrap();
    let WrittenEnds::Committed {
        entries,
        entity: Some(entity),
    } = written
    else {
        panic!("{written:?}")
    };
    assert_eq!(store.entity(key).await.unwrap(), Some(entity.clone()));
    assert_eq!(entity.version, before.version + 1);
    let mut templates = entity.templates.values();
    assert!(templates.all(|template| template.asset.is_some()));
    assert_eq!(entries.len(), 2);
    for (id, written) in ids.iter().zip(entries) {
        let job = store.job(*id).await.unwrap();
        assert!(job.is_closed() && job.version == 2, "{job:?}");
        let found = store.entry(Key::end(*id)).await.unwrap().unwrap();
        assert_eq!(found.events, written.events);
        assert!(!found.events.is_empty() && !found.published);
    }
    let again = store.write_ends(ends, guard, now()).await.unwrap();
    assert!(matches!(again, WrittenEnds::Changed), "{again:?}");
}

#[tokio::test]
async fn no_ends_are_no_transaction() {
    let world = World::start().await;
    let (store, tenant) = (world.store(), identifier("a"));
    let (ends, guard) = (given_up(Vec::new()), guard(&tenant, now()));
    let written = store.write_ends(ends, guard, now()).await.unwrap();
    let WrittenEnds::Committed { entries, entity } = written else {
        panic!("{written:?}")
    };
    assert!(entries.is_empty() && entity.is_none());
    assert_eq!(world.count("TransactWriteItems"), 0);
}

#[tokio::test]
async fn of_ends_a_refusal_is_final_and_trouble_is_for_another_try() {
    let world = World::start().await;
    let store = world.store();
    let open = job("a", "a job");
    put(&store, slice::from_ref(&open)).await;
    let open = store.reload(&open).await.unwrap();
    let guard = guard(&open.tenant, now());
    let first = Occurrence::Nth(1);
    for (status, error, is_transient) in [
        (400, "ValidationException", false),
        (400, "ThrottlingException", true),
        (500, "InternalServerError", true),
    ] {
        world.fail("TransactWriteItems", first, status, error);
        let ends = given_up(vec![open.clone()]);
        let refused = store.write_ends(ends, guard, now()).await.unwrap_err();
        assert_eq!(refused.is_transient(), is_transient, "{error}");
        assert_ne!(matches!(refused, StoreError::Refused(_)), is_transient);
    }
    let ends = given_up(vec![open.clone()]);
    let written = store.write_ends(ends, guard, now()).await.unwrap();
    assert!(matches!(written, WrittenEnds::Committed { .. }));
}

/// A job that ended, and whose end may not be published.
async fn ended(store: &Store, name: &str) -> Job {
    let open = job("a", name);
    put(store, slice::from_ref(&open)).await;
    let open = store.reload(&open).await.unwrap();
    let (ends, guard) = (given_up(vec![open.clone()]), guard(&open.tenant, now()));
    let written = store.write_ends(ends, guard, now()).await.unwrap();
    assert!(matches!(written, WrittenEnds::Committed { .. }));
    open
}

/// The ends that the sweep finds a second from now on.
async fn left(store: &Store) -> Vec<Key> {
    let overdue = store.overdue(now().plus_seconds(1), 10).await.unwrap();
    let ends = overdue.iter().filter_map(|one| match one {
        Overdue::Unpublished(end) => Some(end.key()),
        Overdue::Open(..) | Overdue::Unknown(_) => None,
    });
    ends.collect()
}

#[tokio::test]
async fn an_end_that_is_left_to_the_sweep_is_found_until_it_is_marked() {
    let world = World::start().await;
    let store = world.store();
    let job = ended(&store, "a job").await;
    assert_eq!(left(&store).await, [], "only its message has it published");
    for _ in 0..2 {
        store.leave_end_to_sweep(&job, false, now()).await.unwrap();
        assert_eq!(left(&store).await, [Key::end(job.id)]);
    }
    let end = store.entry(Key::end(job.id)).await.unwrap().unwrap();
    let owner = Owner {
        tenant: job.tenant.clone(),
        since: job.created_at,
    };
    assert_eq!(end.owner, Some(owner), "an erasure finds it");
    assert!(!end.events.is_empty());
    store.mark_published(&end).await.unwrap();
    assert_eq!(left(&store).await, []);
    store.leave_end_to_sweep(&job, false, now()).await.unwrap();
    assert_eq!(left(&store).await, [], "it is marked");
}

#[tokio::test]
async fn an_end_that_is_blanked_or_was_never_written_is_not_left_to_the_sweep() {
    let world = World::start().await;
    let store = world.store();
    let blanked = ended(&store, "a job").await;
    store.blank_events_of_job(&blanked).await.unwrap();
    let open = job("a", "an open job");
    for job in [&blanked, &open] {
        for is_withheld in [false, true] {
            let left = store.leave_end_to_sweep(job, is_withheld, now());
            left.await.unwrap();
        }
    }
    assert_eq!(left(&store).await, []);
    assert_eq!(store.entry(Key::end(open.id)).await.unwrap(), None);
}
