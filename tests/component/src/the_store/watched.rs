//! What `watch` reads: since when the oldest work of each kind is open, which jobs come to be due,
//! and when schedules last did their work.

use contract::Time;
use domain::{Job, JobId};
use store::{OldestOpen, Schedule, WaitingDeadLetters, WrittenDeadLetter};
use uuid::Uuid;

use crate::{
    samples::{job, now, put, video},
    world::World,
};

/// A job of the shard that this digit names, which was decided on so many seconds after now.
fn of_shard(digit: u128, created: u32, job: Job) -> Job {
    Job {
        id: JobId(Uuid::from_u128(digit << 124 | u128::from(created))),
        created_at: now().plus_seconds(created),
        deadline: now().plus_seconds(900 + created),
        ..job
    }
}

fn at(second: u32) -> Option<Time> {
    Some(now().plus_seconds(second))
}

#[tokio::test]
async fn the_oldest_of_each_kind_is_found_in_whichever_shard_it_stands() {
    let world = World::start().await;
    let store = world.store();
    let nothing = OldestOpen::default();
    assert_eq!(store.oldest_open().await.unwrap(), nothing);
    let jobs = [
        of_shard(0x0, 7, job("a", "a picture")),
        of_shard(0xf, 3, job("a", "an older picture")),
        of_shard(0x8, 5, video("a", "a video")),
        of_shard(0x1, 9, video("a", "a later video")),
    ];
    put(&store, &jobs).await;
    let found = store.oldest_open().await.unwrap();
    let expected = OldestOpen {
        queued: at(3),
        not_begun: at(5),
        ..nothing
    };
    assert_eq!(found, expected);
    // A job that was written again was begun.
    let written_once = Job {
        version: 1,
        ..jobs[2].clone()
    };
    store.save(written_once).await.unwrap();
    let found = store.oldest_open().await.unwrap();
    assert_eq!((found.not_begun, found.at_vendor), (at(9), at(5)));
}

#[tokio::test]
async fn a_job_is_counted_in_the_one_span_that_its_deadline_falls_in() {
    let world = World::start().await;
    let store = world.store();
    let jobs = [
        of_shard(0x0, 10, job("a", "a picture")),
        of_shard(0xf, 20, video("a", "a video")),
    ];
    put(&store, &jobs).await;
    let due = |second: u32| now().plus_seconds(900 + second);
    for (from, to, count) in [(0, 9, 0), (0, 10, 1), (10, 20, 1), (20, 30, 0), (0, 30, 2)] {
        let found = store.count_due_between(due(from), due(to), false).await;
        assert_eq!(found.unwrap(), count, "{from} to {to}");
        let in_line = store.count_due_between(due(from), due(to), true).await;
        assert_eq!(in_line.unwrap(), 0, "{from} to {to}");
    }
}

#[tokio::test]
async fn a_schedules_last_run_is_known_and_no_other_schedules() {
    let world = World::start().await;
    let store = world.store();
    assert_eq!(store.last_run(Schedule::Sweep).await.unwrap(), None);
    for second in [1, 2] {
        let at = now().plus_seconds(second);
        store.note_run(Schedule::Sweep, at).await.unwrap();
        assert_eq!(store.last_run(Schedule::Sweep).await.unwrap(), Some(at));
    }
    assert_eq!(store.last_run(Schedule::Gather).await.unwrap(), None);
}

#[tokio::test]
async fn the_oldest_dead_letter_is_found_and_all_are_counted() {
    let world = World::start().await;
    let store = world.store();
    let waiting = store.waiting_dead_letters().await.unwrap();
    assert_eq!(waiting, WaitingDeadLetters::default());
    for (digit, second) in [(0x7_u128, 5), (0xf, 3), (0x7, 9)] {
        let letter = WrittenDeadLetter {
            id: Uuid::from_u128(digit << 124 | u128::from(second)),
            topic: "eventzr.event.created.v1",
            partition: 3,
            offset: 7,
            tenant: None,
            cause: "it has no title",
            object: "records/7.json",
            came_back: false,
        };
        let seen = now().plus_seconds(second);
        store.open_dead_letter(&letter, seen).await.unwrap();
    }
    let expected = WaitingDeadLetters {
        count: 3,
        oldest: at(3),
    };
    assert_eq!(store.waiting_dead_letters().await.unwrap(), expected);
}
