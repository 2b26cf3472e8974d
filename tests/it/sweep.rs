//! No job hangs, and no end stays unpublished: the sweep finds jobs whose message was lost or whose
//! execution is dead by their deadline.

use std::{collections::HashMap, slice};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use contract::{Time, Topic};
use fault_proxy::{Action, Fault, Matches, Moment};
use local::records::Produced;
use serde_json::{Value, json};

use crate::{
    campaigns::{campaign, providers},
    harness::{Studio, by_id, created, jobs_of, the_eight, topics, try_to_invoke, until},
    messages::{deliver, none_kept, take},
    operator::kill,
};

/// The answer of a sweep, as (overdue, running, restarted, sent, failed, closed, published).
fn swept(answer: &Value) -> [u64; 7] {
    assert_eq!(answer["status"], "swept", "{answer}");
    [
        "overdue",
        "running",
        "restarted",
        "sent",
        "failed",
        "closed",
        "published",
    ]
    .map(|name| answer[name].as_u64().unwrap())
}

pub async fn sweep(studio: &Studio) -> [u64; 7] {
    swept(&studio.completion(&json!({ "step": "sweep" })).await)
}

/// What a sweep answers that finds nothing to look after.
pub const NOTHING: [u64; 7] = [0; 7];

/// Moves the deadline of everything open far into the past, so that a test need not wait for it.
pub async fn let_deadlines_pass(studio: &Studio) {
    let long_ago: Time = serde_json::from_value(json!("2000-01-01T00:00:00.000Z")).unwrap();
    set_deadlines(studio, long_ago).await;
}

/// Has the deadline of everything open have passed for so many minutes.
async fn let_deadlines_be_past(studio: &Studio, minutes: u32) {
    let now = Time::new(jiff::Timestamp::now());
    set_deadlines(studio, now.minus_seconds(minutes * 60)).await;
}

async fn set_deadlines(studio: &Studio, to: Time) {
    let (dynamodb, table) = (
        &studio.stack.clients.dynamodb,
        &studio.stack.outputs.table_name,
    );
    for item in open_items(studio).await {
        let to = AttributeValue::S(to.to_string());
        let update = dynamodb
            .update_item()
            .table_name(table)
            .key("pk", item["pk"].clone())
            .key("sk", item["sk"].clone());
        let update = update
            .update_expression("SET deadline = :to")
            .expression_attribute_values(":to", to);
        update.send().await.unwrap();
    }
}

/// What stands in the index of what is open.
async fn open_items(studio: &Studio) -> Vec<HashMap<String, AttributeValue>> {
    let open = studio.stack.clients.dynamodb.scan();
    let open = open
        .table_name(&studio.stack.outputs.table_name)
        .filter_expression("attribute_exists(#open)")
        .expression_attribute_names("#open", "open")
        .consistent_read(true);
    open.send().await.unwrap().items().to_vec()
}

/// The minutes from now until each open item is looked at, the soonest first.
async fn minutes_until_looked_at(studio: &Studio) -> Vec<u64> {
    let now = Time::new(jiff::Timestamp::now());
    let open = open_items(studio).await;
    let deadlines = open.iter().map(|item| item["deadline"].as_s().unwrap());
    let minutes = deadlines.map(|deadline| {
        let deadline: Time = serde_json::from_value(json!(deadline)).unwrap();
        deadline.milliseconds_since(now) / 60_000
    });
    let mut minutes: Vec<u64> = minutes.collect();
    minutes.sort_unstable();
    minutes
}

/// Has every open job stand where an earlier version of the code put it, which knew no queue.
async fn stand_as_before_the_queue(studio: &Studio) {
    for item in open_items(studio).await {
        let shard = item["open"].as_s().unwrap();
        let shard = shard.strip_prefix("queue#").expect("it waits in the queue");
        let update = studio.stack.clients.dynamodb.update_item();
        let update = update
            .table_name(&studio.stack.outputs.table_name)
            .key("pk", item["pk"].clone())
            .key("sk", item["sk"].clone());
        let update = update
            .update_expression("SET #open = :shard")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":shard", AttributeValue::S(shard.to_owned()));
        update.send().await.unwrap();
    }
}

/// A studio whose videos are made by Runway, and the events about `tenant`, of which a video is
/// open. Its message is in the queue, which is held.
async fn open_video(tenant: &str) -> (Studio, String) {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("studio-canvas", "runway", "");
    })
    .await;
    studio.hold_the_queue().await;
    studio.publish(&campaign(tenant, &["video"])).await;
    let produced = studio.produced_for(tenant, 2).await;
    let video = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    (studio, video)
}

/// Waits until so many executions of jobs are in this state.
async fn executions_are(studio: &Studio, status: ExecutionStatus, count: usize) {
    let machine = &studio.stack.outputs.render_state_machine_arn;
    until("the executions are as expected", async || {
        let list = studio.stack.clients.sfn.list_executions();
        let list = list.state_machine_arn(machine);
        let list = list.status_filter(status.clone()).send().await.unwrap();
        list.executions().len() == count
    })
    .await;
}

/// The failure of each job that failed.
fn failures(produced: &[Produced]) -> Vec<Value> {
    let failed = Topic::RenderJobFailed.as_str();
    let failed = produced.iter().filter(|record| record.topic == failed);
    failed
        .map(|record| record.event()["data"]["failure"].clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_sends_a_job_again_whose_message_was_lost() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-lost";
    for (number, is_old) in [(0, false), (1, true)] {
        studio.hold_the_queue().await;
        let event = created(tenant, &format!("lost-{number}"));
        studio.publish(&event).await;
        studio.produced_for(tenant, 8 * number + 4).await;
        take(&studio, 1).await;
        studio.release_the_queue().await;
        assert_eq!(
            sweep(&studio).await,
            NOTHING,
            "before the deadline they are left alone"
        );
        if is_old {
            stand_as_before_the_queue(&studio).await;
        }
        let_deadlines_pass(&studio).await;
        assert_eq!(sweep(&studio).await, [2, 0, 0, 2, 0, 0, 0]);
        let produced = studio.produced_for(tenant, 8 * (number + 1)).await;
        assert_eq!(
            topics(&produced),
            the_eight()
                .into_iter()
                .map(|(topic, count)| (topic, count * (number + 1)))
                .collect()
        );
        let_deadlines_pass(&studio).await;
        assert_eq!(sweep(&studio).await, NOTHING, "nothing is left to sweep");
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_leaves_jobs_to_a_queue_that_is_not_empty_for_two_hours() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-waiting";
    studio.hold_the_queue().await;
    studio.publish(&created(tenant, "waiting")).await;
    let before = studio.produced_for(tenant, 4).await;
    assert_eq!(before.len(), 4);
    let_deadlines_be_past(&studio, 115).await;
    assert_eq!(sweep(&studio).await, NOTHING);
    let published = studio.produced_for(tenant, 4).await;
    assert_eq!(published.len(), 4, "it is not even announced again");

    let_deadlines_be_past(&studio, 125).await;
    assert_eq!(sweep(&studio).await, [2, 0, 0, 2, 0, 0, 0]);
    // What opened the jobs was published once more, and is marked.
    let published = studio.produced_for(tenant, 4).await;
    assert!(published.len() > 4, "{:?}", topics(&published));
    assert_eq!(by_id(&published).len(), 4);
    assert_eq!(sweep(&studio).await, NOTHING, "they have another while");
    let_deadlines_be_past(&studio, 125).await;
    assert_eq!(sweep(&studio).await, [2, 0, 0, 2, 0, 0, 0]);
    let again = studio.produced_for(tenant, 4).await;
    assert_eq!(again.len(), published.len(), "not at each sweep");

    // Each job has three messages now, and one end.
    studio.release_the_queue().await;
    let produced = studio.produced_for(tenant, 8).await;
    assert_eq!(topics(&produced), the_eight());
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_does_not_wait_for_sqs_with_each_of_its_jobs() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-without-sqs";
    studio.hold_the_queue().await;
    for number in 0..10 {
        let event = created(tenant, &format!("without-sqs-{number}"));
        studio.publish(&event).await;
    }
    studio.produced_for(tenant, 40).await;
    take(&studio, 10).await;
    let_deadlines_pass(&studio).await;
    let (error, tries) = sweep_without(&studio, "sqs").await;
    assert!(error.contains(" of 20 overdue jobs"), "{error}");
    assert!(!error.contains("; 0 more"), "{error}");
    // Eight at once, and three tries of each. Twenty jobs would make sixty.
    assert!((3..=24).contains(&tries), "{tries} tries: {error}");
    // Nor does an outage of SQS put any of them behind: the next sweep sends them all.
    assert_eq!(minutes_until_looked_at(&studio).await, [0; 20]);

    assert_eq!(sweep(&studio).await, [20, 0, 0, 20, 0, 0, 0]);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_does_not_wait_for_step_functions_with_each_of_its_videos() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("studio-canvas", "runway", "");
        options.provider_settings =
            json!({ "runway": { "inFlight": { "all": 40, "perTenant": 3 } } });
    })
    .await;
    studio.let_executions_do_nothing().await;
    let tenants: Vec<_> = (0..20).map(|number| format!("tenant-{number}")).collect();
    for tenant in &tenants {
        studio.publish(&campaign(tenant, &["video"])).await;
    }
    for tenant in &tenants {
        studio.produced_for(tenant, 2).await;
    }
    executions_are(&studio, ExecutionStatus::Succeeded, 20).await;
    let_deadlines_pass(&studio).await;
    let (error, tries) = sweep_without(&studio, "states").await;
    assert!(error.contains(" of 20 overdue jobs"), "{error}");
    assert!(!error.contains("; 0 more"), "{error}");
    assert!((3..=24).contains(&tries), "{tries} tries: {error}");
    assert_eq!(minutes_until_looked_at(&studio).await, [0; 20]);

    assert_eq!(sweep(&studio).await, [20, 0, 20, 0, 0, 0, 0]);
    studio.stop().await;
}

/// Has a sweep find that AWS's `service` is away; returns its error, and how often it called.
async fn sweep_without(studio: &Studio, service: &str) -> (String, u32) {
    let completion = &studio.stack.outputs.completion_function_name;
    let operation = (service == "sqs").then(|| "SendMessageBatch".to_owned());
    let hits = studio.stack.proxy.inject(Fault {
        matches: Matches {
            service: Some(service.to_owned()),
            operation,
            function: Some(completion.clone()),
            ..Matches::default()
        },
        action: Action::Fail {
            status: 500,
            error: "InternalServerError".to_owned(),
        },
    });
    let step = json!({ "step": "sweep" });
    let (answer, _) = try_to_invoke(&studio.stack, completion, &step).await;
    studio.stack.proxy.heal();
    let error = answer.unwrap_err()["errorMessage"].to_string();
    (error, hits.count())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_leaves_a_job_to_its_message_in_the_dead_letter_queue() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-dead";
    studio.hold_the_queue().await;
    studio.publish(&created(tenant, "dead")).await;
    studio.produced_for(tenant, 4).await;
    let body = take(&studio, 1).await.remove(0).body;
    let send = studio.stack.clients.sqs.send_message();
    let send = send.queue_url(&studio.stack.outputs.dead_letter_queue_url);
    send.message_body(body).send().await.unwrap();
    let_deadlines_be_past(&studio, 115).await;
    assert_eq!(sweep(&studio).await, NOTHING);
    studio.release_the_queue().await;
    let produced = studio.produced_for(tenant, 8).await;
    assert_eq!(topics(&produced), the_eight());
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_not_begun_within_a_day_fails_as_abandoned() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-abandoned";
    studio.hold_the_queue().await;
    studio.publish(&created(tenant, "abandoned")).await;
    let produced = studio.produced_for(tenant, 4).await;
    let jobs = jobs_of(&produced, Topic::RenderJobCreated);
    let late = take(&studio, 1).await.remove(0).body;
    let now = Time::new(jiff::Timestamp::now());
    for (job, hours) in [(&jobs[0], 23), (&jobs[1], 25)] {
        let opened = now.minus_seconds(hours * 60 * 60);
        let change = |job: &mut Value| {
            job["created_at"] = json!(opened);
            job["deadline"] = json!(opened.plus_seconds(900));
        };
        studio.change_state(&format!("job#{job}"), change).await;
    }
    // Kafka may have been away for all that time, and no message sent.
    let_deadlines_pass(&studio).await;
    assert_eq!(sweep(&studio).await, [2, 0, 0, 2, 0, 0, 0]);
    // While messages wait, they are on their way.
    let_deadlines_be_past(&studio, 125).await;
    assert_eq!(sweep(&studio).await, [2, 0, 0, 2, 0, 0, 0]);
    take(&studio, 4).await;
    let_deadlines_be_past(&studio, 1).await;
    assert_eq!(sweep(&studio).await, [2, 0, 0, 1, 1, 0, 0]);
    let produced = studio.produced_for(tenant, 5).await;
    assert_eq!(failures(&produced), ["abandoned"]);
    assert_eq!(
        jobs_of(&produced, Topic::RenderJobFailed),
        slice::from_ref(&jobs[1])
    );

    // A message that comes nevertheless draws only the other one.
    assert_eq!(deliver(&studio, &[late]).await, none_kept());
    let produced = studio.produced_for(tenant, 7).await;
    assert_eq!(
        jobs_of(&produced, Topic::RenderJobCompleted),
        slice::from_ref(&jobs[0])
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_whose_message_was_lost_is_sent_again_and_not_started_by_the_sweep() {
    let tenant = "tenant-lost-video";
    let (mut studio, video) = open_video(tenant).await;
    let_deadlines_pass(&studio).await;
    let left_to_its_message = [1, 1, 0, 0, 0, 0, 0];
    assert_eq!(sweep(&studio).await, left_to_its_message);
    assert_eq!(sweep(&studio).await, NOTHING, "it is put behind the others");
    // Not for as long as a backlog may last: its message may be lost, and the queue empty by then.
    assert!(minutes_until_looked_at(&studio).await[0] <= 15);

    take(&studio, 1).await;
    let_deadlines_pass(&studio).await;
    assert_eq!(sweep(&studio).await, [1, 0, 0, 1, 0, 0, 0]);
    let calls = studio.stack.proxy.calls();
    let mut calls = calls.iter();
    assert!(!calls.any(|call| call.operation.name == "StartExecution"));
    studio.release_the_queue().await;
    let produced = studio.produced_for(tenant, 4).await;
    assert_eq!(jobs_of(&produced, Topic::RenderJobCompleted), [video]);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_completes_a_video_whose_execution_was_aborted() {
    let tenant = "tenant-aborted";
    let (mut studio, video) = open_video(tenant).await;
    let machine = studio.stack.outputs.render_state_machine_arn.clone();
    let sfn = studio.stack.clients.sfn.clone();
    let described = sfn.describe_state_machine().state_machine_arn(&machine);
    let definition = described.send().await.unwrap().definition().to_owned();
    studio
        .let_executions(&json!({ "Type": "Wait", "Seconds": 3600, "End": true }))
        .await;
    studio.release_the_queue().await;
    executions_are(&studio, ExecutionStatus::Running, 1).await;
    let running = sfn.list_executions().state_machine_arn(&machine);
    for execution in running.send().await.unwrap().executions() {
        let stop = sfn.stop_execution();
        let stop = stop.execution_arn(execution.execution_arn());
        stop.send().await.unwrap();
    }
    let update = sfn.update_state_machine().state_machine_arn(&machine);
    update.definition(definition).send().await.unwrap();

    assert_eq!(sweep(&studio).await, NOTHING, "before the deadline");
    let_deadlines_pass(&studio).await;
    assert_eq!(sweep(&studio).await, [1, 0, 1, 0, 0, 0, 0]);
    let produced = studio.produced_for(tenant, 4).await;
    assert_eq!(jobs_of(&produced, Topic::RenderJobCompleted), [video]);
    let_deadlines_pass(&studio).await;
    assert_eq!(sweep(&studio).await, NOTHING, "nothing is left to sweep");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_leaves_a_running_execution_alone() {
    let tenant = "tenant-slow";
    let (mut studio, _) = open_video(tenant).await;
    studio
        .let_executions(&json!({ "Type": "Wait", "Seconds": 36000, "End": true }))
        .await;
    studio.release_the_queue().await;
    executions_are(&studio, ExecutionStatus::Running, 1).await;
    for _ in 0..2 {
        let_deadlines_pass(&studio).await;
        assert_eq!(sweep(&studio).await, [1, 1, 0, 0, 0, 0, 0]);
        assert_eq!(sweep(&studio).await, NOTHING);
    }
    let published = studio.produced_for(tenant, 2).await;
    assert_eq!(published.len(), 2, "an execution says that it is announced");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_whose_executions_die_three_times_fails_as_abandoned() {
    let tenant = "tenant-dead";
    let (mut studio, video) = open_video(tenant).await;
    studio.let_executions_do_nothing().await;
    studio.release_the_queue().await;
    let restarted = [1, 0, 1, 0, 0, 0, 0];
    for (ended, expected) in [restarted, restarted, [1, 0, 0, 0, 1, 0, 0]]
        .into_iter()
        .enumerate()
    {
        executions_are(&studio, ExecutionStatus::Succeeded, ended + 1).await;
        let_deadlines_pass(&studio).await;
        assert_eq!(sweep(&studio).await, expected);
    }
    let produced = studio.produced_for(tenant, 3).await;
    assert_eq!(failures(&produced), ["abandoned"]);
    assert_eq!(jobs_of(&produced, Topic::RenderJobFailed), [video]);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_publishes_an_end_that_was_not_published() {
    let tenant = "tenant-unpublished";
    let (mut studio, video) = open_video(tenant).await;
    // The test takes the steps of its execution.
    studio.let_executions_do_nothing().await;
    studio.release_the_queue().await;
    executions_are(&studio, ExecutionStatus::Succeeded, 1).await;
    // The end is committed, but its function is killed before the publish, and nothing calls it
    // again.
    let completion = studio.stack.outputs.completion_function_name.clone();
    let commit = ("dynamodb", "TransactWriteItems");
    let hits = kill(&studio, &completion, commit, Moment::After);
    let fail = json!({ "step": "fail", "jobId": video, "error": "States.Timeout" });
    let fail = studio.of_execution(&fail).await;
    let (answer, _) = try_to_invoke(&studio.stack, &completion, &fail).await;
    studio.stack.proxy.heal();
    assert!(answer.is_err() && hits.count() == 1, "{answer:?}");
    assert_eq!(
        studio.produced_for(tenant, 2).await.len(),
        2,
        "no end is published"
    );
    let_deadlines_pass(&studio).await;
    assert_eq!(sweep(&studio).await, [1, 0, 0, 0, 0, 0, 1]);
    let produced = studio.produced_for(tenant, 3).await;
    assert_eq!(jobs_of(&produced, Topic::RenderJobFailed), [video]);
    studio.stop().await;
}
