//! An operator looks at jobs of all tenants, and handles many at once.

use contract::Topic;
use serde_json::Value;

use crate::{
    harness::{Studio, created, jobs_of, until},
    operator::studio,
};

const TENANTS: [&str; 3] = ["tenant-bulk-a", "tenant-bulk-b", "tenant-bulk-c"];

/// The jobs that `studio jobs list` has with these words: tenant and state.
async fn listed(stack: &Studio, words: &str) -> Vec<(String, String)> {
    let said = studio(stack, &format!("--json jobs list {words}")).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let jobs = said.json()[0]["jobs"].as_array().unwrap().clone();
    let text = |job: &Value, name: &str| job[name].as_str().unwrap().to_owned();
    let jobs = jobs.iter();
    jobs.map(|job| (text(job, "tenant"), text(job, "state")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn open_jobs_of_all_tenants_are_counted_and_cancelled_and_each_is_made_again_once() {
    let mut stack = Studio::start().await;
    stack.hold_the_queue().await;
    for tenant in TENANTS {
        stack.publish(&created(tenant, tenant)).await;
        stack.produced_for(tenant, 4).await;
    }
    until("all are listed", async || {
        listed(&stack, "--state created").await.len() == 6
    })
    .await;
    let counts = studio(&stack, "jobs count --state created --asset poster").await;
    assert!(counts.text.starts_with("3 jobs of 3 tenants"), "{counts:?}");

    // A filter says which jobs; a dry run changes nothing.
    let said = studio(&stack, "jobs list").await;
    assert_eq!(said.code, Some(3), "no index has all jobs of all tenants");
    let said = studio(&stack, "jobs resubmit --since 1d --execute").await;
    assert_eq!(said.code, Some(3), "{said:?}");
    let cancel = "jobs cancel --state created --asset poster --per-second 50";
    let dry = studio(&stack, cancel).await;
    assert!(
        dry.text.contains("3 jobs would be cancelled, 0 skipped."),
        "{dry:?}"
    );
    assert_eq!(listed(&stack, "--state created").await.len(), 6);

    let done = studio(&stack, &format!("{cancel} --execute")).await;
    assert!(
        done.text.contains("3 jobs cancelled, 0 skipped."),
        "{done:?}"
    );
    let again = studio(&stack, &format!("{cancel} --execute")).await;
    assert!(again.text.contains("No job matches."), "{again:?}");

    // Each tenant's cancelled poster is made again, once, however often that is asked for.
    stack.release_the_queue().await;
    for tenant in TENANTS {
        let resubmit = format!("jobs resubmit --tenant {tenant} --state cancelled --execute");
        for _ in 0..2 {
            let said = studio(&stack, &resubmit).await;
            assert!(
                said.text.contains("1 job resubmitted, 0 skipped."),
                "{said:?}"
            );
        }
        // The eight of an event, and the end of the cancelled job and the opening of the new one.
        let produced = stack.produced_for(tenant, 10).await;
        assert_eq!(jobs_of(&produced, Topic::RenderJobCreated).len(), 3);
    }
    stack.stop().await;
}
