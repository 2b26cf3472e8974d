//! What an operator reads to see why: trouble that a job met, and the entities of a tenant.

use std::slice;

use domain::{Job, JobId, derive};
use store::{Key, MetTrouble, StoreError};

use crate::{
    samples::{commit, described, failure, identifier, inbound, job, now, prepared, put},
    world::World,
};

fn trouble() -> MetTrouble {
    MetTrouble {
        at: now(),
        what: "storing the asset in S3: AccessDenied".to_owned(),
        again: Some(now().plus_seconds(5)),
    }
}

#[tokio::test]
async fn trouble_stands_beside_an_open_job_until_the_job_is_written_again() {
    let world = World::start().await;
    let store = world.store();
    let open = job("a", "open");
    put(&store, slice::from_ref(&open)).await;
    let tenant = identifier("a");
    let read = store.job_of(&tenant, open.id).await.unwrap();
    store.note_trouble(open.id, &trouble()).await.unwrap();
    let seen = store.job_seen(&tenant, open.id).await.unwrap();
    assert_eq!(seen.trouble, Some(trouble()));
    assert_eq!(seen.job, read, "the job itself is as it was");
    // What had read the job before the note is in no writer's way.
    store.save(read).await.unwrap();
    let seen = store.job_seen(&tenant, open.id).await.unwrap();
    assert_eq!(seen.trouble, None);
}

#[tokio::test]
async fn neither_a_closed_job_nor_one_that_is_not_there_gets_a_note() {
    let world = World::start().await;
    let store = world.store();
    let failed = domain::fail(job("a", "failed"), failure(), None).unwrap();
    let failed: Job = failed.jobs.into_iter().next().unwrap();
    put(&store, slice::from_ref(&failed)).await;
    let tenant = identifier("a");
    store.note_trouble(failed.id, &trouble()).await.unwrap();
    let seen = store.job_seen(&tenant, failed.id).await.unwrap();
    assert_eq!(seen.trouble, None);
    let none = JobId(derive(&[b"a job that is not there"]));
    store.note_trouble(none, &trouble()).await.unwrap();
    for (tenant, job) in [("a", none), ("b", failed.id)] {
        let unseen = store.job_seen(&identifier(tenant), job).await;
        assert!(matches!(unseen, Err(StoreError::NotFound(_))), "{tenant}");
    }
}

#[tokio::test]
async fn a_tenants_entities_and_the_entry_of_its_event_are_read_and_no_others() {
    let world = World::start().await;
    let store = world.store();
    for (tenant, id) in [("a", "one"), ("a", "two"), ("b", "three")] {
        let description = described(tenant, id, "Lanterns");
        commit(&store, prepared(&inbound(id), &description, None)).await;
    }
    let mut ids: Vec<String> = store
        .entities_of(&identifier("a"), 10)
        .await
        .unwrap()
        .iter()
        .map(|entity| entity.entity.id.as_str().to_owned())
        .collect();
    ids.sort();
    assert_eq!(ids, ["one", "two"]);
    let key = |tenant: &str| Key::inbound(inbound("one").key(&identifier(tenant)));
    let seen = store.entry_seen(key("a")).await.unwrap().unwrap();
    assert!(!seen.is_blanked && !seen.entry.starts.is_empty());
    assert_eq!(store.entry_seen(key("b")).await.unwrap(), None);
}
