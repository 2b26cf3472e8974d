//! The third phase: jobs are sent to the queue, and entries without jobs are marked published.

use super::{
    script::Answer,
    world::{NONE, TEN, World},
};

#[test]
fn the_records_of_all_partitions_share_calls_of_ten_in_their_order() {
    let mut world = World::of(&[(0, &TEN), (1, &["k1", "k10"]), (2, &["l1"])]);
    assert_eq!(world.deliver(), NONE);
    let mut calls = world.calls();
    calls.retain(|call| call.starts_with("send ") || call.starts_with("mark "));
    let expected = [
        "send a1+b1+c1+d1+e1+f1+g1+h1+i1+j1",
        "send k1+l1",
        "mark k10",
    ];
    assert_eq!(calls, expected);
    world.settles();
}

#[test]
fn a_record_is_delivered_again_until_its_jobs_are_sent_or_it_is_marked() {
    let again = &["0@1", "0@2"][..];
    for (name, call, answer, and_then) in [
        ("b1", "sent b1", Answer::Fails, again),
        ("b1", "sent b1", Answer::IsLost, again),
        ("a10", "mark a10", Answer::Fails, again),
        // It is found marked, although the answer was lost.
        ("a10", "mark a10", Answer::IsLost, &NONE[..]),
    ] {
        let mut world =
            World::of(&[(0, &["a1", name, "c1"]), (1, &["d1"])]).where_call(call, answer);
        assert_eq!(world.deliver(), again);
        assert!(
            ["0@0", "0@2", "1@0"]
                .iter()
                .all(|place| world.is_over(place))
        );
        assert_eq!(world.deliver_again(), and_then);
        world.settles();
    }
}

#[test]
fn a_refused_message_is_the_failure_of_its_own_record_alone() {
    let mut world = World::of(&[(0, &["a1", "b1"]), (1, &["c1"]), (2, &["d1"])])
        .where_call("sent a1", Answer::Fails)
        .where_call("sent d1", Answer::IsLost);
    assert_eq!(world.deliver(), ["0@0", "0@1", "2@0"]);
    assert!(!world.is_over("0@0") && world.is_over("0@1") && world.is_over("1@0"));
    world.settles();
}

#[test]
fn the_records_of_a_call_that_fails_come_again_and_those_of_others_do_not() {
    let first = "send a1+b1+c1+d1+e1+f1+g1+h1+i1+j1";
    for answer in [Answer::Fails, Answer::IsLost] {
        let mut world = World::of(&[(0, &TEN[..4]), (1, &TEN[4..]), (2, &["k1", "k10"])])
            .where_call(first, answer);
        let again = world.deliver();
        assert_eq!(again.len(), 10);
        assert!(
            again.iter().all(|place| !place.starts_with('2')),
            "{again:?}"
        );
        assert!(world.is_over("2@0") && world.is_over("2@1"));
        assert_eq!(world.is_over("0@0"), answer == Answer::IsLost);
        world.settles();
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
    assert_eq!(world.calls(), ["read", "publish a1", "send a1"]);
    world.script.closes("a1 invitation");
    assert_eq!(world.deliver(), NONE);
    assert_eq!(world.published(), ["a1", "a1"]);
    assert!(!world.calls().contains(&"send a1".to_owned()));
    world.settles();
}

#[test]
fn a_redelivered_record_without_jobs_is_published_once() {
    let mut world = World::of(&[(0, &["a1", "a10"])]);
    assert_eq!(world.deliver(), NONE);
    assert_eq!(world.deliver(), NONE);
    assert_eq!(world.published(), ["a1", "a10", "a1"]);
    assert!(!world.calls().contains(&"mark a10".to_owned()));
    world.settles();
}

#[test]
fn calls_and_marks_do_not_wait_for_each_other() {
    let first = "send a1+b1+c1+d1+e1+f1+g1+h1+i1+j1";
    let last = "send k1+l1";
    for (waits, other) in [
        (first, last),
        (last, first),
        (first, "mark k10"),
        ("mark k10", last),
    ] {
        let mut world = World::of(&[(0, &TEN), (1, &["k1", "k10", "l1"])])
            .where_call(waits, Answer::Follows(other));
        assert_eq!(world.deliver(), NONE, "{waits} waits for {other}");
        world.settles();
    }
}
