//! Reads: of many items at once, whatever DynamoDB leaves unprocessed, and of what another version
//! of the code wrote.

use std::{
    collections::{BTreeMap, BTreeSet},
    slice,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Job, JobId, VoiceModelId, WorkId, derive};
use fault_proxy::Occurrence;
use serde_json::{Value, json};
use store::{Key, Prepared, Store, StoreError};

use crate::{
    altered::altered,
    samples::{
        commit, described, entity_key, expiry, guard, identifier, inbound, job, now, planned,
        prepared, put, registration,
    },
    world::{World, key},
};

/// So many jobs, of which every third is cancelled, and the ids of those.
async fn some_closed(store: &Store, count: usize) -> (Vec<Job>, BTreeSet<JobId>) {
    let jobs: Vec<Job> = (0..count)
        .map(|number| job("a", &format!("job {number}")))
        .collect();
    let mut closed = BTreeSet::new();
    let cancelled = jobs.iter().enumerate().map(|(number, job)| {
        if !number.is_multiple_of(3) {
            return job.clone();
        }
        closed.insert(job.id);
        domain::cancel(job.clone(), now()).unwrap().jobs.remove(0)
    });
    let all: Vec<Job> = cancelled.collect();
    for some in all.chunks(90) {
        put(store, some).await;
    }
    (jobs, closed)
}

fn ids(jobs: &[Job]) -> BTreeSet<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

#[tokio::test]
async fn jobs_are_read_a_hundred_at_a_time_and_the_closed_ones_are_told() {
    let world = World::start().await;
    let store = world.store();
    let (jobs, closed) = some_closed(&store, 130).await;
    let mut asked = ids(&jobs);
    asked.insert(JobId(derive(&[b"a job that is not there"])));
    world.proxy.clear();
    assert_eq!(store.closed(asked).await.unwrap(), closed);
    assert_eq!(world.count("BatchGetItem"), 2);
    assert!(store.closed(BTreeSet::new()).await.unwrap().is_empty());
    assert_eq!(world.count("BatchGetItem"), 2, "nothing is no question");
}

/// A store to which DynamoDB answers each of the first `times` reads of several items without the
/// first of them, and says so.
fn without_the_first(world: &World, times: usize) -> (Store, Arc<AtomicUsize>) {
    let answered = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&answered);
    let table = world.table.clone();
    let http = altered(move |operation: &str, answer: &mut Value| {
        if operation != "BatchGetItem" || counter.fetch_add(1, Ordering::Relaxed) >= times {
            return;
        }
        let items = answer["Responses"][&table].as_array_mut().unwrap();
        let left = items.remove(0);
        let key = json!({ "pk": left["pk"], "sk": left["sk"] });
        answer["UnprocessedKeys"] = json!({ &table: { "Keys": [key], "ConsistentRead": true } });
    });
    (
        Store::new(world.table.clone(), &world.config_with(http)),
        answered,
    )
}

#[tokio::test]
async fn keys_that_were_left_unprocessed_are_asked_for_again() {
    let world = World::start().await;
    let (jobs, closed) = some_closed(&world.store(), 9).await;
    let (store, answered) = without_the_first(&world, 1);
    assert_eq!(store.closed(ids(&jobs)).await.unwrap(), closed);
    assert_eq!(answered.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn keys_that_are_left_unprocessed_in_every_round_are_trouble() {
    let world = World::start().await;
    let (jobs, _) = some_closed(&world.store(), 3).await;
    let (store, answered) = without_the_first(&world, usize::MAX);
    let trouble = store.closed(ids(&jobs)).await;
    assert!(matches!(trouble, Err(StoreError::Read(_))), "{trouble:?}");
    assert_eq!(answered.load(Ordering::Relaxed), 12);
}

#[tokio::test]
async fn entries_and_entities_are_read_together_and_what_is_unreadable_is_apart() {
    let world = World::start().await;
    let store = world.store();
    let descriptions = ["one", "two", "three"].map(|id| described("a", id, "Lanterns"));
    let [one, two, three] = &descriptions;
    commit(&store, prepared(&inbound("one"), one, None)).await;
    let mut unreadable = key(&format!("entity#{}", entity_key(two)), "state");
    unreadable.insert("state".to_owned(), AttributeValue::S("{}".to_owned()));
    world.put(unreadable).await;
    let entities = descriptions.iter().map(entity_key).collect();
    let read = store.entities(entities).await.unwrap();
    let stands = store.entity(entity_key(one)).await.unwrap();
    assert!(stands.is_some());
    let expected = BTreeMap::from([(entity_key(one), stands), (entity_key(three), None)]);
    assert_eq!(read, expected);
    assert!(store.entity(entity_key(two)).await.is_err());

    let tenant = &one.tenant;
    let keys = ["one", "two", "three"].map(|id| inbound(id).key(tenant));
    world
        .put(key(&format!("inbound#{}", keys[1]), "outbox"))
        .await;
    let keys = keys.map(Key::inbound);
    let mut read = store.entries(keys.iter().cloned().collect()).await.unwrap();
    assert!(read.remove(&keys[1]).unwrap().is_err());
    let found = read.remove(&keys[0]).unwrap().unwrap();
    assert_eq!(found.starts.len(), 2);
    assert!(read.is_empty(), "{read:?}");
}

#[tokio::test]
async fn what_a_batch_is_drawn_from_is_read_in_one_call() {
    let world = World::start().await;
    let store = world.store();
    let description = described("a", "event-1", "Lanterns");
    commit(&store, prepared(&inbound("one"), &description, None)).await;
    let jobs = planned(&inbound("one"), &description, None).jobs;
    let entity = entity_key(&description);
    let absent = JobId(derive(&[b"a job that is not there"]));
    let mut asked = ids(&jobs);
    asked.insert(absent);
    world.proxy.clear();
    let read = store
        .render_inputs(asked, BTreeSet::from([entity]))
        .await
        .unwrap();
    assert_eq!(world.count("BatchGetItem"), 1);
    let found: BTreeSet<JobId> = read.jobs.keys().copied().collect();
    assert_eq!(found, ids(&jobs));
    assert!(read.jobs.values().all(Result::is_ok));
    let stands = store.entity(entity).await.unwrap().unwrap();
    assert_eq!(read.entities[&entity].as_ref().unwrap(), &stands);
}

#[tokio::test]
async fn a_job_or_a_voice_of_another_tenant_is_not_found() {
    let world = World::start().await;
    let store = world.store();
    let opened = job("a", "a job");
    put(&store, slice::from_ref(&opened)).await;
    let (owner, other) = (identifier("a"), identifier("b"));
    assert_eq!(store.job_of(&owner, opened.id).await.unwrap().id, opened.id);
    let found = store.job_of(&other, opened.id).await;
    assert!(matches!(found, Err(StoreError::NotFound(_))), "{found:?}");

    let voice = VoiceModelId(derive(&[b"a voice"]));
    assert!(!store.has_voice(voice).await.unwrap());
    let decision = registration(voice, &owner);
    let guard = Some(guard(&owner, now()));
    let created = Key::voice_created(voice);
    commit(
        &store,
        Prepared::new(created, "voice", decision, expiry(), guard),
    )
    .await;
    assert!(store.has_voice(voice).await.unwrap());
    assert_eq!(store.voice_of(&owner, voice).await.unwrap().version, 1);
    let found = store.voice_of(&other, voice).await;
    let Err(StoreError::NotFound(WorkId::Voice(absent))) = found else {
        panic!("{found:?}")
    };
    assert_eq!(absent, voice);
}

#[tokio::test]
async fn a_connection_is_one_call_whatever_it_is_answered() {
    let world = World::start().await;
    let store = Store::new(world.table.clone(), &world.repeating());
    let within = Duration::from_secs(5);
    store.connect(within).await;
    assert_eq!(world.count("GetItem"), 1);
    let hits = world.fail("GetItem", Occurrence::Every, 500, "InternalServerError");
    store.connect(within).await;
    assert_eq!(hits.count(), 1);
}
