//! A vendor's line: every job has its turn, and no slot stays held, though calls are lost and messages
//! come twice.

use model::{TurnBounds, TurnFault, TurnPromise, walk_turns};

fn holds(bounds: TurnBounds) {
    let found = walk_turns(bounds, None).unwrap_or_else(|stuck| {
        panic!("{bounds:?}: {:?}\n{}", stuck.promise, stuck.trace);
    });
    println!("{bounds:?}: {found:?}");
    assert!(found.states > 100, "{found:?}");
}

/// The shortest way to break `promise` without a rule.
fn broken(promise: TurnPromise, rule: TurnFault, bounds: TurnBounds) -> String {
    let stuck = walk_turns(bounds, Some(rule)).expect_err("all is kept without the rule");
    assert_eq!(stuck.promise, promise);
    stuck.trace
}

const ONE_LOST: TurnBounds = TurnBounds {
    lost: 1,
    ..TurnBounds::CALM
};

const ONE_CRASH: TurnBounds = TurnBounds {
    crashes: 1,
    ..TurnBounds::CALM
};

#[test]
fn two_jobs_have_their_turns_one_after_the_other() {
    holds(TurnBounds::CALM);
}

#[test]
fn a_wake_up_that_is_lost_is_made_up_for() {
    holds(TurnBounds {
        lost: 2,
        ..TurnBounds::CALM
    });
}

#[test]
fn an_invocation_that_dies_between_the_release_and_the_next_turn_holds_nothing_up() {
    holds(TurnBounds {
        crashes: 2,
        ..TurnBounds::CALM
    });
}

#[test]
fn messages_and_wake_ups_that_come_twice_change_nothing() {
    holds(TurnBounds {
        duplicates: 1,
        lost: 1,
        ..TurnBounds::CALM
    });
}

#[test]
fn a_job_that_is_cancelled_keeps_no_slot_and_no_place() {
    holds(TurnBounds {
        cancels: 1,
        crashes: 1,
        ..TurnBounds::CALM
    });
}

#[test]
fn without_a_sweep_that_gives_out_slots_a_lost_wake_up_leaves_a_job_in_its_line() {
    let without = TurnFault::NoWakeUpSweep;
    insta::assert_snapshot!(broken(TurnPromise::JobsEnd, without, ONE_LOST));
}

#[test]
fn a_lease_that_never_runs_out_holds_the_slot_for_ever() {
    let without = TurnFault::LeaseForEver;
    insta::assert_snapshot!(broken(TurnPromise::JobsEnd, without, ONE_CRASH));
}
