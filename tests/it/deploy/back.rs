//! When `infra/deploy` goes back to the version before, and when it does not.

use serde_json::{Value, json};

use super::world::{STACK, STAGE, World, changed};
use crate::harness::is_nightly;

/// Has a metric of Lambda's about a function of the stage have this value, every ten seconds for the
/// next six minutes: also in the time after a deployment.
async fn measure(world: &World, function: &str, metric: &str, value: u32) {
    let now = jiff::Timestamp::now();
    let data: Vec<Value> = (0..36)
        .map(|step| {
            json!({
                "MetricName": metric,
                "Value": value,
                "Timestamp": (now + jiff::SignedDuration::from_secs(step * 10)).to_string(),
                "Dimensions": [
                    { "Name": "FunctionName", "Value": format!("studio-{function}-{STAGE}") },
                ],
            })
        })
        .collect();
    let data = Value::from(data).to_string();
    let put = ["cloudwatch", "put-metric-data", "--namespace", "AWS/Lambda"];
    world
        .aws(&[&put[..], &["--metric-data", &data]].concat())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_version_is_rolled_back_with_its_parameters() {
    let world = World::deployed().await;
    let before = world.version().await;
    // Of each kind, one that changes: what was text is empty, and what was empty is text.
    world.write_parameters(&changed(&[
        ("LogRetentionDays", "30"),
        ("AssetBaseUrl", "https://assets.example"),
        ("CostCentre", "another"),
        ("ImageProviders", "studio-canvas"),
        ("ProviderSettings", ""),
        ("KafkaRootsPem", ""),
    ]));
    // A job that failed; in `make nightly` also a function that cannot start, and a consumer that
    // fails the event.
    let outcomes = ["failed", "crash", "not-taken"];
    for outcome in &outcomes[..if is_nightly() { 3 } else { 1 }] {
        if *outcome == "not-taken" {
            measure(&world, "event-created", "Errors", 3).await;
        }
        world.smoke_answers(outcome);
        let ran = world.deploy().await;
        let words = format!("{STACK} is as it was before, and an event came through it");
        ran.ended(4, &words);
        ran.never_said("is deployed, and");
        assert_eq!(world.version().await, before, "after {outcome}");
    }
    if is_nightly() {
        world.smoke_answers("through");
        let words = format!("{STACK} is deployed, and an event came through it");
        world.deploy().await.ended(0, &words);
        assert_ne!(world.version().await.parameters, before.parameters);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_behind_rolls_nothing_back() {
    let world = World::deployed().await;
    let before = world.version().await;
    world.smoke_answers("not-taken");
    measure(&world, "event-created", "OffsetLag", 42).await;
    let ran = world.deploy().await;
    ran.ended(5, &format!("{STACK} is deployed, and not proven"));
    ran.said(&format!(
        "studio-event-created-{STAGE} is 42 records behind"
    ));
    assert_ne!(world.version().await.code, before.code);
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_refused_smoke_check_nor_paused_mappings_roll_anything_back() {
    let world = World::start().await;
    let refused = world.refuse("lambda", "Invoke", "ExpiredTokenException");
    let ran = world.deploy().await;
    ran.ended(5, &format!("{STACK} is deployed, and not proven"));
    assert!(refused.count() > 0);
    world.bare.proxy.heal();
    let deployed = world.version().await;

    world
        .run(&["pause", STAGE], &[], "")
        .await
        .ended(0, "Disabled");
    world.bare.proxy.clear();
    world.write_parameters(&changed(&[("LogRetentionDays", "30")]));
    let ran = world.deploy().await;
    let resume = format!("6 mappings are paused, so no event was sent: make resume STAGE={STAGE}");
    ran.ended(0, &format!("{STACK} is deployed; {resume}"));
    assert_eq!(world.calls("lambda", "Invoke"), 0);
    assert_eq!(world.mappings().await, ["Disabled"; 6]);
    let updated = world.version().await;
    assert_eq!(updated.parameters["LogRetentionDays"], "30");
    assert_eq!(updated.code, deployed.code);
}
