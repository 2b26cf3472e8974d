//! The line of a provider: what joins it, whose turn it is, and what leaves it.

use std::slice;

use domain::{Caps, Job, ProviderId, TenantKey, Waiter, WorkId};
use fault_proxy::Occurrence;
use store::{Store, StoreError};

use crate::{
    samples::{identifier, now, put, video},
    world::{World, key},
};

const RUNWAY: ProviderId = ProviderId::Runway;

const CAPS: Caps = Caps {
    in_flight: 2,
    per_tenant: 1,
};

/// A video of `tenant`, created so many seconds from now on, in the line.
async fn waits(store: &Store, tenant: &str, created: u32) -> Job {
    let video = Job {
        created_at: now().plus_seconds(created),
        ..video(tenant, &format!("video-{created}"))
    };
    put(store, slice::from_ref(&video)).await;
    let read = store.reload(&video).await.unwrap();
    store.join_line(read.waiting(RUNWAY, now())).await.unwrap()
}

async fn turn(store: &Store) -> Option<WorkId> {
    let limits = store.limits(RUNWAY).await.unwrap().current(now());
    let waiter = store.whose_turn(RUNWAY, &limits, CAPS).await.unwrap();
    waiter.map(|waiter| waiter.work)
}

async fn gives(store: &Store, job: &Job) {
    let until = now().plus_seconds(60);
    let given = store.give_turn(RUNWAY, job, CAPS, now(), until).await;
    assert!(given.unwrap());
}

#[tokio::test]
async fn a_job_joins_a_line_together_with_its_state_or_not_at_all() {
    let world = World::start().await;
    let store = world.store();
    let joined = waits(&store, "a", 0).await;
    assert_eq!(joined.version, 2);
    assert_eq!(store.reload(&joined).await.unwrap(), joined);
    assert_eq!(store.length_of_line(RUNWAY).await.unwrap(), 1);

    let stale = Job {
        version: 1,
        ..joined.clone()
    };
    let stale = stale.waiting(ProviderId::OpenAi, now());
    let contended = store.join_line(stale).await;
    assert!(matches!(contended, Err(StoreError::Contended)));
    let others = store.length_of_line(ProviderId::OpenAi).await;
    assert_eq!(others.unwrap(), 0);

    let woken = store.join_line(joined.woken(now())).await.unwrap();
    assert_eq!(woken.version, 3, "it names no line, and is only written");
    world.fail(
        "TransactWriteItems",
        Occurrence::Every,
        500,
        "InternalServerError",
    );
    let failed = store.join_line(woken.waiting(RUNWAY, now())).await;
    assert!(matches!(failed, Err(StoreError::Write(_))), "{failed:?}");
}

#[tokio::test]
async fn a_job_that_joined_again_is_not_taken_out_by_what_read_it_before() {
    let world = World::start().await;
    let store = world.store();
    let joined = waits(&store, "a", 0).await;
    let woken = store.save(joined.woken(now())).await.unwrap();
    let again = woken.clone().leaving(RUNWAY, now());
    let again = store.join_line(again).await.unwrap();

    store.leave_line_until_again(RUNWAY, &woken).await.unwrap();
    assert_eq!(turn(&store).await, Some(WorkId::Job(again.id)));

    let woken = store.save(again.woken(now())).await.unwrap();
    for _ in 0..2 {
        store.leave_line_until_again(RUNWAY, &woken).await.unwrap();
        assert_eq!(turn(&store).await, None);
    }
}

#[tokio::test]
async fn tenants_have_their_turns_and_what_left_the_line_has_none() {
    let world = World::start().await;
    let store = world.store();
    let mut tenants = ["a", "b"];
    tenants.sort_by_key(|tenant| TenantKey::new(&identifier(tenant)));
    let [one, two] = tenants;
    assert_eq!(turn(&store).await, None);
    let first = waits(&store, one, 0).await;
    let second = waits(&store, one, 1).await;
    let other = waits(&store, two, 2).await;
    let [is_first, is_second, is_other] =
        [&first, &second, &other].map(|job| Some(WorkId::Job(job.id)));
    assert_eq!(turn(&store).await, is_first);
    gives(&store, &first).await;
    assert_eq!(turn(&store).await, is_other, "its tenant has one");
    store.leave_line(RUNWAY, &Waiter::of(&first)).await.unwrap();
    gives(&store, &other).await;
    assert_eq!(turn(&store).await, None, "no slot is free");
    let holder = WorkId::Job(first.id);
    store.release_lease(RUNWAY, holder).await.unwrap();
    assert_eq!(turn(&store).await, is_second, "the other tenant has one");
    store
        .leave_line(RUNWAY, &Waiter::of(&second))
        .await
        .unwrap();
    assert_eq!(turn(&store).await, None);
    assert_eq!(store.length_of_line(RUNWAY).await.unwrap(), 1);
}

#[tokio::test]
async fn what_a_newer_version_wrote_into_a_line_holds_nothing_up_and_stays() {
    let world = World::start().await;
    let store = world.store();
    let tenant = TenantKey::new(&identifier("a"));
    for (partition, number) in [(0, 0), (0, 1), (1, 0), (2, 0), (3, 0)] {
        // It is sorted before the tenant's jobs.
        let place = format!("{tenant}#0-avatar#{}#{number}", now());
        let line = format!("waiting#{RUNWAY}#{partition}");
        world.put(key(&line, &place)).await;
    }
    assert_eq!(turn(&store).await, None);
    let joined = waits(&store, "a", 0).await;
    assert_eq!(turn(&store).await, Some(WorkId::Job(joined.id)));
    assert_eq!(store.length_of_line(RUNWAY).await.unwrap(), 6);
}
