//! The first phase's calls for several records: the look at the table, and the groups.

use std::time::Duration;

use super::{
    script::Answer,
    world::{NONE, World},
};

/// It succeeds by itself, but not in a group.
const ALONE: Answer = Answer::Takes(Duration::ZERO);

/// The calls of the last invocation until the first event was published.
fn of_commit(world: &World) -> Vec<String> {
    let is_commit = |call: &String| !call.starts_with("publish ");
    world.calls().into_iter().take_while(is_commit).collect()
}

/// So many records of an entity each, in order.
fn many(count: usize) -> Vec<&'static str> {
    let names = (0..count).map(|number| format!("many-{number:02}-x1"));
    names.map(|name| &*name.leak()).collect()
}

#[test]
fn records_of_different_entities_are_committed_in_one_transaction() {
    let mut world = World::of(&[(0, &["a1", "b1"]), (1, &["c1"])]);
    assert_eq!(world.deliver(), NONE);
    assert_eq!(of_commit(&world), ["read", "together a1+b1+c1"]);
    world.settles();
}

#[test]
fn a_hundred_records_are_committed_in_a_few_transactions() {
    let mut world = World::of(&[(0, &many(100))]);
    assert_eq!(world.deliver(), NONE);
    // Four items each: the entry, the entity and two jobs. Nothing checks a tombstone here.
    assert_eq!(of_commit(&world).len(), 1 + 4);
    world.settles();
}

#[test]
fn the_second_event_of_an_entity_is_decided_on_what_the_first_left() {
    let mut world = World::of(&[(0, &["a1", "b1", "a2"]), (1, &["a3"])]);
    assert_eq!(world.deliver(), NONE);
    let calls = ["read", "together a1+b1", "commit a2", "commit a3"];
    assert_eq!(of_commit(&world), calls);
    assert_eq!(world.published(), ["a1", "b1", "a2", "a3"]);
    world.settles();
}

#[test]
fn what_a_record_committed_by_itself_left_is_known_to_the_next() {
    let mut world = World::of(&[(0, &["a1", "a2", "a3"])]);
    assert_eq!(world.deliver(), NONE);
    assert_eq!(
        of_commit(&world),
        ["read", "commit a1", "commit a2", "commit a3"]
    );
    assert_eq!(world.script.state().known, ["a2", "a3"]);
    world.settles();
}

#[test]
fn a_record_refused_for_what_its_entity_was_is_decided_on_what_it_is() {
    let mut world = World::of(&[(0, &["a1", "a2"])]).where_call("decide a2", Answer::Fails);
    assert_eq!(world.deliver(), NONE);
    assert_eq!(of_commit(&world), ["read", "commit a1", "commit a2"]);
    assert!(world.script.state().known.is_empty());
    assert_eq!(world.published(), ["a1", "a2"]);
    world.settles();
}

#[test]
fn a_cancelled_group_is_committed_by_halves_down_to_single_records() {
    let mut world = World::of(&[(0, &["a1", "b1", "c1", "a2"])]).where_call("commit b1", ALONE);
    assert_eq!(world.deliver(), NONE);
    let halves = ["commit a1", "together b1+c1", "commit b1", "commit c1"];
    let calls = [&["read", "together a1+b1+c1"], &halves[..], &["commit a2"]].concat();
    assert_eq!(of_commit(&world), calls);
    assert_eq!(world.published(), ["a1", "b1", "c1", "a2"]);
    world.settles();
}

#[test]
fn one_record_in_the_way_of_many_costs_two_transactions_for_each_halving() {
    let names = many(24);
    let mut world = World::of(&[(0, &names)]).where_call("commit many-13-x1", ALONE);
    assert_eq!(world.deliver(), NONE);
    // The groups of 24, 12, 6, 3 and 2 with it are cancelled, and their other halves hold.
    assert_eq!(of_commit(&world).len(), 1 + 1 + 2 * 5);
    assert_eq!(world.published(), names);
    world.settles();
}

#[test]
fn a_group_that_fails_leaves_what_lies_before_it_in_the_partition() {
    let names = many(100);
    let last = format!("together {}", names[75..].join("+"));
    let mut world = World::of(&[(0, &names), (1, &["b1"])]).where_call(&last, Answer::Fails);
    let again = world.deliver();
    assert_eq!((again.len(), again[0].as_str()), (25, "0@75"));
    assert!(world.is_over("1@0"));
    world.settles();
}

#[test]
fn a_record_that_can_never_be_committed_costs_its_group_one_transaction() {
    let mut world =
        World::of(&[(0, &["a1", "b1", "c1"])]).where_call("commit b1", Answer::FailsForGood);
    assert_eq!(world.deliver(), NONE);
    assert_eq!(world.published(), ["a1", "c1"]);
    assert!(world.script.state().dead_letters.contains_key("0@1"));
    world.settles();
}

#[test]
fn a_record_that_no_decision_can_be_made_of_is_in_no_group() {
    let mut world = World::of(&[(0, &["a1", "old1", "b1"])]);
    assert_eq!(world.deliver(), NONE);
    assert_eq!(world.published(), ["a1", "b1"]);
    let letter = world.script.state().dead_letters["0@1"].clone();
    assert!(letter.cause.contains("more than 97 days ago"), "{letter:?}");
    let calls = world.calls();
    assert!(calls.contains(&"together a1+b1".to_owned()), "{calls:?}");
    world.settles();
}

#[test]
fn the_records_of_a_group_that_dynamodb_cannot_take_now_come_again() {
    let mut world = World::of(&[(0, &["a1", "b1"]), (1, &["bad", "c1"])])
        .where_call("together a1+b1+c1", Answer::Fails);
    for _ in 0..2 {
        assert_eq!(world.deliver(), ["0@0", "0@1", "1@1"]);
        let calls = world.calls();
        assert!(
            !calls.iter().any(|call| call.starts_with("commit ")),
            "{calls:?}"
        );
        assert_eq!(world.committed(), NONE);
        assert!(world.is_over("1@0"));
    }
    world.settles();
}

#[test]
fn what_a_group_committed_is_found_although_its_answer_was_lost() {
    let mut world = World::of(&[(0, &["a1", "b1"])]).where_call("together a1+b1", Answer::IsLost);
    assert_eq!(world.deliver(), ["0@0", "0@1"]);
    assert_eq!(world.committed(), ["a1", "b1"]);
    assert_eq!(world.deliver_again(), NONE);
    assert_eq!(of_commit(&world), ["read"]);
    world.settles();
}

#[test]
fn a_batch_that_is_delivered_again_is_not_written_again() {
    let mut world = World::of(&[(0, &["a1", "a2", "b1"])]).where_call("publish a1", Answer::Fails);
    assert_eq!(world.deliver(), ["0@0", "0@1", "0@2"]);
    assert_eq!(world.deliver_again(), ["0@0", "0@1", "0@2"]);
    assert_eq!(of_commit(&world), ["read"]);
    world.settles();
}

#[test]
fn without_a_look_at_the_table_only_dead_letters_are_written() {
    for answer in [Answer::Fails, Answer::IsLost] {
        let mut world = World::of(&[(0, &["bad", "a1"]), (1, &["b1"])]).where_call("read", answer);
        assert_eq!(world.deliver(), ["0@1", "1@0"]);
        assert_eq!(world.calls(), ["read", "dead-letter 0@0"]);
        world.settles();
    }
}

#[test]
fn two_records_with_one_event_are_committed_one_by_one() {
    let mut world = World::of(&[(0, &["a1", "b1", "a1"])]);
    assert_eq!(world.deliver(), NONE);
    let mut calls = of_commit(&world);
    calls[1..].sort();
    assert_eq!(calls, ["read", "commit a1", "commit a1", "commit b1"]);
    world.settles();
}
