//! One stage from its first deployment on. Its parts are one test, because the deployment is what
//! takes long.

use super::world::{STACK, STAGE, World, changed, parameters};

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_is_deployed_whole_keeps_its_version_after_a_no_and_is_paused() {
    let world = World::start().await;
    world.bare.proxy.clear();
    let ran = world.deploy().await;
    ran.ended(
        0,
        &format!("{STACK} is deployed, and an event came through it"),
    );
    ran.said("CloudFormation stack changeset");
    // `make test` has done that. Each tree would lint the template again.
    ran.never_said("cfn-lint --regions");
    assert_eq!(world.calls("lambda", "Invoke"), 1, "one smoke check");

    every_kind_of_parameter_is_whole(&world).await;
    no_at_an_update_leaves_everything_as_it_was(&world).await;
    pause_and_resume_say_what_is_true(&world).await;
}

async fn every_kind_of_parameter_is_whole(world: &World) {
    let version = world.version().await;
    let deployed = version.parameters;
    for (key, value) in parameters() {
        assert_eq!(deployed[key], value, "{key}");
    }
    assert_eq!(version.tags["cost-centre"], deployed["CostCentre"]);
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

/// Also no change set is left that could be carried out later.
async fn no_at_an_update_leaves_everything_as_it_was(world: &World) {
    let before = world.version().await;
    world.write_parameters(&changed(&[("LogRetentionDays", "30")]));
    let ran = world.run(&[STAGE], &[], "N\n").await;
    ran.ended(3, "nothing is deployed");
    ran.said("CloudFormation stack changeset");
    ran.never_said("is deployed, and");
    assert_eq!(world.version().await, before);
    let list = ["cloudformation", "list-change-sets", "--stack-name", STACK];
    let sets = world.aws(&list).await["Summaries"].clone();
    let sets = sets.as_array().unwrap().iter();
    let open = sets.filter(|set| set["ExecutionStatus"] == "AVAILABLE");
    assert_eq!(open.count(), 0);
}

async fn pause_and_resume_say_what_is_true(world: &World) {
    let ran = world.run(&["pause", STAGE], &[], "").await;
    ran.ended(0, &format!("{STAGE} are Disabled"));
    assert_eq!(world.mappings().await, ["Disabled"; 6]);

    for unknown in [
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", "not-its-secret"),
    ] {
        let ran = world.run(&["resume", STAGE], &[unknown], "").await;
        assert_eq!(ran.code, Some(1), "{unknown:?}");
        ran.never_said("are Enabled");
        assert_eq!(world.mappings().await, ["Disabled"; 6]);
    }

    let ran = world.run(&["resume", STAGE], &[], "").await;
    ran.ended(0, &format!("{STAGE} are Enabled"));
    assert_eq!(world.mappings().await, ["Enabled"; 6]);

    // Mappings that AWS does not stop: the command says which, and ends.
    world.mappings_take(1000);
    let ran = world
        .run(&["pause", STAGE], &[("DEPLOY_PATIENCE", "3")], "")
        .await;
    ran.ended(1, "after 3 s the mapping ");
    ran.said("is Disabling");
    ran.never_said("are Disabled");
}
