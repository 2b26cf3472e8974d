//! The schedules: that they run on this machine too, and what becomes of a run that fails.

use std::collections::BTreeSet;

use local::metrics::logged_since;
use serde_json::{Value, json};

use super::{of_type, processed};
use crate::harness::{Studio, until};

/// A run may fail before its function has it, and in its function. Both are counted in one queue.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedules_run_that_fails_is_a_dead_letter() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let template = processed(&studio).await;
    let queue = json!({ "Fn::GetAtt": ["SchedulesDeadLetterQueue", "Arn"] });
    let mut scheduled = BTreeSet::new();
    for (id, rule) in of_type(&template, "AWS::Events::Rule") {
        let target = &rule["Targets"][0];
        assert_eq!(target["DeadLetterConfig"]["Arn"], queue, "{id}");
        let late = &target["RetryPolicy"]["MaximumEventAgeInSeconds"];
        assert!(
            late.as_u64().unwrap() < 300,
            "{id}: the next run is as good"
        );
        scheduled.insert(target["Arn"]["Fn::GetAtt"][0].as_str().unwrap());
    }
    assert_eq!(
        scheduled,
        ["CompletionFunction", "OperatorFunction", "WatchFunction"].into()
    );
    let mut kept = BTreeSet::new();
    for (id, invoked) in of_type(&template, "AWS::Lambda::EventInvokeConfig") {
        let on_failure = &invoked["DestinationConfig"]["OnFailure"]["Destination"];
        let function = invoked["FunctionName"]["Ref"].as_str().unwrap();
        match on_failure {
            // CloudFormation itself waits for the answer of the topics' function.
            Value::Null => assert_eq!(function, "KafkaTopicsFunction", "{id}"),
            destination => {
                assert_eq!(*destination, queue, "{id}");
                kept.insert(function);
            }
        }
    }
    assert_eq!(kept, scheduled);
    studio.stop().await;
}

/// The shortest is a minute. The other tests stop all of them, and invoke the functions by hand.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_invokes_its_function_on_this_machine_too() {
    let with_schedules = Studio::start_with(|options| {
        options.poll = false;
        options.schedules = true;
    });
    let studio = with_schedules.await;
    let aws = &studio.stack.clients.aws;
    let ran = async || {
        let logged = logged_since(aws, "/aws/lambda/studio-watch-local", 0).await;
        logged.is_ok_and(|lines| !lines.is_empty())
    };
    until("`watch` is invoked", ran).await;
    studio.stop().await;
}
