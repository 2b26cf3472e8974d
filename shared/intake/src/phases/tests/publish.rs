//! The second phase: what is committed goes to Kafka, in order.

use super::{
    script::Answer,
    world::{NONE, World},
};

#[test]
fn events_are_published_in_the_order_of_their_records() {
    let mut world = World::of(&[(0, &["a1", "b1", "c1"]), (1, &["d1", "e1"])])
        .where_none_is_in_a_group(&["a1", "b1", "c1", "d1", "e1"])
        .where_call("commit a1", Answer::Follows("commit e1"))
        .where_call("commit b1", Answer::Follows("commit a1"))
        .where_call("commit d1", Answer::Follows("commit b1"));
    assert_eq!(world.deliver(), NONE);
    assert_eq!(world.published(), ["a1", "b1", "c1", "d1", "e1"]);
    world.settles();
}

#[test]
fn nothing_is_published_before_every_record_is_committed() {
    let mut world = World::of(&[(0, &["a1"]), (1, &["b1"])])
        .where_call("commit b1", Answer::Follows("commit a1"));
    assert_eq!(world.deliver(), NONE);
    let calls = world.calls();
    let begins = |verb: &'static str| move |call: &String| call.starts_with(verb);
    let last_commit = calls.iter().rposition(begins("commit ")).unwrap();
    assert!(last_commit < calls.iter().position(begins("publish ")).unwrap());
    world.settles();
}

#[test]
fn an_unacknowledged_event_is_published_again_with_those_after_it_before_it_is_sent() {
    for answer in [Answer::Fails, Answer::IsLost] {
        let mut world =
            World::of(&[(0, &["a1", "b1", "c1"]), (1, &["d1"])]).where_call("publish b1", answer);
        assert_eq!(world.deliver(), ["0@1", "0@2"]);
        assert!(world.is_over("0@0") && world.is_over("1@0"));
        // It was in the pipeline already.
        assert!(world.published().contains(&"c1".to_owned()));
        assert!(world.calls().contains(&"send a1+d1".to_owned()));
        assert_eq!(world.deliver_again(), ["0@1", "0@2"]);
        world.settles();
        let published = world.published();
        assert_eq!(published[published.len() - 2..], ["b1", "c1"]);
    }
}

#[test]
fn a_dead_letter_is_not_published() {
    let mut world =
        World::of(&[(0, &["bad", "a1", "bad", "b1"])]).where_call("publish a1", Answer::Fails);
    assert_eq!(world.deliver(), ["0@1", "0@2", "0@3"]);
    let publishes = ["publish a1", "publish b1"];
    assert!(
        publishes
            .iter()
            .all(|call| world.calls().contains(&(*call).to_owned()))
    );
    assert_eq!(world.published(), ["b1"]);
    assert!(world.is_over("0@0"));
    world.settles();
}
