//! A first deployment that fails.

use super::{
    is_left_to_the_night,
    world::{STACK, World, changed},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deployment_that_fails_leaves_nothing_and_its_second_try_succeeds() {
    if is_left_to_the_night() {
        return;
    }
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
