//! A record that stops its partition and that an operator set aside.

use super::{
    script::Answer,
    world::{NONE, World},
};

#[test]
fn a_record_set_aside_becomes_a_dead_letter_and_the_rest_of_its_partition_goes_on() {
    for call in ["commit b1", "publish b1", "sent b1"] {
        let mut world = World::of(&[(0, &["a1", "b1", "c1"])]).where_call(call, Answer::Fails);
        assert_eq!(world.deliver(), ["0@1", "0@2"], "{call}");
        world.script.sets_aside("0@1", "ticket 4711");
        assert_eq!(world.deliver_again(), ["0@2"], "{call}");
        let cause = world.script.state().dead_letters["0@1"].cause.clone();
        assert!(
            cause.starts_with("an operator set it aside: ticket 4711; it could not be handled: "),
            "{cause}"
        );
        assert_eq!(world.deliver_again(), NONE, "{call}");
    }
}

#[test]
fn a_record_set_aside_that_can_be_handled_is_handled() {
    let mut world = World::of(&[(0, &["a1", "b1"])]);
    world.script.sets_aside("0@0", "the wrong offset");
    assert_eq!(world.deliver(), NONE);
    assert!(world.script.state().dead_letters.is_empty());
}

#[test]
fn only_the_first_record_that_stops_a_partition_is_set_aside() {
    let mut world = World::of(&[(0, &["a1", "b1"]), (1, &["c1"])])
        .where_call("commit a1", Answer::Fails)
        .where_call("commit c1", Answer::Fails);
    world.script.sets_aside("0@1", "it only follows");
    assert_eq!(world.deliver(), ["0@0", "0@1", "1@0"]);
    assert!(world.script.state().dead_letters.is_empty());
}

#[test]
fn a_record_whose_dead_letter_is_not_taken_comes_again() {
    let mut world = World::of(&[(0, &["a1"])])
        .where_call("commit a1", Answer::Fails)
        .where_call("dead-letter 0@0", Answer::Fails);
    world.script.sets_aside("0@0", "ticket 4711");
    assert_eq!(world.deliver(), ["0@0"]);
}
