//! What the sweep finds: what is open past its deadline, shard by shard, and apart from that what
//! waits in the queue.

use std::slice;

use aws_sdk_dynamodb::types::AttributeValue;
use contract::Time;
use domain::{Decision, Job, JobId, VoiceModelId, WorkId, derive};
use fault_proxy::Occurrence;
use store::{Key, Overdue, Prepared, Store, StoreError};
use uuid::Uuid;

use crate::{
    samples::{commit, event, expiry, identifier, job, now, put, registration, video},
    world::{World, key},
};

/// A job of the shard that this digit names, which is overdue so many seconds from now on.
fn of_shard(digit: u128, number: u128, deadline: u32, job: Job) -> Job {
    Job {
        id: JobId(Uuid::from_u128(digit << 124 | number)),
        deadline: now().plus_seconds(deadline),
        ..job
    }
}

fn is_open(job: &Job) -> Overdue {
    Overdue::Open(WorkId::Job(job.id), job.deadline)
}

/// Far later than any deadline here.
fn late() -> Time {
    now().plus_seconds(3600)
}

#[tokio::test]
async fn each_shards_oldest_overdue_jobs_are_found_and_those_of_the_queue_apart() {
    let world = World::start().await;
    let store = world.store();
    let videos: Vec<Job> = [(0x0, 3), (0x7, 3), (0x7, 1), (0x7, 2), (0xf, 9)]
        .into_iter()
        .zip(1..)
        .map(|((digit, deadline), number)| of_shard(digit, number, deadline, video("a", "a video")))
        .collect();
    let [first, last, oldest, second, open] = &videos[..] else {
        panic!("five videos")
    };
    let queued = [(0x3, 2), (0x3, 1)].map(|(digit, deadline)| {
        of_shard(digit, u128::from(deadline), deadline, job("a", "a picture"))
    });
    put(&store, &videos).await;
    put(&store, &queued).await;
    let at = now().plus_seconds(9);
    let found = store.overdue(at, 2).await.unwrap();
    assert_eq!(found, [first, oldest, second].map(is_open));
    let found = store.overdue(at, 3).await.unwrap();
    assert_eq!(found, [first, oldest, second, last].map(is_open));
    let found = store.overdue(at.plus_seconds(1), 1).await.unwrap();
    assert_eq!(found, [first, oldest, open].map(is_open));

    let found = store.overdue_in_queue(at, 1).await.unwrap();
    assert_eq!(found, [is_open(&queued[1])]);
    let found = store.overdue_in_queue(now().plus_seconds(2), 9).await;
    assert_eq!(found.unwrap(), [is_open(&queued[1])]);
}

#[tokio::test]
async fn the_job_that_waits_for_longest_is_found_by_when_it_was_created() {
    let world = World::start().await;
    let store = world.store();
    assert_eq!(store.longest_queued().await.unwrap(), None);
    let jobs = [(0x1, 5), (0xe, 4), (0x8, 6)].map(|(digit, created)| Job {
        created_at: now().plus_seconds(created),
        ..of_shard(digit, 1, 10 - created, job("a", "a picture"))
    });
    put(&store, &jobs).await;
    let found = store.longest_queued().await.unwrap().unwrap();
    assert_eq!(found.id, jobs[1].id);
}

/// An end that was not published, and the two events of a voice, likewise.
async fn unpublished(store: &Store) -> [Key; 3] {
    let (ended, tenant) = (job("a", "an ended job"), identifier("a"));
    let voice = VoiceModelId(derive(&[b"a voice"]));
    let publishing = |voice| Decision {
        events: vec![event("a", 1)],
        voice,
        ..Decision::default()
    };
    let registered = registration(voice, &tenant).voice;
    let keys = [
        Key::end(ended.id),
        Key::voice_created(voice),
        Key::voice_ready(voice),
    ];
    for (key, voice) in keys.iter().zip([None, registered, None]) {
        let decision = Prepared::new(key.clone(), "a step", publishing(voice), expiry(), None);
        commit(store, decision).await;
    }
    keys
}

#[tokio::test]
async fn unpublished_ends_and_voices_are_overdue_and_so_is_what_is_not_known() {
    let world = World::start().await;
    let store = world.store();
    let keys = unpublished(&store).await;
    let mut unknown = key("thing#07", "state");
    for (name, value) in [("open", "0".to_owned()), ("deadline", now().to_string())] {
        unknown.insert(name.to_owned(), AttributeValue::S(value));
    }
    world.put(unknown).await;
    let (mut found, mut voices, mut others) = (Vec::new(), 0, Vec::new());
    for overdue in store.overdue(late(), 10).await.unwrap() {
        match overdue {
            Overdue::Unpublished(unpublished) => found.push(unpublished.key()),
            Overdue::Open(WorkId::Voice(_), _) => voices += 1,
            Overdue::Unknown(item) => others.push(item.to_string()),
            Overdue::Open(WorkId::Job(job), _) => panic!("{job}"),
        }
    }
    found.sort();
    let mut keys = Vec::from(keys);
    keys.sort();
    assert_eq!(found, keys);
    assert_eq!((voices, others), (1, vec!["thing#07 / state".to_owned()]));
}

#[tokio::test]
async fn what_is_postponed_is_overdue_later_and_is_itself_unchanged() {
    let world = World::start().await;
    let store = world.store();
    let video = video("a", "a video");
    put(&store, slice::from_ref(&video)).await;
    unpublished(&store).await;
    let until = late().plus_seconds(60);
    let all = store.overdue(late(), 10).await.unwrap();
    assert_eq!(all.len(), 5, "{all:?}");
    for overdue in &all {
        store.postpone(overdue, until).await.unwrap();
    }
    assert!(store.overdue(late(), 10).await.unwrap().is_empty());
    let again = store.overdue(until.plus_seconds(1), 10).await.unwrap();
    let mut postponed = all.clone();
    for overdue in &mut postponed {
        if let Overdue::Open(_, stands) = overdue {
            *stands = until;
        }
    }
    assert_eq!(again, postponed);

    let read = store.reload(&video).await.unwrap();
    assert_eq!((read.version, read.deadline), (1, video.deadline));
    let closed = domain::cancel(read, now()).unwrap().jobs.remove(0);
    store.save(closed).await.unwrap();
    store.postpone(&is_open(&video), until).await.unwrap();
    let found = store.overdue(until.plus_seconds(1), 10).await.unwrap();
    assert_eq!(found.len(), 4, "it was closed meanwhile");

    world.fail("UpdateItem", Occurrence::Every, 500, "InternalServerError");
    let failed = store.postpone(&all[0], until).await;
    assert!(matches!(failed, Err(StoreError::Write(_))), "{failed:?}");
}
