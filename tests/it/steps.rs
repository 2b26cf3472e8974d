//! The steps of the completion function, repeated and out of order.

use aws_sdk_sfn::types::ExecutionStatus;
use contract::{AssetKind, Topic};
use serde_json::{Value, json};

use crate::{
    campaigns::{campaign, providers},
    harness::{Studio, by_id, created, jobs_of, the_eight, topics, try_to_invoke, until},
    messages::job,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_late_step_does_not_change_a_closed_job() {
    let mut studio = Studio::start().await;
    studio.publish(&created("tenant-steps", "steps")).await;
    let produced = studio.produced_for("tenant-steps", 8).await;
    let job = jobs_of(&produced, Topic::RenderJobCompleted)[0].clone();
    // It was drawn from the queue. An execution from before there was one may still run.
    for _ in 0..2 {
        for (step, status) in [
            ("submit", "stored"),
            ("poll", "stored"),
            ("finish", "closed"),
            ("fail", "closed"),
        ] {
            let answer = studio
                .completion(&json!({ "step": step, "jobId": job, "error": "States.Timeout" }))
                .await;
            assert_eq!(answer, json!({ "status": status }), "{step}");
        }
    }
    let after = studio.produced_for("tenant-steps", 8).await;
    assert_eq!(topics(&after), the_eight());
    assert_eq!(by_id(&after), by_id(&produced));
    studio.stop().await;
}

/// The opened jobs of a video and of a spot.
async fn video_and_spot(studio: &Studio, opened: &[String]) -> (String, String) {
    let asset = job(studio, &opened[0]).await.asset;
    assert_eq!(opened.len(), 2, "{opened:?}");
    match asset {
        AssetKind::Video => (opened[0].clone(), opened[1].clone()),
        _ => (opened[1].clone(), opened[0].clone()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_may_be_repeated_and_a_failed_job_is_never_completed() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("studio-canvas", "runway", "polly");
    })
    .await;
    // Executions do nothing, because the test takes the steps itself.
    studio.let_executions_do_nothing().await;
    let tenant = "tenant-by-hand";
    studio
        .publish(&campaign(tenant, &["video", "audio-spot"]))
        .await;
    let produced = studio.produced_for(tenant, 4).await;
    let opened = jobs_of(&produced, Topic::RenderJobCreated);
    let (video, spot) = video_and_spot(&studio, &opened).await;
    let take = async |step: Value| studio.completion(&step).await;

    for step in ["submit", "submit"] {
        take(json!({ "step": step, "jobId": video })).await;
    }
    let poll = json!({ "step": "poll", "jobId": video });
    until("the vendor has made it", async || {
        take(poll.clone()).await["status"] == "stored"
    })
    .await;
    for step in ["poll", "finish", "finish"] {
        take(json!({ "step": step, "jobId": video })).await;
    }
    let fail = json!({ "step": "fail", "jobId": spot, "error": "States.Timeout", "cause": "" });
    for step in [
        fail.clone(),
        fail,
        json!({ "step": "submit", "jobId": spot }),
        json!({ "step": "finish", "jobId": spot }),
    ] {
        take(step).await;
    }
    let produced = studio.produced_for(tenant, 7).await;
    assert_eq!(produced.len(), 7, "nothing twice: {:#?}", topics(&produced));
    assert_eq!(jobs_of(&produced, Topic::RenderJobCompleted), [video]);
    assert_eq!(jobs_of(&produced, Topic::RenderJobFailed), [spot]);
    let failed = produced
        .iter()
        .find(|record| record.topic == Topic::RenderJobFailed.as_str())
        .unwrap()
        .event();
    assert_eq!(
        (&failed["data"]["failure"], &failed["data"]["attempts"]),
        (&json!("timeout"), &json!(0))
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_of_another_name_touches_no_job() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("studio-canvas", "runway", "");
    })
    .await;
    // The job's own execution does nothing, so the job stays open; then the machine is put back.
    let machine = &studio.stack.outputs.render_state_machine_arn;
    let sfn = studio.stack.clients.sfn.clone();
    let described = sfn.describe_state_machine().state_machine_arn(machine);
    let definition = described.send().await.unwrap().definition().to_owned();
    studio.let_executions_do_nothing().await;
    studio.publish(&campaign("tenant-b", &["video"])).await;
    let produced = studio.produced_for("tenant-b", 2).await;
    let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    let machine = &studio.stack.outputs.render_state_machine_arn;
    until("its own execution has ended", async || {
        let all = sfn.list_executions().state_machine_arn(machine);
        let all = all.send().await.unwrap();
        let ended = ExecutionStatus::Succeeded;
        all.executions().iter().any(|one| *one.status() == ended)
    })
    .await;
    let update = sfn.update_state_machine().state_machine_arn(machine);
    update.definition(definition).send().await.unwrap();

    let version = async || {
        let item = studio.item(&format!("job#{job}"), "state").await.unwrap();
        item["version"].clone()
    };
    let before = version().await;
    for name in ["of-tenant-a".to_owned(), format!("{job}-1")] {
        let start = sfn.start_execution().state_machine_arn(machine).name(&name);
        let start = start.input(json!({ "jobId": job }).to_string());
        let started = start.send().await.unwrap();
        let describe = || {
            sfn.describe_execution()
                .execution_arn(started.execution_arn())
        };
        until("the execution has ended", async || {
            *describe().send().await.unwrap().status() != ExecutionStatus::Running
        })
        .await;
        let ended = describe().send().await.unwrap();
        assert_eq!(*ended.status(), ExecutionStatus::Failed, "{name}");
        assert_eq!(ended.error(), Some("Studio.IdReused"), "{name}");
    }
    assert_eq!(version().await, before, "the job did not change");
    for step in ["submit", "poll", "finish", "fail"] {
        let step =
            json!({ "step": step, "jobId": job, "name": "of-tenant-a", "error": "States.Timeout" });
        let completion = &studio.stack.outputs.completion_function_name;
        let (answer, _) = try_to_invoke(&studio.stack, completion, &step).await;
        assert!(answer.is_err(), "{step}: {answer:?}");
    }
    assert_eq!(version().await, before, "the job did not change");
    assert_eq!(studio.produced_for("tenant-b", 2).await.len(), 2);
    studio.stop().await;
}
