//! What a vendor makes: it is started while there is room at the vendor, and waits for its turn
//! otherwise.

use domain::{Caps, ConcurrencyLimits, Job, LONGEST_WAIT_SECONDS, ProviderId, derive};

use super::{
    script::{Answer, State},
    world::{NONE, World},
};
use crate::example::{at, decided};

/// So many slots, of which another job holds one.
fn one_of(slots: usize) -> ConcurrencyLimits {
    let caps = Caps {
        in_flight: slots,
        per_tenant: slots,
    };
    let tenant = decided("e").jobs[0].tenant.clone();
    let holder = derive(&[b"another job"]);
    let taken = ConcurrencyLimits::default().taken(holder, &tenant, caps, at(0), at(600));
    taken.expect("there is a slot")
}

/// The other job releases its slot.
fn release(state: &mut State) {
    let holder = derive(&[b"another job"]);
    state.limits = state.limits.clone().released(holder).unwrap();
}

/// The video `v`, whose vendor has one slot, which is taken.
fn crowded() -> World {
    let world = World::of(&["v"]);
    world.script.state().limits = one_of(1);
    world
}

fn video(world: &World) -> Job {
    world.script.state().job("v video")
}

fn started(world: &World) -> Vec<String> {
    world.script.state().started.clone()
}

#[test]
fn a_long_job_without_a_free_slot_waits_for_its_turn_without_an_execution() {
    let world = crowded();
    assert_eq!(world.deliver_all(&["v"]), NONE);
    assert_eq!(world.put_off(), [], "its message is done with");
    assert_eq!(started(&world), NONE);
    assert_eq!(video(&world).waits_for(), Some(ProviderId::Runway));
    // Another message about it changes nothing.
    assert_eq!(world.deliver_all(&["v"]), NONE);
    assert_eq!(world.calls("join"), NONE);
    assert_eq!(started(&world), NONE);
    assert_eq!(video(&world).version, 2);
}

#[test]
fn a_batch_starts_as_many_jobs_as_there_are_slots() {
    let world = World::of(&["v1", "v2", "v3", "v4"]);
    world.script.state().limits = one_of(3);
    assert_eq!(world.deliver_all(&["v1", "v2", "v3", "v4"]), NONE);
    assert_eq!(started(&world).len(), 2);
    let state = world.script.state();
    let in_line = state.jobs.values().filter(|job| job.waits_for().is_some());
    assert_eq!(in_line.count(), 2);
}

#[test]
fn a_batch_reads_the_leases_of_a_vendor_once_if_none_has_to_wait() {
    let world = World::of(&["v1", "v2", "v3"]);
    world.script.state().limits = one_of(4);
    assert_eq!(world.deliver_all(&["v1", "v2", "v3"]), NONE);
    assert_eq!(started(&world).len(), 3);
    assert_eq!(world.calls("limits"), ["limits runway"]);
}

#[test]
fn a_slot_that_becomes_free_while_a_job_joins_the_line_is_not_left_to_the_sweep() {
    let world = crowded().where_call("join v video", Answer::Follows(release));
    assert_eq!(world.deliver_all(&["v"]), NONE);
    assert_eq!(started(&world), ["v video"]);
    assert_eq!(video(&world).waits_for(), None);
    assert_eq!(world.put_off(), []);
}

#[test]
fn a_job_that_may_not_even_wait_is_closed() {
    let world = crowded();
    world.script.state().open_before = 1000;
    assert_eq!(world.deliver_all(&["v"]), NONE);
    assert_eq!(world.end_of("v video"), "too-many-open");
    assert_eq!(world.calls("join"), NONE);
    assert_eq!(started(&world), NONE);
    // With a free slot it is not counted what came before it.
    let world = World::of(&["v"]);
    world.script.state().limits = one_of(2);
    world.script.state().open_before = 1000;
    assert_eq!(world.deliver_all(&["v"]), NONE);
    assert_eq!(started(&world), ["v video"]);
}

#[test]
fn a_job_that_cannot_join_the_line_is_put_off() {
    for call in ["limits runway", "count v video", "join v video"] {
        for answer in [Answer::Fails, Answer::IsLost] {
            let world = crowded().where_call(call, answer);
            assert_eq!(world.deliver_all(&["v"]), NONE, "{call}");
            assert_eq!(world.put_off().len(), 1, "{call}");
            world.script.heals();
            assert_eq!(world.deliver_what_was_put_off(), NONE, "{call}");
            assert_eq!(world.put_off(), [], "{call}");
            let waits_for = video(&world).waits_for();
            assert_eq!(waits_for, Some(ProviderId::Runway), "{call}");
            assert_eq!(started(&world), NONE, "{call}");
        }
    }
}

#[test]
fn a_job_that_was_woken_and_may_not_be_started_is_started_by_its_message() {
    let world = crowded()
        .where_call("join v video", Answer::Follows(release))
        .where_call("wake v video", Answer::IsLost);
    assert_eq!(world.deliver_all(&["v"]), NONE);
    assert_eq!(world.put_off().len(), 1);
    world.script.heals();
    assert_eq!(world.deliver_what_was_put_off(), NONE);
    assert_eq!(world.calls("start"), ["start v video"]);
    assert_eq!(video(&world).waits_for(), None);
    assert_eq!(world.put_off(), []);
}

/// Another delivery of its message has the video wait.
fn join_line(state: &mut State) {
    let video = state.job("v video");
    state.stores(video.waiting(ProviderId::Runway, at(5)));
}

#[test]
fn a_job_that_joins_its_line_meanwhile_is_left_there_and_not_closed() {
    let world = crowded().where_call("write v video", Answer::Follows(join_line));
    world.script.state().open_before = 1000;
    assert_eq!(world.deliver_all(&["v"]), NONE);
    assert_eq!(video(&world).waits_for(), Some(ProviderId::Runway));
    assert_eq!(world.published(), NONE);
    assert_eq!(world.put_off(), []);
}

#[test]
fn a_job_in_its_line_is_not_woken_while_step_functions_is_away() {
    let world = World::of(&["v1", "v2"])
        .where_call("start v1 video", Answer::Fails)
        .where_call("join v2 video", Answer::Follows(release));
    world.script.state().limits = one_of(2);
    // What was received more often comes later.
    let batch = [world.message("v1"), world.message("v2").received(2)];
    assert_eq!(world.deliver(&batch), NONE);
    assert_eq!(world.calls("wake"), NONE);
    let waiting = world.script.state().job("v2 video");
    assert_eq!(waiting.waits_for(), Some(ProviderId::Runway));
    assert_eq!(world.put_off().len(), 1, "what could not be started");
}

#[test]
fn a_job_has_its_whole_wait_however_old_it_is_when_it_joins_the_line() {
    let world = crowded();
    {
        let mut state = world.script.state();
        let video = state.job("v video");
        let old = Job {
            created_at: at(0).minus_seconds(3 * LONGEST_WAIT_SECONDS),
            ..video
        };
        state.stores(old);
    }
    assert_eq!(world.deliver_all(&["v"]), NONE);
    assert_eq!(video(&world).deadline, at(10 + LONGEST_WAIT_SECONDS));
}
