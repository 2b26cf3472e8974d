//! No job hangs: an execution that dies without a word is found by the job's deadline.

use std::time::Duration;

use events::Topic;
use local::proxy::{Action, Fault, Matches, Moment, Occurrence};
use serde_json::json;

use crate::harness::{Studio, created, jobs_of, the_eight, topics};

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_aborted_by_hand_ends_after_a_sweep_in_a_completed_job() {
    let mut studio = Studio::start_with(|options| options.render_deadline = Duration::from_secs(4)).await;
    // Slow enough to be caught running.
    let matches = Matches {
        service: Some("s3".to_owned()),
        operation: Some("PutObject".to_owned()),
        body_contains: None,
        occurrence: Occurrence::Every,
    };
    studio.stack.proxy.inject(Fault { matches, action: Action::Delay(Duration::from_secs(3)) });
    studio.publish(&created("tenant-aborted", "aborted")).await;

    let sfn = &studio.stack.clients.sfn;
    let machine = &studio.stack.outputs.render_state_machine_arn;
    let mut aborted = 0;
    while aborted < 2 {
        let running = sfn
            .list_executions()
            .state_machine_arn(machine)
            .status_filter(aws_sdk_sfn::types::ExecutionStatus::Running)
            .send()
            .await
            .unwrap();
        for execution in running.executions() {
            sfn.stop_execution().execution_arn(execution.execution_arn()).send().await.unwrap();
            aborted += 1;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    studio.stack.proxy.heal();

    // Before the deadline the sweep leaves them alone.
    let early = studio.completion(&json!({ "step": "sweep" })).await;
    assert_eq!((&early["status"], &early["restarted"]), (&json!("swept"), &json!(0)));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let swept = studio.completion(&json!({ "step": "sweep" })).await;
    assert_eq!((&swept["overdue"], &swept["restarted"]), (&json!(2), &json!(2)), "{swept}");
    assert_eq!(topics(&studio.produced_for("tenant-aborted", 8).await), the_eight());

    // Nothing is left to sweep.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let idle = studio.completion(&json!({ "step": "sweep" })).await;
    assert_eq!(
        idle,
        json!({ "status": "swept", "overdue": 0, "running": 0, "restarted": 0, "failed": 0, "closed": 0, "told": 0 })
    );
    studio.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_kafka_never_heard_of_is_told_by_the_sweep() {
    let mut studio = Studio::start_with(|options| {
        options.render_deadline = Duration::from_secs(4);
        options.wait_scale = 0.0;
    })
    .await;
    studio.let_executions_do_nothing().await;
    studio.publish(&created("tenant-untold", "untold")).await;
    let jobs = jobs_of(&studio.produced_for("tenant-untold", 4).await, Topic::RenderJobCreated);
    for job in &jobs {
        studio.completion(&json!({ "step": "submit", "jobId": job })).await;
    }
    // The end of each is kept, and its caller dies before it can tell: nobody calls again.
    for job in &jobs {
        let matches = Matches {
            service: Some("dynamodb".to_owned()),
            operation: Some("TransactWriteItems".to_owned()),
            body_contains: None,
            occurrence: Occurrence::Nth(1),
        };
        studio.stack.proxy.heal();
        studio.stack.proxy.inject(Fault { matches, action: Action::KillCaller(Moment::After) });
        let finish = json!({ "step": "finish", "jobId": job }).to_string();
        let invoke = studio.stack.clients.lambda.invoke().payload(finish.into_bytes().into());
        let invoked = invoke.function_name(&studio.stack.outputs.completion_function_name).send().await.unwrap();
        assert!(invoked.function_error().is_some(), "it was killed");
    }
    assert_eq!(studio.produced_for("tenant-untold", 4).await.len(), 4, "nobody has heard of the ends");

    tokio::time::sleep(Duration::from_secs(5)).await;
    let swept = studio.completion(&json!({ "step": "sweep" })).await;
    assert_eq!((&swept["overdue"], &swept["told"]), (&json!(2), &json!(2)), "{swept}");
    assert_eq!(topics(&studio.produced_for("tenant-untold", 8).await), the_eight());
    studio.stack.stop().await;
}
