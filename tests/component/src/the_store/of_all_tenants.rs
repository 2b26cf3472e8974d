//! Jobs and voices of all tenants that an index lists, and marks of records that are set aside.

use aws_sdk_dynamodb::types::AttributeValue;
use contract::Topic;
use domain::{Job, JobId, LastRefusal, ProviderId, Refusal, Shortfall, State};
use fault_proxy::Occurrence;
use store::{OfAllTenants, Place, Store};
use uuid::Uuid;

use crate::{
    samples::{failure, job, now, put, video},
    world::World,
};

const FAILED: OfAllTenants = OfAllTenants::Ended(Shortfall::Failed);

/// The job, failed, and created so many seconds after now.
fn failed(tenant: &str, name: &str, second: u32) -> Job {
    Job {
        created_at: now().plus_seconds(second),
        state: State::Failed { failure: failure() },
        ..job(tenant, name)
    }
}

/// The ids of the jobs that are listed, page by page.
async fn listed(store: &Store, which: OfAllTenants, most: usize) -> Vec<JobId> {
    let (mut after, mut found): (Option<Place>, Vec<JobId>) = (None, Vec::new());
    for _ in 0..20 {
        let page = store.jobs_of_all(which, (None, None), after, most).await;
        let page = page.unwrap();
        assert!(page.work.len() <= most);
        found.extend(page.work.into_iter().map(|(_, job)| job.unwrap().id));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
    panic!("there is no end: {found:?}")
}

#[tokio::test]
async fn failed_jobs_of_all_tenants_are_listed_newest_first_each_of_them_once() {
    let world = World::start().await;
    let store = world.store();
    let jobs = [
        failed("a", "one", 1),
        failed("b", "two", 2),
        failed("a", "three", 3),
        failed("c", "four", 3),
        failed("c", "five", 5),
    ];
    put(&store, &jobs).await;
    put(
        &store,
        &[job("a", "an open one"), job("a", "gone").erased(now())],
    )
    .await;
    let mut newest = jobs.clone();
    newest.sort_by_key(|job| std::cmp::Reverse((job.created_at, job.id.0)));
    let newest: Vec<JobId> = newest.iter().map(|job| job.id).collect();
    for most in [1, 2, 3, 10] {
        assert_eq!(listed(&store, FAILED, most).await, newest, "{most}");
    }
    let within = (Some(now().plus_seconds(2)), Some(now().plus_seconds(3)));
    let page = store.jobs_of_all(FAILED, within, None, 10).await.unwrap();
    let ids = page.work.into_iter().map(|(_, job)| job.unwrap().id);
    assert_eq!(ids.collect::<Vec<_>>(), [jobs[1].id]);

    // One that is made again, or erased, is not listed any more.
    store.take_off_ended(jobs[4].id).await.unwrap();
    store.take_off_ended(jobs[4].id).await.unwrap();
    let erased = store.job(jobs[0].id).await.unwrap().erased(now());
    store.save(erased).await.unwrap();
    assert_eq!(listed(&store, FAILED, 10).await, newest[1..4]);
    let kept = store.job(jobs[4].id).await.unwrap();
    assert!(matches!(kept.state, State::Failed { .. }));
}

#[tokio::test]
async fn open_jobs_of_all_tenants_are_listed_wherever_they_wait() {
    let world = World::start().await;
    let store = world.store();
    let queued = job("a", "in the queue");
    let at_vendor = video("b", "at a vendor");
    let in_line = video("c", "in line").waiting(ProviderId::Runway, now());
    put(
        &store,
        &[queued.clone(), at_vendor.clone(), in_line.clone()],
    )
    .await;
    put(&store, &[failed("a", "a failed one", 1)]).await;
    let mut ids = listed(&store, OfAllTenants::Open, 2).await;
    ids.sort_by_key(|id| id.0);
    let mut expected = [queued.id, at_vendor.id, in_line.id];
    expected.sort_by_key(|id| id.0);
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn a_job_that_cannot_be_read_does_not_hide_the_others() {
    let world = World::start().await;
    let store = world.store();
    let jobs = [failed("a", "one", 1), failed("a", "broken", 2)];
    put(&store, &jobs).await;
    let pk = format!("job#{}", jobs[1].id);
    let mut broken = world.item(&pk, "state").await.unwrap();
    broken.insert("state".to_owned(), AttributeValue::S("{".to_owned()));
    world.put(broken).await;
    let page = store.jobs_of_all(FAILED, (None, None), None, 10).await;
    let work = page.unwrap().work;
    assert_eq!((work[0].0.id, work[0].1.is_err()), (jobs[1].id.0, true));
    assert_eq!(work[1].1.as_ref().unwrap().id, jobs[0].id);
}

#[tokio::test]
async fn only_the_very_record_that_is_set_aside_is_marked() {
    let world = World::start().await;
    let store = world.store();
    let record = (Topic::EventCreated, 3, 1234);
    assert_eq!(store.is_set_aside(record).await.unwrap(), None);
    for _ in 0..2 {
        store.set_aside(record, "ticket 4711", now()).await.unwrap();
    }
    let why = store.is_set_aside(record).await.unwrap();
    assert_eq!(why.as_deref(), Some("ticket 4711"));
    for other in [
        (Topic::EventCreated, 3, 1235),
        (Topic::EventCreated, 31, 234),
        (Topic::EventPublished, 3, 1234),
    ] {
        assert_eq!(store.is_set_aside(other).await.unwrap(), None, "{other:?}");
    }
    world.fail("GetItem", Occurrence::Every, 500, "InternalServerError");
    assert!(store.is_set_aside(record).await.is_err());
}

#[tokio::test]
async fn what_a_provider_was_paid_and_said_last_is_told() {
    let world = World::start().await;
    let store = world.store();
    let provider = ProviderId::Runway;
    for credits in [5, 7] {
        store.note_spent(provider, credits, now()).await.unwrap();
    }
    let refusal = LastRefusal {
        at: now(),
        refusal: Refusal::Billing,
        said: "You do not have enough credits".to_owned(),
        of: Uuid::nil(),
    };
    store.note_refusal(provider, &refusal).await.unwrap();
    let usage = store.usage(provider).await.unwrap();
    assert_eq!(
        (usage.today(now()), usage.last_refusal),
        (12, Some(refusal))
    );
    let other = store.usage(ProviderId::OpenAi).await.unwrap();
    assert_eq!((other.today(now()), other.last_refusal), (0, None));
}
