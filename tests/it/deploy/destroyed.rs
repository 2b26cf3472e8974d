//! The end of a stage.

use super::{
    is_left_to_the_night,
    world::{STACK, STAGE, World},
};

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
