//! The queue of pictures and its dead-letter queue: their mappings, and the concurrency of `render`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{of_type, processed};
use crate::harness::Studio;

/// The default of a parameter, which is a number.
fn default_of(template: &Value, parameter: &str) -> u64 {
    let default = &template["Parameters"][parameter]["Default"];
    default
        .as_u64()
        .unwrap_or_else(|| panic!("{parameter}: {default}"))
}

/// The reserved concurrency and the concurrency of the queue's mapping, in each stage: of the two
/// settings, `infra/samconfig.toml` may have any.
fn concurrency_of_stages(template: &Value) -> Vec<(u64, u64)> {
    let samconfig = include_str!("../../../infra/samconfig.toml");
    let stages = samconfig.split(".deploy.parameters]").skip(1);
    let of_stage = |stage: &str| {
        let setting = |name: &str| -> Option<u64> {
            let (_, rest) = stage.split_once(&format!("\"{name}="))?;
            rest.split('"').next()?.parse().ok()
        };
        let number = |name| setting(name).unwrap_or_else(|| default_of(template, name));
        (number("RenderReserved"), number("RenderConcurrency"))
    };
    stages.map(of_stage).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deployed_queue_keeps_its_promises() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let template = processed(&studio).await;
    let function = &template["Resources"]["RenderFunction"]["Properties"];

    let mappings = of_type(&template, "AWS::Lambda::EventSourceMapping");
    let mappings: BTreeMap<&str, &Value> = mappings
        .into_iter()
        .filter(|(_, mapping)| !mapping["Topics"].is_array())
        .map(|(id, mapping)| (id.as_str(), mapping))
        .collect();
    let concurrency = json!({ "Ref": "RenderConcurrency" });
    let at_once = 2;
    for (id, queue, batch, most) in [
        ("RenderMessages", "RenderQueue", 10, concurrency),
        (
            "RenderDeadLetters",
            "RenderDeadLetterQueue",
            1,
            json!(at_once),
        ),
    ] {
        let mapping = mappings[format!("RenderFunction{id}").as_str()];
        let source = json!({ "Fn::GetAtt": [queue, "Arn"] });
        assert_eq!(mapping["EventSourceArn"], source, "{id}");
        assert_eq!(mapping["FunctionName"], json!({ "Ref": "RenderFunction" }));
        assert_eq!(mapping["BatchSize"], batch, "{id}");
        assert_eq!(
            mapping["MaximumBatchingWindowInSeconds"], 0,
            "{id}: a picture would wait for others"
        );
        // Without this flag Lambda deletes what the response names.
        let reports = json!(["ReportBatchItemFailures"]);
        assert_eq!(mapping["FunctionResponseTypes"], reports, "{id}");
        assert_eq!(mapping["ScalingConfig"]["MaximumConcurrency"], most, "{id}");
    }
    // Besides these, the queue of notices has one, where teams are told of failed jobs.
    let notices = mappings["NotifyFunctionNotices"];
    let reports = json!(["ReportBatchItemFailures"]);
    assert_eq!(notices["FunctionResponseTypes"], reports);
    assert_eq!(mappings.len(), 3);

    // A batch that is turned away counts as received, and after five a message is dead.
    let reserved = &function["ReservedConcurrentExecutions"];
    assert_eq!(*reserved, json!({ "Ref": "RenderReserved" }));
    let stages = concurrency_of_stages(&template);
    assert!(stages.len() >= 2, "{stages:?}");
    for (reserved, rendering) in stages {
        assert!(reserved >= rendering + at_once, "{reserved} {rendering}");
    }
    // A message that is put off goes back to the queue that it came from, any number of times. Lambda
    // stops other functions that do so after sixteen (Lambda Developer Guide, invocation-recursion).
    assert_eq!(function["RecursiveLoop"], "Allow");
    // AWS recommends six times the timeout (Lambda Developer Guide, services-sqs-configure).
    let visibility = default_of(&template, "RenderVisibilitySeconds");
    let timeout = function["Timeout"].as_u64().unwrap();
    assert!(visibility >= 6 * timeout, "{visibility} s, {timeout} s");
    studio.stop().await;
}
