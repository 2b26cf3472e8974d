//! The first deployment of a stage.

use super::world::{STACK, World, changed, parameters};

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deployment_brings_every_kind_of_parameter_whole() {
    let world = World::start().await;
    world.bare.proxy.clear();
    let ran = world.deploy().await;
    ran.ended(
        0,
        &format!("{STACK} is deployed, and an event came through it"),
    );
    ran.said("CloudFormation stack changeset");
    assert_eq!(world.calls("lambda", "Invoke"), 1, "one smoke check");

    let deployed = world.version().await.parameters;
    for (key, value) in parameters() {
        assert_eq!(deployed[key], value, "{key}");
    }
    // Those that infra/samconfig.toml does not have: looked up, or of the environment.
    assert_eq!(
        deployed["KafkaBootstrapServers"],
        "b-1.studio-tests.ministack.local:9098"
    );
    assert_eq!(deployed["SubnetIds"], "subnet-0a1,subnet-0b2");
    assert_eq!(deployed["SecurityGroupIds"], "sg-0c3");
    // What a function reads of them.
    let completion = world.environment("completion").await;
    let written = |key: &str| {
        parameters()
            .into_iter()
            .find(|(name, _)| *name == key)
            .unwrap()
            .1
    };
    assert_eq!(completion["PROVIDER_SETTINGS"], written("ProviderSettings"));
    assert_eq!(completion["KAFKA_ROOTS_PEM"], written("KafkaRootsPem"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deployment_that_fails_leaves_nothing_and_its_second_try_succeeds() {
    let world = World::start().await;
    // The topics are made when the table and the buckets are there.
    world.write_parameters(&changed(&[("Topics", "made")]));
    world.smoke_answers("no-topics");
    let ran = world.deploy().await;
    ran.ended(1, "nothing is deployed");
    ran.said("CREATE_FAILED");
    assert_eq!(world.status().await, None);
    assert_eq!(world.buckets().await, [] as [String; 0]);
    assert_eq!(world.tables().await, [] as [String; 0]);

    world.smoke_answers("through");
    let words = format!("{STACK} is deployed, and an event came through it");
    world.deploy().await.ended(0, &words);
}
