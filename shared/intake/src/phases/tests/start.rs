//! The third phase: jobs are started, and entries without jobs are marked published.

use super::{
    script::Answer,
    world::{NONE, World},
};

#[test]
fn a_record_is_delivered_again_until_its_jobs_are_started_or_it_is_marked() {
    for (name, call) in [
        ("b1", "start b1 poster"),
        ("b1", "start b1 invitation"),
        ("a10", "mark a10"),
    ] {
        for answer in [Answer::Fails, Answer::IsLost] {
            let mut world =
                World::of(&[(0, &["a1", name, "c1"]), (1, &["d1"])]).where_call(call, answer);
            assert_eq!(world.deliver(), ["0@1", "0@2"]);
            assert!(
                ["0@0", "0@2", "1@0"]
                    .iter()
                    .all(|place| world.is_over(place))
            );
            assert_eq!(world.deliver_again(), ["0@1", "0@2"]);
            world.settles();
        }
    }
}

#[test]
fn a_redelivered_record_is_published_again_until_all_of_its_jobs_are_closed() {
    let mut world = World::of(&[(0, &["a1"])]);
    assert_eq!(world.deliver(), NONE);
    world.script.closes("a1 poster");
    assert_eq!(world.deliver(), NONE);
    // The same bytes, or the script would panic.
    assert_eq!(world.published(), ["a1", "a1"]);
    world.script.closes("a1 invitation");
    assert_eq!(world.deliver(), NONE);
    assert_eq!(world.published(), ["a1", "a1"]);
    world.settles();
}

#[test]
fn a_redelivered_record_without_jobs_is_published_once() {
    let mut world = World::of(&[(0, &["a1", "a10"])]);
    assert_eq!(world.deliver(), NONE);
    assert_eq!(world.deliver(), NONE);
    assert_eq!(world.published(), ["a1", "a10", "a1"]);
    world.settles();
}

#[test]
fn a_job_is_started_again_until_that_succeeds() {
    let mut world = World::of(&[(0, &["a1"])])
        .where_call("start a1 poster", Answer::FailsAfter("start a1 invitation"));
    for _ in 0..2 {
        assert_eq!(world.deliver(), ["0@0"]);
        assert!(!world.is_over("0@0"));
    }
    world.settles();
}

#[test]
fn jobs_and_marks_do_not_wait_for_each_other() {
    for (waits, other) in [
        ("start a1 poster", "start a1 invitation"),
        ("start a1 invitation", "mark a10"),
        ("mark a10", "start b1 poster"),
        ("start a1 poster", "start b1 poster"),
    ] {
        let mut world =
            World::of(&[(0, &["a1", "a10", "b1"])]).where_call(waits, Answer::Follows(other));
        assert_eq!(world.deliver(), NONE, "{waits} waits for {other}");
        world.settles();
    }
}
