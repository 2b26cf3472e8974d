//! The commands that stop, start and delete a stage.

use std::time::Duration;

use super::world::{STACK, STAGE, World, changed};

#[tokio::test(flavor = "multi_thread")]
async fn pause_and_resume_say_what_is_true() {
    let world = World::deployed().await;
    let ran = world.run(&["pause", STAGE], &[], "").await;
    ran.ended(0, &format!("{STAGE} are Disabled"));
    assert_eq!(world.mappings().await, ["Disabled"; 6]);

    for nobody in [
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", "not-its-secret"),
    ] {
        let ran = world.run(&["resume", STAGE], &[nobody], "").await;
        assert_eq!(ran.code, Some(1), "{nobody:?}");
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
    assert_eq!(ran.code, Some(1));
    ran.said("is Disabling");
    ran.never_said("are Disabled");
    assert!(ran.took < Duration::from_secs(40), "{:?}", ran.took);
}

#[tokio::test(flavor = "multi_thread")]
async fn destroy_keeps_the_data_and_a_protected_stack() {
    let world = World::deployed().await;
    let before = world.version().await;
    // An update that is refused leaves everything as it was, and no change set to carry out.
    world.write_parameters(&changed(&[("LogRetentionDays", "30")]));
    let ran = world.run(&[STAGE], &[], "N\n").await;
    ran.ended(3, "nothing is deployed");
    assert_eq!(world.version().await, before);
    let list = ["cloudformation", "list-change-sets", "--stack-name", STACK];
    let sets = world.aws(&list).await["Summaries"].clone();
    let sets = sets.as_array().unwrap().iter();
    let open = sets.filter(|set| set["ExecutionStatus"] == "AVAILABLE");
    assert_eq!(open.count(), 0);

    let ran = world
        .run(&["destroy", "production"], &[("YES", "1")], "")
        .await;
    ran.ended(2, "production is not destroyed by a script");
    let ran = world.run(&["destroy", STAGE], &[("YES", "1")], "").await;
    ran.ended(1, &format!("{STACK} is protected"));
    let unprotect = ["cloudformation", "update-termination-protection"];
    let it = ["--no-enable-termination-protection", "--stack-name", STACK];
    world.aws(&[&unprotect[..], &it].concat()).await;
    let ran = world.run(&["destroy", STAGE], &[], "studio-stagin\n").await;
    ran.ended(3, "nothing is deleted");
    assert_eq!(world.version().await, before);

    let typed = format!("{STACK}\n");
    let ran = world.run(&["destroy", STAGE], &[], &typed).await;
    ran.ended(
        0,
        &format!("{STACK} is gone; its table, its secret and its buckets are kept"),
    );
    assert_eq!(world.status().await, None);
    assert_eq!(world.tables().await, [STACK]);
    let kept = ["assets", "dead-letters"].map(|what| format!("eventzr-studio-{what}-{STAGE}"));
    assert_eq!(world.buckets().await, kept);
}
