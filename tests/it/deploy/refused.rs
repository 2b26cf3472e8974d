//! What `infra/deploy` does not deploy.

use serde_json::json;

use super::{
    is_left_to_the_night,
    world::{STACK, STAGE, World, changed, parameters},
};
use crate::harness::until;

#[tokio::test(flavor = "multi_thread")]
async fn no_at_a_first_deployment_leaves_no_empty_stack() {
    if is_left_to_the_night() {
        return;
    }
    let world = World::start().await;
    let ran = world.run(&[STAGE], &[], "N\n").await;
    ran.ended(3, "nothing is deployed");
    ran.said("CloudFormation stack changeset");
    ran.never_said("an event came through");
    assert_eq!(world.status().await, None, "nor is an empty stack left");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failed_first_try_left_is_deleted_only_after_a_yes() {
    if is_left_to_the_night() {
        return;
    }
    let world = World::start().await;
    // A stack as a script left it that did not ask CloudFormation to delete it.
    let taken = "taken-bucket";
    let create = world.clients.s3.create_bucket().bucket(taken);
    create.send().await.unwrap();
    let bucket = json!({ "Type": "AWS::S3::Bucket", "Properties": { "BucketName": taken } });
    let template = json!({ "Resources": { "Bucket": bucket } }).to_string();
    let create = ["cloudformation", "create-stack", "--stack-name", STACK];
    let create = [&create[..], &["--template-body", &template]].concat();
    world.aws(&create).await;
    let rolled_back = Some("ROLLBACK_COMPLETE");
    until("the stack is rolled back", async || {
        world.status().await.as_deref() == rolled_back
    })
    .await;

    let ran = world.run(&[STAGE], &[], "N\n").await;
    ran.ended(3, "nothing is deployed");
    assert_eq!(world.status().await.as_deref(), rolled_back);
    // After the yes, the change set is one of a new stack, which the emulator would refuse of the
    // old one, as AWS does.
    let ran = world.run(&[STAGE], &[], "y\nN\n").await;
    ran.ended(3, "nothing is deployed");
    ran.said("CloudFormation stack changeset");
    assert_eq!(world.status().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn ill_formed_parameters_are_refused_before_anything_is_built() {
    let world = World::start().await;
    let cases = [
        ("Colour", "red", "infra/parameters.py: Colour: red"),
        ("Topics", "mine", "infra/parameters.py: Topics: mine"),
        (
            "LogRetentionDays",
            "fortnight",
            "infra/parameters.py: LogRetentionDays: fortnight",
        ),
        (
            "Stage",
            "production",
            "infra/parameters.py: Stage: production",
        ),
        (
            "KafkaRootsPem",
            "-----BEGIN CERTIFICATE-----",
            "infra/parameters.py: KafkaRootsPem: ",
        ),
        ("ProviderSettings", "{", "ProviderSettings is refused"),
        (
            "KafkaBootstrapServers",
            "b-1.other:9098",
            "infra/parameters.py: KafkaBootstrapServers: ",
        ),
    ];
    for (key, value, said) in cases {
        world.write_parameters(&changed(&[(key, value)]));
        refuses(&world, &[], said).await;
    }
    world.write_parameters(&parameters());
    let elsewhere = "arn:aws:kafka:ap-south-1:000000000000:cluster/studio-tests/1";
    let elsewhere = [("KAFKA_CLUSTER_ARN", elsewhere)];
    refuses(&world, &elsewhere, "infra/parameters.py: KafkaClusterArn: ").await;
    assert_eq!(world.status().await, None);
}

/// Fails unless a deployment is refused before `make` runs, with these words.
async fn refuses(world: &World, environment: &[(&str, &str)], said: &str) {
    let environment = [environment, &[("BUILT", ""), ("YES", "1")]].concat();
    let ran = world.run(&[STAGE], &environment, "").await;
    ran.ended(2, said);
    ran.never_said("make:");
}
