//! What `infra/deploy` does not deploy.

use super::world::{STAGE, World, changed, parameters};

#[tokio::test(flavor = "multi_thread")]
async fn no_at_the_prompt_says_that_nothing_is_deployed() {
    let world = World::start().await;
    let ran = world.run(&[STAGE], &[], "N\n").await;
    ran.ended(3, "nothing is deployed");
    ran.said("CloudFormation stack changeset");
    ran.never_said("an event came through");
    assert_eq!(world.status().await, None, "nor is an empty stack left");
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
