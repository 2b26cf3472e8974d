//! Jobs that are closed while their message waits: cancelled, or their tenant erased.

use contract::Topic;
use serde_json::{Value, json};

use super::{calls, queued};
use crate::{
    erase::objects,
    harness::{Studio, created, jobs_of},
    operator::studio as cli,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_cancelled_in_the_queue_is_not_drawn() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-cancelled";
    let jobs = queued(&mut studio, &created(tenant, "cancelled"), 4).await;
    let [cancelled, drawn] = &jobs[..] else {
        panic!("{jobs:?}")
    };
    let cancel = format!("jobs cancel --tenant {tenant} {cancelled} --execute");
    assert_eq!(cli(&studio, &cancel).await.code, Some(0));
    studio.release_the_queue().await;
    let produced = studio.produced_for(tenant, 7).await;
    let ends = produced
        .iter()
        .filter(|record| record.topic == Topic::RenderJobFailed.as_str());
    assert_eq!(ends.count(), 1, "its end is published once");
    let failed = jobs_of(&produced, Topic::RenderJobFailed);
    assert_eq!(failed, std::slice::from_ref(cancelled));
    let completed = jobs_of(&produced, Topic::RenderJobCompleted);
    assert_eq!(completed, std::slice::from_ref(drawn));
    assert_eq!(calls(&studio, "PutObject"), 1);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_erased_while_its_jobs_wait_has_none_drawn() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-gone";
    let jobs = queued(&mut studio, &created(tenant, "gone"), 4).await;
    let erase = format!("--json tenants erase {tenant} --execute --confirm {tenant}");
    let first = cli(&studio, &format!("{erase} --within 0")).await;
    let is = |said: &[Value]| said.last().unwrap()["fate"]["is"].clone();
    assert_eq!(is(&first.json()), "erasing", "{first:?}");

    // Each end is published by the message, and says nothing of the tenant's content.
    studio.release_the_queue().await;
    let produced = studio.produced_for(tenant, 6).await;
    assert_eq!(jobs_of(&produced, Topic::RenderJobFailed), jobs);
    for record in produced
        .iter()
        .filter(|record| record.topic == Topic::RenderJobFailed.as_str())
    {
        let data = record.event()["data"].take();
        assert_eq!(
            (&data["failure"], &data["userId"]),
            (&json!("cancelled"), &json!("studio-svc"))
        );
    }
    let bucket = &studio.stack.outputs.assets_bucket_name;
    assert!(objects(&studio, bucket).await.is_empty());
    assert_eq!(calls(&studio, "PutObject"), 0);

    // A function may still draw what was cancelled just now, so the erasure waits for that.
    for job in &jobs {
        let long_ago = |job: &mut Value| job["state"]["at"] = json!("2026-11-27T00:00:00.000Z");
        studio.change_state(&format!("job#{job}"), long_ago).await;
    }
    let last = cli(&studio, &erase).await;
    assert_eq!(is(&last.json()), "erased", "{last:?}");
    assert!(!studio.table().await.contains("Lanterns"));
    studio.stop().await;
}
