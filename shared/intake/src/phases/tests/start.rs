//! The third phase: jobs are started, and entries are marked published.

use super::{
    script::Answer,
    world::{NONE, World},
};

#[test]
fn a_record_is_delivered_again_until_its_jobs_are_started_and_it_is_marked() {
    for call in ["start b1 poster", "start b1 invitation", "mark b1"] {
        for answer in [Answer::Fails, Answer::IsLost] {
            let mut world =
                World::of(&[(0, &["a1", "b1", "c1"]), (1, &["d1"])]).where_call(call, answer);
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
fn jobs_are_started_again_although_their_entry_is_marked_published() {
    let mut world =
        World::of(&[(0, &["a1"])]).where_call("start a1 poster", Answer::FailsAfter("mark a1"));
    for _ in 0..2 {
        assert_eq!(world.deliver(), ["0@0"]);
        assert_eq!(world.published(), ["a1"], "once");
        assert!(!world.is_over("0@0"));
    }
    world.settles();
}

#[test]
fn the_jobs_of_a_record_and_its_mark_do_not_wait_for_each_other() {
    for (waits, other) in [
        ("start a1 poster", "start a1 invitation"),
        ("start a1 invitation", "mark a1"),
        ("mark a1", "start a1 poster"),
        ("start a1 poster", "mark b1"),
    ] {
        let mut world = World::of(&[(0, &["a1", "b1"])]).where_call(waits, Answer::Follows(other));
        assert_eq!(world.deliver(), NONE, "{waits} waits for {other}");
        world.settles();
    }
}
