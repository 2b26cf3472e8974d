//! `infra/deploy`, with the real `sam` and `aws`, against AWS's emulator: what it deploys, what it
//! refuses, what it takes back, and its exit codes and last words. What the emulator does otherwise
//! than AWS is listed in docs/testing.md, and so is what only `make nightly` runs.

mod back;
mod destroyed;
mod first;
mod refused;
mod stage;
mod whole;
mod world;

use crate::harness::is_nightly;

/// Whether a test is left to `make nightly`, because a deployment takes many processes of `aws` and
/// `sam`. Says so.
fn is_left_to_the_night() -> bool {
    let is_left = !is_nightly();
    if is_left {
        println!("not tried, because only `make nightly` has time for each deployment");
    }
    is_left
}
