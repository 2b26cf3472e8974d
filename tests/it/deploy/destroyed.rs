//! The end of a stage.

use super::{
    is_left_to_the_night,
    world::{STACK, STAGE, World},
};
use crate::harness::until;

/// The log group of a function, made again by Lambda for a line that comes after the stack is gone.
async fn a_late_line_makes(world: &World, group: &str) {
    until("the stack is gone", async || world.status().await.is_none()).await;
    let create = ["logs", "create-log-group", "--log-group-name", group];
    world.aws(&create).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn destroy_keeps_the_data_and_a_protected_stack() {
    if is_left_to_the_night() {
        return;
    }
    let world = World::deployed().await;
    let before = world.version().await;
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
    let late = format!("/aws/lambda/studio-render-{STAGE}");
    let (ran, ()) = tokio::join!(
        world.run(&["destroy", STAGE], &[], &typed),
        a_late_line_makes(&world, &late)
    );
    ran.ended(
        0,
        &format!("{STACK} is gone; its table, its secret and its buckets are kept"),
    );
    assert_eq!(world.status().await, None);
    assert_eq!(world.tables().await, [STACK]);
    let kept = ["assets", "dead-letters"].map(|what| format!("eventzr-studio-{what}-{STAGE}"));
    assert_eq!(world.buckets().await, kept);
    let groups = world.aws(&["logs", "describe-log-groups"]).await;
    assert_eq!(groups["logGroups"], serde_json::json!([]), "{late} is back");

    let ran = world.deploy().await;
    ran.ended(1, &format!("the table {STACK} is there already"));
    assert_eq!(world.status().await, None);
}
