//! The schedules: what becomes of a run that fails.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{of_type, processed};
use crate::harness::Studio;

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
    assert_eq!(scheduled, ["CompletionFunction", "OperatorFunction"].into());
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
