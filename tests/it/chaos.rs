//! The short storm; `make chaos` has more than three thousand jobs for each seed.

use chaos::{Plan, run};
use local::checkout::Checkout;

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_loses_and_duplicates_nothing() {
    let plan = Plan::short(20_261_127);
    let audit = run(Checkout::find().unwrap(), &plan, |what| println!("{what}"))
        .await
        .unwrap();
    println!("{audit}");
    assert!(
        audit.passes(),
        "run it again with `make chaos SHORT=1 SEED={}`",
        plan.seed
    );
}
