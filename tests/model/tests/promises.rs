//! Every promise holds in every state of some small worlds. `make model` walks through larger ones.

use model::{Bounds, Promise, walk};

fn holds(bounds: Bounds) {
    let found = walk(bounds, &[], &Promise::ALL).unwrap_or_else(|broken| {
        panic!("{bounds:?}: {}\n{}", broken.promise, broken.trace);
    });
    println!("{bounds:?}: {found:?}");
    assert!(found.states > 1000, "{found:?}");
}

#[test]
fn of_two_events_in_any_order() {
    holds(Bounds {
        inbound: 2,
        duplicates: 1,
        ..Bounds::CALM
    });
}

#[test]
fn of_an_event_with_a_crash_and_a_duplicate() {
    holds(Bounds {
        crashes: 1,
        duplicates: 1,
        ..Bounds::CALM
    });
}

/// A message goes to the dead-letter queue after a crash, and its giving up dies as well.
#[test]
fn of_an_event_with_two_crashes_and_a_lost_message() {
    holds(Bounds {
        crashes: 2,
        lost: 1,
        ..Bounds::CALM
    });
}

/// An end that Kafka does not take is published by the sweep if its message is lost.
#[test]
fn of_an_event_whose_message_is_put_off_and_lost() {
    holds(Bounds {
        lost: 2,
        ..Bounds::CALM
    });
}

#[test]
fn of_an_event_with_a_lost_answer_and_a_cancelled_job() {
    holds(Bounds {
        lost: 1,
        cancels: 1,
        duplicates: 1,
        ..Bounds::CALM
    });
}

#[test]
fn of_a_reused_id_with_a_crash() {
    holds(Bounds {
        inbound: 2,
        reused: true,
        crashes: 1,
        ..Bounds::CALM
    });
}

#[test]
fn of_two_jobs_with_a_crash_and_a_cancelled_job() {
    holds(Bounds {
        two_jobs: true,
        crashes: 1,
        cancels: 1,
        ..Bounds::CALM
    });
}

#[test]
fn of_an_erased_tenant() {
    holds(Bounds {
        crashes: 1,
        erase: true,
        ..Bounds::CALM
    });
}

#[test]
fn of_an_erased_tenant_with_two_jobs() {
    holds(Bounds {
        two_jobs: true,
        erase: true,
        ..Bounds::CALM
    });
}

#[test]
fn of_a_dead_letter_of_an_erased_tenant() {
    holds(Bounds {
        inbound: 2,
        reused: true,
        crashes: 1,
        duplicates: 1,
        erase: true,
        at_once: 1,
        ..Bounds::CALM
    });
}

#[test]
fn of_a_long_job_with_a_crash() {
    holds(Bounds {
        long: true,
        crashes: 1,
        ..Bounds::CALM
    });
}

#[test]
fn of_a_long_job_with_a_lost_answer() {
    holds(Bounds {
        long: true,
        lost: 1,
        ..Bounds::CALM
    });
}

#[test]
fn of_a_long_job_of_an_erased_tenant() {
    holds(Bounds {
        long: true,
        erase: true,
        ..Bounds::CALM
    });
}

/// The larger worlds, each with one more of everything up to `MODEL_BOUND`, which is 1 if it is not
/// set.
#[test]
#[ignore = "minutes, and gigabytes: `make model`"]
#[expect(
    clippy::disallowed_methods,
    reason = "a test reads it, and no function does"
)]
fn of_larger_worlds() {
    let bound = std::env::var("MODEL_BOUND").ok();
    let bound: u8 = bound.map_or(1, |text| {
        text.parse().expect("MODEL_BOUND is a small number")
    });
    for long in [false, true] {
        let one = Bounds {
            long,
            crashes: bound,
            ..Bounds::CALM
        };
        for bounds in [
            Bounds { lost: bound, ..one },
            Bounds { cancels: 1, ..one },
            Bounds {
                duplicates: bound,
                ..one
            },
            Bounds { erase: true, ..one },
            Bounds {
                crashes: 0,
                lost: bound,
                erase: true,
                ..one
            },
            Bounds {
                inbound: 2,
                crashes: 0,
                duplicates: bound,
                ..one
            },
            Bounds { inbound: 2, ..one },
        ] {
            holds(bounds);
        }
    }
    let two = Bounds {
        two_jobs: true,
        crashes: bound,
        ..Bounds::CALM
    };
    holds(Bounds { lost: bound, ..two });
    holds(Bounds { erase: true, ..two });
}
