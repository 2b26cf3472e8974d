//! No job hangs, and no end stays unpublished: the sweep finds the jobs of dead executions by their
//! deadline.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use contract::Topic;
use fault_proxy::{Action, Fault, Matches, Moment, Occurrence};
use serde_json::{Value, json};

use crate::harness::{Studio, by_id, created, jobs_of, the_eight, topics, until};

/// The answer of a sweep, as (overdue, running, restarted, failed, closed, published).
fn swept(answer: &Value) -> [u64; 6] {
    assert_eq!(answer["status"], "swept", "{answer}");
    [
        "overdue",
        "running",
        "restarted",
        "failed",
        "closed",
        "published",
    ]
    .map(|name| answer[name].as_u64().unwrap())
}

pub async fn sweep(studio: &Studio) -> [u64; 6] {
    swept(&studio.completion(&json!({ "step": "sweep" })).await)
}

/// Moves the deadline of everything open into the past, so that a test need not wait for it.
pub async fn let_deadlines_pass(studio: &Studio) {
    let (dynamodb, table) = (
        &studio.stack.clients.dynamodb,
        &studio.stack.outputs.table_name,
    );
    let open = dynamodb
        .scan()
        .table_name(table)
        .filter_expression("attribute_exists(#open)");
    let open = open
        .expression_attribute_names("#open", "open")
        .consistent_read(true)
        .send()
        .await
        .unwrap();
    for item in open.items() {
        let past = AttributeValue::S("2000-01-01T00:00:00.000Z".to_owned());
        let update = dynamodb
            .update_item()
            .table_name(table)
            .key("pk", item["pk"].clone())
            .key("sk", item["sk"].clone());
        let update = update
            .update_expression("SET deadline = :past")
            .expression_attribute_values(":past", past);
        update.send().await.unwrap();
    }
}

fn calls_of(service: &str, operation: &str, occurrence: Occurrence) -> Matches {
    let (service, operation) = (Some(service.to_owned()), Some(operation.to_owned()));
    Matches {
        service,
        operation,
        occurrence,
        ..Matches::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_completes_a_job_whose_execution_was_aborted() {
    let mut studio = Studio::start().await;
    // The upload is delayed, so that the test catches the execution while it runs.
    let matches = calls_of("s3", "PutObject", Occurrence::Every);
    studio.stack.proxy.inject(Fault {
        matches,
        action: Action::Delay(Duration::from_secs(3)),
    });
    studio.publish(&created("tenant-aborted", "aborted")).await;

    let (sfn, machine) = (
        &studio.stack.clients.sfn,
        &studio.stack.outputs.render_state_machine_arn,
    );
    let mut aborted = 0;
    until("two executions are aborted", async || {
        let running = sfn
            .list_executions()
            .state_machine_arn(machine)
            .status_filter(ExecutionStatus::Running);
        for execution in running.send().await.unwrap().executions() {
            sfn.stop_execution()
                .execution_arn(execution.execution_arn())
                .send()
                .await
                .unwrap();
            aborted += 1;
        }
        aborted >= 2
    })
    .await;
    studio.stack.proxy.heal();

    assert_eq!(
        sweep(&studio).await,
        [0, 0, 0, 0, 0, 0],
        "before the deadline they are left alone"
    );
    let_deadlines_pass(&studio).await;
    assert_eq!(sweep(&studio).await, [2, 0, 2, 0, 0, 0]);
    assert_eq!(
        topics(&studio.produced_for("tenant-aborted", 8).await),
        the_eight()
    );
    let_deadlines_pass(&studio).await;
    assert_eq!(
        sweep(&studio).await,
        [0, 0, 0, 0, 0, 0],
        "nothing is left to sweep"
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_leaves_a_running_execution_alone() {
    let mut studio = Studio::start_with(|options| options.wait_scale = 1.0).await;
    studio
        .let_executions(&json!({ "Type": "Wait", "Seconds": 600, "End": true }))
        .await;
    studio.publish(&created("tenant-slow", "slow")).await;
    studio.produced_for("tenant-slow", 4).await;
    let_deadlines_pass(&studio).await;
    assert_eq!(sweep(&studio).await, [2, 2, 0, 0, 0, 0]);
    assert_eq!(sweep(&studio).await, [0, 0, 0, 0, 0, 0]);
    // What opened the jobs was published once more, and is marked.
    let published = studio.produced_for("tenant-slow", 4).await;
    assert!(published.len() > 4, "{:?}", topics(&published));
    assert_eq!(by_id(&published).len(), 4);
    let_deadlines_pass(&studio).await;
    assert_eq!(sweep(&studio).await, [2, 2, 0, 0, 0, 0]);
    let again = studio.produced_for("tenant-slow", 4).await;
    assert_eq!(again.len(), published.len(), "not at each sweep");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_executions_die_three_times_fails_as_abandoned() {
    let mut studio = Studio::start().await;
    studio.let_executions_do_nothing().await;
    studio
        .publish(&created("tenant-abandoned", "abandoned"))
        .await;
    studio.produced_for("tenant-abandoned", 4).await;
    for expected in [[2, 0, 2, 0, 0, 0], [2, 0, 2, 0, 0, 0], [2, 0, 0, 2, 0, 0]] {
        let_deadlines_pass(&studio).await;
        until("the executions have ended", async || {
            let running = studio
                .stack
                .clients
                .sfn
                .list_executions()
                .status_filter(ExecutionStatus::Running);
            let running = running.state_machine_arn(&studio.stack.outputs.render_state_machine_arn);
            running.send().await.unwrap().executions().is_empty()
        })
        .await;
        assert_eq!(sweep(&studio).await, expected);
    }
    let produced = studio.produced_for("tenant-abandoned", 6).await;
    for record in produced
        .iter()
        .filter(|record| record.topic == Topic::RenderJobFailed.as_str())
    {
        assert_eq!(record.event()["data"]["failure"], "abandoned");
    }
    assert_eq!(
        jobs_of(&produced, Topic::RenderJobFailed),
        jobs_of(&produced, Topic::RenderJobCreated)
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_publishes_an_end_that_was_not_published() {
    let mut studio = Studio::start().await;
    studio.let_executions_do_nothing().await;
    studio
        .publish(&created("tenant-unpublished", "unpublished"))
        .await;
    let jobs = jobs_of(
        &studio.produced_for("tenant-unpublished", 4).await,
        Topic::RenderJobCreated,
    );
    for job in &jobs {
        studio
            .completion(&json!({ "step": "submit", "jobId": job }))
            .await;
    }
    // The end of each job is committed, but its function is killed before the publish, and nothing
    // calls it again.
    for job in &jobs {
        studio.stack.proxy.heal();
        let matches = calls_of("dynamodb", "TransactWriteItems", Occurrence::Nth(1));
        studio.stack.proxy.inject(Fault {
            matches,
            action: Action::KillCaller(Moment::After),
        });
        let finish = json!({ "step": "finish", "jobId": job });
        let finish = studio.of_execution(&finish).await.to_string();
        let invoke = studio
            .stack
            .clients
            .lambda
            .invoke()
            .payload(finish.into_bytes().into());
        let invoked = invoke
            .function_name(&studio.stack.outputs.completion_function_name)
            .send()
            .await
            .unwrap();
        assert!(invoked.function_error().is_some(), "it was killed");
    }
    assert_eq!(
        studio.produced_for("tenant-unpublished", 4).await.len(),
        4,
        "no end is published"
    );
    let_deadlines_pass(&studio).await;
    assert_eq!(sweep(&studio).await, [2, 0, 0, 0, 0, 2]);
    assert_eq!(
        topics(&studio.produced_for("tenant-unpublished", 8).await),
        the_eight()
    );
    studio.stop().await;
}
