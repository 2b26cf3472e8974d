//! When `infra/deploy` goes back to the version before, and when it does not.

use super::world::{STACK, STAGE, World, parameters};
use crate::harness::is_nightly;

/// The parameters of the next version, of which several kinds differ from those before.
fn next() -> Vec<(&'static str, String)> {
    let mut next = parameters();
    for (key, value) in &mut next {
        match *key {
            "LogRetentionDays" => "30".clone_into(value),
            "AssetBaseUrl" => "https://assets.example".clone_into(value),
            "ImageProviders" | "ProviderSettings" | "KafkaRootsPem" => value.clear(),
            _ => {}
        }
    }
    next.retain(|(key, value)| *key != "ImageProviders" || !value.is_empty());
    next
}

/// Adds a value to a metric of Lambda's about a function of the stage.
async fn measure(world: &World, function: &str, metric: &str, value: u32) {
    let data = format!(
        "MetricName={metric},Value={value},\
         Dimensions=[{{Name=FunctionName,Value=studio-{function}-{STAGE}}}]"
    );
    let put = ["cloudwatch", "put-metric-data", "--namespace", "AWS/Lambda"];
    world
        .aws(&[&put[..], &["--metric-data", &data]].concat())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_version_is_rolled_back_with_its_parameters() {
    let world = World::deployed().await;
    let before = world.version().await;
    world.write_parameters(&next());
    // A job that failed; in `make nightly` also a function that cannot start, and a consumer that
    // fails the event.
    let outcomes = ["failed", "crash", "not-taken"];
    for outcome in &outcomes[..if is_nightly() { 3 } else { 1 }] {
        if *outcome == "not-taken" {
            measure(&world, "event-created", "Errors", 3).await;
        }
        world.smoke_answers(outcome);
        let ran = world.deploy().await;
        ran.ended(4, &format!("{STACK} is as it was before"));
        ran.never_said("an event came through");
        assert_eq!(world.version().await, before, "after {outcome}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lag_credentials_and_paused_mappings_roll_nothing_back() {
    let world = World::deployed().await;
    let before = world.version().await;
    let not_proven = format!("{STACK} is deployed, and not proven");

    world.smoke_answers("not-taken");
    measure(&world, "event-created", "OffsetLag", 42).await;
    let ran = world.deploy().await;
    ran.ended(5, &not_proven);
    ran.said("42 records behind");
    let deployed = world.version().await;
    assert_ne!(deployed.code, before.code);

    let refused = world.refuse("lambda", "Invoke", "ExpiredTokenException");
    world.deploy().await.ended(5, &not_proven);
    assert!(refused.count() > 0);
    world.bare.proxy.heal();
    assert_eq!(world.version().await, deployed);

    world
        .run(&["pause", STAGE], &[], "")
        .await
        .ended(0, "Disabled");
    world.bare.proxy.clear();
    let ran = world.deploy().await;
    let resume = format!("6 mappings are paused, so no event was sent: make resume STAGE={STAGE}");
    ran.ended(0, &resume);
    assert_eq!(world.calls("lambda", "Invoke"), 0);
    assert_eq!(world.version().await, deployed);
}
