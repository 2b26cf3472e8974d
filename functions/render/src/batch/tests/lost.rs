//! What becomes of an end that Kafka does not have while its message is lost: the sweep publishes it.

use super::{
    script::Answer,
    world::{NONE, World, cancel_portrait},
};

const WRITE: &str = "write e square+e portrait";

/// The messages that wait are lost, and what is away is back.
fn lose_messages(world: &World) {
    world.script.heals();
    world.script.state().sent.clear();
}

/// The jobs whose ends Kafka has, in the order of their names.
fn published(world: &World) -> Vec<String> {
    let mut published = world.published();
    published.sort();
    published
}

#[test]
fn an_end_that_kafka_does_not_take_is_left_to_the_sweep() {
    let world = World::of(&["e"]).where_call("publish e portrait", Answer::Fails);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(world.calls("leave"), ["leave e portrait"]);
    assert_eq!(world.put_off().len(), 1, "its message comes again, too");
    lose_messages(&world);
    world.script.state().sweeps();
    assert_eq!(published(&world), ["e portrait", "e square"]);
}

#[test]
fn ends_whose_commit_may_have_held_are_left_to_the_sweep() {
    let world = World::of(&["e"]).where_call(WRITE, Answer::IsLost);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(world.published(), NONE);
    lose_messages(&world);
    world.script.state().sweeps();
    assert_eq!(published(&world), ["e portrait", "e square"]);
}

#[test]
fn ends_that_were_not_committed_are_not_left_to_the_sweep() {
    let world = World::of(&["e"]).where_call(WRITE, Answer::Fails);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert!(world.script.state().swept.is_empty());
    world.settles(&["e square", "e portrait"]);
    // Another writer was faster, and this one knows it.
    let world = World::of(&["e"]).where_call(WRITE, Answer::Follows(cancel_portrait));
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(world.calls("leave"), NONE);
}

#[test]
fn a_message_that_publishes_an_end_after_all_takes_it_from_the_sweep() {
    let world = World::of(&["e"]).where_call("publish e portrait", Answer::Fails);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    world.settles(&["e square", "e portrait"]);
    assert_eq!(world.calls("mark"), ["mark e portrait"]);
    assert!(world.script.state().swept.is_empty());
}

#[test]
fn an_end_that_is_not_marked_now_is_published_once_more_by_the_sweep() {
    let world = World::of(&["e"]).where_call("publish e portrait", Answer::Fails);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    world.script.heals();
    let world = world.where_call("mark e portrait", Answer::Fails);
    assert_eq!(world.deliver_what_was_put_off(), NONE);
    assert_eq!(world.put_off(), [], "Kafka has it");
    world.script.state().sweeps();
    // The same bytes, or the script would panic.
    let all = ["e portrait", "e portrait", "e square"];
    assert_eq!(published(&world), all);
}

#[test]
fn a_table_that_cannot_be_told_of_an_end_holds_nothing_up() {
    for answer in [Answer::Fails, Answer::IsLost] {
        let world = World::of(&["e"])
            .where_call("publish e square", Answer::Fails)
            .where_call("publish e portrait", Answer::Fails)
            .where_call("leave e portrait", answer)
            .where_call("leave e square", answer);
        assert_eq!(world.deliver_all(&["e"]), NONE);
        assert_eq!(world.put_off().len(), 1);
        world.settles(&["e square", "e portrait"]);
    }
}

#[test]
fn a_withheld_end_that_kafka_does_not_take_is_told_by_the_sweep() {
    let world = World::of(&["e"]).where_call("publish e portrait", Answer::Fails);
    {
        let mut state = world.script.state();
        cancel_portrait(&mut state);
        for end in state.ends.values_mut() {
            end.withheld = true;
        }
        state.is_erased = true;
    }
    assert_eq!(world.deliver(&[world.message("e").only(1)]), NONE);
    assert_eq!(world.published(), NONE);
    lose_messages(&world);
    world.script.state().sweeps();
    assert_eq!(world.published(), ["e portrait"]);
}

#[test]
fn an_end_of_a_tenant_that_is_erased_meanwhile_is_not_told_by_the_sweep() {
    let world = World::of(&["e"]).where_call("publish e portrait", Answer::Fails);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    lose_messages(&world);
    world.script.state().is_erased = true;
    world.script.state().sweeps();
    assert_eq!(world.published(), ["e square"]);
}

#[test]
fn an_end_that_kafka_takes_is_neither_left_to_the_sweep_nor_marked() {
    let world = World::of(&["e"]);
    for _ in 0..2 {
        assert_eq!(world.deliver_all(&["e"]), NONE);
        assert_eq!(world.calls("leave"), NONE);
        assert_eq!(world.calls("mark"), NONE);
    }
}
