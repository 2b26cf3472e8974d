//! What the environments share of a provider: its breaker, its blocks, and the leases of its calls.

use domain::{Caps, Job, ProviderId, WorkId};
use fault_proxy::Occurrence;
use futures::future::join_all;
use store::{OpenBreaker, StoreError};

use crate::{
    samples::{identifier, job, now},
    world::{World, number},
};

const RUNWAY: ProviderId = ProviderId::Runway;

#[tokio::test]
async fn a_breaker_is_open_until_its_time_or_until_an_operator_closes_it() {
    let world = World::start().await;
    let store = world.store();
    assert_eq!(store.breaker(RUNWAY, now()).await.unwrap(), None);
    let breaker = OpenBreaker {
        until: now().plus_seconds(60),
        why: "no credit".to_owned(),
    };
    store.open_breaker(RUNWAY, &breaker).await.unwrap();
    let at = async |seconds: u32| {
        let at = now().plus_seconds(seconds);
        store.breaker(RUNWAY, at).await.unwrap()
    };
    assert_eq!(at(59).await, Some(breaker));
    assert_eq!(at(60).await, None);
    assert_eq!(at(61).await, None);
    let other = store.breaker(ProviderId::OpenAi, now()).await.unwrap();
    assert_eq!(other, None);
    store.close_breaker(RUNWAY, now()).await.unwrap();
    assert_eq!(at(0).await, None);
}

#[tokio::test]
async fn blocks_of_three_tenants_concern_everyone() {
    let world = World::start().await;
    let store = world.store();
    for (tenant, concern_everyone) in [("a", false), ("a", false), ("b", false), ("c", true)] {
        let noted = store.note_block(RUNWAY, &identifier(tenant), now()).await;
        assert_eq!(noted.unwrap(), concern_everyone, "{tenant}");
    }
    let item = world.item("provider#runway", "blocks").await.unwrap();
    assert_eq!(number(&item, "version"), "4", "each note is a write");
}

#[tokio::test]
async fn leases_are_taken_up_to_the_caps_renewed_and_given_back() {
    let world = World::start().await;
    let store = world.store();
    let caps = Caps {
        in_flight: 2,
        per_tenant: 1,
    };
    let until = now().plus_seconds(60);
    let take = async |job: &Job| {
        let taken = store.take_lease(RUNWAY, job, caps, now(), until).await;
        taken.unwrap()
    };
    let [first, second] = ["first", "second"].map(|name| job("a", name));
    let [of_b, of_c] = ["b", "c"].map(|tenant| job(tenant, "first"));
    assert!(take(&first).await);
    assert!(!take(&second).await, "its tenant has one");
    assert!(take(&of_b).await);
    assert!(!take(&of_c).await, "all are taken");
    assert!(take(&of_b).await, "it has one, and renews it");
    let holder = WorkId::Job(first.id);
    store.release_lease(RUNWAY, holder).await.unwrap();
    assert!(take(&of_c).await);
    store.release_lease(RUNWAY, holder).await.unwrap();
    assert!(!take(&first).await, "it gave nothing back the second time");
}

#[tokio::test]
async fn caps_are_written_down_once_and_change_no_lease() {
    let world = World::start().await;
    let store = world.store();
    let caps = |in_flight| Caps {
        in_flight,
        per_tenant: 1,
    };
    let until = now().plus_seconds(60);
    let first = job("a", "first");
    let taken = store
        .take_lease(RUNWAY, &first, caps(1), now(), until)
        .await;
    assert!(taken.unwrap());
    for (in_flight, writes) in [(1, "1"), (2, "2"), (2, "2"), (1, "3")] {
        store.note_caps(RUNWAY, caps(in_flight)).await.unwrap();
        let item = world.item("provider#runway", "leases").await.unwrap();
        assert_eq!(number(&item, "version"), writes, "{in_flight}");
        assert_eq!(store.limits(RUNWAY).await.unwrap().held(), 1);
    }
}

#[tokio::test]
async fn of_many_takers_at_once_as_many_get_a_lease_as_there_are() {
    let world = World::start().await;
    let store = world.store();
    let caps = Caps {
        in_flight: 3,
        per_tenant: 1,
    };
    let until = now().plus_seconds(60);
    let jobs = ["a", "b", "c", "d", "e", "f"].map(|tenant| job(tenant, "a job"));
    let takers = jobs
        .iter()
        .map(|job| store.take_lease(RUNWAY, job, caps, now(), until));
    let taken = join_all(takers).await.into_iter().map(Result::unwrap);
    assert_eq!(taken.filter(|is_taken| *is_taken).count(), 3);
    let item = world.item("provider#runway", "leases").await.unwrap();
    assert_eq!(number(&item, "version"), "3");
}

#[tokio::test]
async fn trouble_of_dynamodbs_is_not_taken_for_another_writer() {
    let world = World::start().await;
    let store = world.store();
    let hits = world.fail("PutItem", Occurrence::Every, 500, "InternalServerError");
    let noted = store.note_block(RUNWAY, &identifier("a"), now()).await;
    assert!(matches!(noted, Err(StoreError::Write(_))), "{noted:?}");
    assert_eq!(hits.count(), 1, "it is for the caller to try again");
}
