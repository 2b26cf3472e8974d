//! Jobs in the indexes: a tenant's, the newest first, and those that wait for a vendor.

use std::{
    slice,
    sync::atomic::{AtomicBool, Ordering},
};

use contract::Time;
use domain::{Job, JobId};
use fault_proxy::Occurrence;
use serde_json::{Value, json};
use store::{Place, Store};

use crate::{
    altered::altered,
    samples::{identifier, job, now, put, video},
    world::{World, text},
};

/// Jobs that were created one second after another, the first of them now.
fn created<const N: usize>(of: impl Fn(&str) -> Job) -> [Job; N] {
    let mut seconds = 0;
    [(); N].map(|()| {
        let created_at = now().plus_seconds(seconds);
        seconds += 1;
        Job {
            created_at,
            ..of(&format!("job {seconds}"))
        }
    })
}

/// The ids of jobs, the newest first.
fn newest_first(jobs: &[Job]) -> Vec<JobId> {
    jobs.iter().rev().map(|job| job.id).collect()
}

#[tokio::test]
async fn a_tenants_jobs_are_listed_within_a_time_from_which_its_end_is_left_out() {
    let world = World::start().await;
    let store = world.store();
    let jobs: [Job; 4] = created(|name| job("a", name));
    let erased = job("a", "an erased job").erased(now());
    put(&store, &jobs).await;
    put(&store, &[job("b", "another"), erased]).await;
    let tenant = identifier("a");
    let listed = async |since: Option<u32>, until: Option<u32>| {
        let time = |seconds: Option<u32>| seconds.map(|seconds| now().plus_seconds(seconds));
        let within: (Option<Time>, Option<Time>) = (time(since), time(until));
        let page = store.jobs_of(&tenant, within, None, 10).await.unwrap();
        assert_eq!(page.next, None);
        page.jobs.iter().map(|job| job.id).collect::<Vec<JobId>>()
    };
    assert_eq!(listed(None, None).await, newest_first(&jobs));
    assert_eq!(listed(Some(1), None).await, newest_first(&jobs[1..]));
    assert_eq!(listed(None, Some(3)).await, newest_first(&jobs[..3]));
    assert_eq!(listed(Some(1), Some(3)).await, newest_first(&jobs[1..3]));
    world.proxy.clear();
    assert!(listed(Some(2), Some(2)).await.is_empty());
    assert!(listed(Some(3), Some(2)).await.is_empty());
    assert_eq!(world.count("Query"), 0, "no time is in there");
}

#[tokio::test]
async fn a_tenants_jobs_are_listed_in_pages_each_of_them_once() {
    let world = World::start().await;
    let store = world.store();
    let jobs: [Job; 5] = created(|name| job("a", name));
    put(&store, &jobs).await;
    let tenant = identifier("a");
    let (mut after, mut listed): (Option<Place>, Vec<JobId>) = (None, Vec::new());
    for page in 0..3 {
        let page_of = store
            .jobs_of(&tenant, (None, None), after, 2)
            .await
            .unwrap();
        assert_eq!(page_of.jobs.len(), [2, 2, 1][page]);
        listed.extend(page_of.jobs.iter().map(|job| job.id));
        after = page_of.next;
    }
    assert_eq!(after, None);
    assert_eq!(listed, newest_first(&jobs));
}

/// Four videos of a tenant, in the table, and a picture and another tenant's video before them.
async fn four_videos(store: &Store) -> [Job; 4] {
    let before = Job {
        created_at: now().minus_seconds(9),
        ..job("a", "a picture")
    };
    let of_another = Job {
        created_at: now().minus_seconds(9),
        ..video("b", "a video")
    };
    let videos: [Job; 4] = created(|name| video("a", name));
    put(store, &[before, of_another]).await;
    put(store, &videos).await;
    videos
}

#[tokio::test]
async fn videos_before_a_job_are_counted_as_far_as_it_matters() {
    let world = World::start().await;
    let store = world.store();
    let videos = four_videos(&store).await;
    // The fourth has three before it.
    for (place, most, has_before, queries) in [
        (3, 0, false, 0),
        (3, 1, true, 1),
        (3, 2, true, 1),
        (3, 3, true, 1),
        (3, 4, false, 1),
        (1, 1, true, 1),
        (0, 1, false, 1),
    ] {
        world.proxy.clear();
        let found = store.has_before(&videos[place], most).await.unwrap();
        assert_eq!(found, has_before, "{place}, {most}");
        assert_eq!(world.count("Query"), queries, "{place}, {most}");
    }
    let closed = domain::cancel(store.job(videos[0].id).await.unwrap(), now());
    store.save(closed.unwrap().jobs.remove(0)).await.unwrap();
    assert!(!store.has_before(&videos[3], 3).await.unwrap());
    assert!(store.has_before(&videos[3], 2).await.unwrap());
}

#[tokio::test]
async fn a_count_goes_on_after_a_short_page_for_as_many_as_are_missing() {
    let world = World::start().await;
    let videos = four_videos(&world.store()).await;
    let first = &videos[0];
    let id = first.id;
    let listed = format!("job#{}", first.created_at);
    let is_first = AtomicBool::new(true);
    let http = altered(move |operation: &str, answer: &mut Value| {
        if operation == "Query" && is_first.swap(false, Ordering::Relaxed) {
            *answer = json!({ "Count": 1, "ScannedCount": 1, "LastEvaluatedKey": {
                "pk": { "S": format!("job#{id}") }, "sk": { "S": "state" },
                "open_tenant": { "S": "a" }, "listed": { "S": listed },
            } });
        }
    });
    let store = Store::new(world.table.clone(), &world.config_with(http));
    world.proxy.keep_bodies("dynamodb", "Query");
    world.proxy.clear();
    assert!(store.has_before(&videos[3], 3).await.unwrap());
    let limit = |body: &str| serde_json::from_str::<Value>(body).unwrap()["Limit"].clone();
    let calls = world.proxy.calls();
    let limits = calls
        .iter()
        .filter_map(|call| call.body.as_deref().map(limit));
    assert_eq!(limits.collect::<Vec<Value>>(), [3, 2]);
    world.fail("Query", Occurrence::Every, 500, "InternalServerError");
    assert!(store.has_before(&videos[3], 3).await.is_err());
}

#[tokio::test]
async fn a_lone_try_is_known_at_a_later_receive_of_its_message_alone() {
    let world = World::start().await;
    let store = world.store();
    let opened = job("a", "a job");
    put(&store, slice::from_ref(&opened)).await;
    for (message, receives, was_tried) in [
        ("one", 6, false),
        ("one", 6, false),
        ("one", 7, true),
        ("two", 6, false),
    ] {
        let noted = store.note_lone_try(opened.id, message, receives).await;
        assert_eq!(noted.unwrap(), was_tried, "{message}, {receives}");
    }
    let absent = job("a", "a job that is not there").id;
    assert!(store.note_lone_try(absent, "one", 6).await.is_err());
    assert_eq!(store.job(opened.id).await.unwrap().version, 1);
    let item = world.item(&format!("job#{}", opened.id), "state").await;
    assert_eq!(text(&item.unwrap(), "lone_try"), "two/6");
}
