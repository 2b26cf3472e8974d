//! An operator inspects and cancels a tenant's render jobs, and resubmits them; a repeated request
//! opens no second job.

use contract::Topic;
use fault_proxy::Moment;
use serde_json::{Value, json};

use crate::{
    harness::{Studio, by_id, created, jobs_of, topics, until},
    messages::take,
    operator::{OPERATOR, kill, studio},
};

/// A tenant's jobs from `studio jobs list` with these words: id and state, newest first.
async fn listed(stack: &Studio, words: &str) -> Vec<(String, String)> {
    let said = studio(stack, &format!("--json jobs list {words}")).await;
    let jobs = said.json()[0]["jobs"].as_array().unwrap().clone();
    let text = |job: &Value, name: &str| job[name].as_str().unwrap().to_owned();
    jobs.iter()
        .map(|job| (text(job, "id"), text(job, "state")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_is_resubmitted_once_despite_repeats_and_kills() {
    let mut stack = Studio::start().await;
    stack.hold_the_queue().await;
    stack.publish(&created("tenant-jobs", "jobs")).await;
    let opened = jobs_of(
        &stack.produced_for("tenant-jobs", 4).await,
        Topic::RenderJobCreated,
    );
    let of_tenant = "--tenant tenant-jobs";
    until("both are listed", async || {
        let states = listed(&stack, &format!("{of_tenant} --state created")).await;
        states.len() == 2
    })
    .await;
    let posters = listed(&stack, &format!("{of_tenant} --asset poster")).await;
    let [(poster, _)] = &posters[..] else {
        panic!("{posters:?}")
    };
    assert!(opened.contains(poster));
    let shown = studio(&stack, &format!("jobs show {of_tenant} {poster}")).await;
    assert!(
        shown
            .text
            .contains("execution   none, it is drawn from the queue"),
        "{shown:?}"
    );

    // No command finds another tenant's job.
    for command in ["show", "cancel", "resubmit"] {
        let said = studio(
            &stack,
            &format!("jobs {command} --tenant tenant-other {poster}"),
        )
        .await;
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(
            said.error.contains(&format!("there is no job {poster}")),
            "{said:?}"
        );
    }
    assert!(listed(&stack, "--tenant tenant-other").await.is_empty());

    // An open job is not resubmitted; it is cancelled only with `--execute`.
    let said = studio(
        &stack,
        &format!("jobs resubmit {of_tenant} {poster} --execute"),
    )
    .await;
    assert!(
        said.code == Some(4) && said.text.contains("it is open"),
        "{said:?}"
    );
    let said = studio(&stack, &format!("jobs cancel {of_tenant} {poster}")).await;
    assert!(
        said.code == Some(0) && said.text.contains("would be cancelled"),
        "{said:?}"
    );
    let hits = kill(&stack, OPERATOR, ("lambda", "Invoke"), Moment::After);
    assert_eq!(
        studio(
            &stack,
            &format!("jobs cancel {of_tenant} {poster} --execute")
        )
        .await
        .code,
        Some(1)
    );
    stack.stack.proxy.heal();
    assert_eq!(hits.count(), 1);
    let said = studio(
        &stack,
        &format!("jobs cancel {of_tenant} {poster} --execute"),
    )
    .await;
    assert!(
        said.code == Some(4) && said.text.contains("it is cancelled already"),
        "{said:?}"
    );
    assert_eq!(
        listed(&stack, &format!("{of_tenant} --state cancelled"))
            .await
            .len(),
        1
    );
    let before = stack.produced_for("tenant-jobs", 5).await;
    assert_eq!(
        jobs_of(&before, Topic::RenderJobFailed),
        std::slice::from_ref(poster)
    );

    // The job is made again once, although the function is killed on the way.
    take(&stack, 1).await;
    stack.release_the_queue().await;
    let resubmit = format!("jobs resubmit {of_tenant} {poster} --execute");
    let dry = studio(&stack, &format!("jobs resubmit {of_tenant} {poster}")).await;
    assert!(
        dry.text.contains("would be made again") && dry.text.contains("This was a dry run"),
        "{dry:?}"
    );
    for (call, moment) in [
        (("dynamodb", "TransactWriteItems"), Moment::Before),
        (("dynamodb", "TransactWriteItems"), Moment::After),
        (("sqs", "SendMessageBatch"), Moment::Before),
        (("sqs", "SendMessageBatch"), Moment::After),
        (("dynamodb", "UpdateItem"), Moment::After),
    ] {
        let hits = kill(&stack, OPERATOR, call, moment);
        let said = studio(&stack, &resubmit).await;
        stack.stack.proxy.heal();
        assert_eq!(
            (hits.count(), said.code),
            (1, Some(1)),
            "{call:?} {moment:?}: {said:?}"
        );
    }
    let said = studio(&stack, &resubmit).await;
    assert!(
        said.code == Some(0) && said.text.contains("as was decided before"),
        "{said:?}"
    );

    // The new job's created and completed events, and its template with the asset.
    let produced = stack.produced_for("tenant-jobs", 8).await;
    let counts = topics(&produced);
    assert_eq!(counts[Topic::RenderJobCreated.as_str()], 3);
    let [again] = &jobs_of(&produced, Topic::RenderJobCompleted)[..] else {
        panic!("{counts:?}")
    };
    assert!(said.text.contains(again.as_str()));
    let events = by_id(&produced);
    let created_again = events
        .values()
        .map(|value| serde_json::from_slice::<Value>(value).unwrap());
    let created_again = created_again
        .into_iter()
        .find(|event| event["data"]["resubmitOf"].is_string())
        .unwrap();
    assert_eq!(
        (
            &created_again["data"]["jobId"],
            &created_again["data"]["resubmitOf"]
        ),
        (&json!(again), &json!(poster))
    );
    let old = studio(&stack, &format!("jobs show {of_tenant} {poster}"))
        .await
        .text;
    assert!(
        old.contains(&format!("again by    {again}")) && old.contains("cancelled"),
        "{old}"
    );
    let new = studio(&stack, &format!("jobs show {of_tenant} {again}"))
        .await
        .text;
    assert!(new.contains(&format!("again of    {poster}")), "{new}");
    assert!(
        new.contains("asked studio-canvas")
            && new.contains("stored, completed")
            && new.contains("s3://"),
        "{new}"
    );

    // The old job is unchanged. The new one can be resubmitted too, and is listed first.
    let said = studio(&stack, &format!("jobs resubmit {of_tenant} {again}")).await;
    assert!(said.text.contains("would be made again"), "{said:?}");
    assert_eq!(
        listed(&stack, of_tenant).await[0],
        (again.clone(), "completed".to_owned())
    );
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = studio(
            &stack,
            &format!("--json jobs list {of_tenant} --most 1{after}"),
        )
        .await
        .json()
        .remove(0);
        seen.extend(
            page["jobs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|job| job["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        after = format!(" --after {next}");
    }
    seen.sort();
    let mut all = [opened, vec![again.clone()]].concat();
    all.sort();
    assert_eq!(seen, all, "each once, page by page");
    stack.stop().await;
}

/// What `studio queue` answers.
async fn queue(stack: &Studio) -> Value {
    studio(stack, "--json queue").await.json().remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_shown_with_what_waits_and_since_when() {
    let mut stack = Studio::start().await;
    let empty = json!({ "waiting": 0, "inFlight": 0, "delayed": 0, "dead": 0 });
    assert_eq!(queue(&stack).await, empty);

    stack.hold_the_queue().await;
    stack.publish(&created("tenant-queue", "queue")).await;
    stack.produced_for("tenant-queue", 4).await;
    until("its message is in the queue", async || {
        queue(&stack).await["waiting"] == 1
    })
    .await;
    let oldest = queue(&stack).await["oldestSeconds"].as_u64().unwrap();
    assert!(oldest < 600, "{oldest}");
    let text = studio(&stack, "queue").await.text;
    assert!(text.contains("waiting     1\n"), "{text}");

    stack.release_the_queue().await;
    stack.produced_for("tenant-queue", 8).await;
    until("nothing waits any more", async || {
        queue(&stack).await == empty
    })
    .await;
    stack.stop().await;
}
