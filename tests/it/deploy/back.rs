//! When `infra/deploy` goes back to the version before, and when it does not.

use serde_json::{Value, json};

use super::{
    is_left_to_the_night,
    world::{STACK, STAGE, Version, World, changed},
};

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

/// Deploys a version with this outcome of its smoke check. Fails unless everything is as `before`.
async fn is_rolled_back(world: &World, outcome: &str, before: &Version) {
    world.smoke_answers(outcome);
    let ran = world.deploy().await;
    let words = format!("{STACK} is as it was before, and an event came through it");
    ran.ended(4, &words);
    ran.never_said("is deployed, and");
    assert_eq!(world.version().await, *before, "after {outcome}");
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
    is_rolled_back(&world, "failed", &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_cannot_start_or_fails_its_records_is_rolled_back_and_its_cure_is_not() {
    if is_left_to_the_night() {
        return;
    }
    let world = World::deployed().await;
    let before = world.version().await;
    is_rolled_back(&world, "crash", &before).await;
    measure(&world, "event-created", "Errors", 3).await;
    measure(&world, "event-created", "Invocations", 3).await;
    is_rolled_back(&world, "not-taken", &before).await;

    world.write_parameters(&changed(&[("LogRetentionDays", "30")]));
    world.smoke_answers("through");
    let words = format!("{STACK} is deployed, and an event came through it");
    world.deploy().await.ended(0, &words);
    assert_ne!(world.version().await.parameters, before.parameters);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_behind_rolls_nothing_back() {
    if is_left_to_the_night() {
        return;
    }
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
    if is_left_to_the_night() {
        return;
    }
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
