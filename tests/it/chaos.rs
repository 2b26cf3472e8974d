//! The storm, short: what `make chaos` does for ten minutes a seed.

use chaos::{Plan, run};
use local::checkout::Checkout;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_storm_nothing_is_lost_nothing_is_twice_and_whatever_can_never_succeed_is_set_aside() {
    let plan = Plan::short(20_261_127);
    let audit = run(Checkout::find().unwrap(), &plan, |what| println!("{what}")).await.unwrap();
    println!("{audit}");
    assert!(audit.passes(), "run it again with `make chaos SHORT=1 SEED={}`", plan.seed);
}
