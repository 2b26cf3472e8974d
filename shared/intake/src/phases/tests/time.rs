//! The time of an invocation: 6 s to commit, 16 s to publish, 6 s to send.

use std::time::Duration;

use super::{
    script::Answer,
    world::{NONE, TEN, World},
};

const ALL: Duration = Duration::from_secs(6 + 16 + 6);
const MOMENT: Duration = Duration::from_millis(1);

const RECORDS: [(i32, &[&str]); 2] = [(0, &["bad", "a1", "b1"]), (1, &["c1", "bad", "d1"])];

#[test]
fn a_batch_with_just_enough_time_for_every_phase_is_handled() {
    let mut world = World::of(&RECORDS).where_it_lasts(ALL);
    assert_eq!(world.deliver(), NONE);
    world.settles();
}

#[test]
fn a_batch_without_time_for_every_phase_is_delivered_again_untouched() {
    for lasts in [ALL - MOMENT, Duration::ZERO] {
        let mut world = World::of(&RECORDS).where_it_lasts(lasts);
        let everything = ["0@0", "0@1", "0@2", "1@0", "1@1", "1@2"];
        assert_eq!(world.deliver(), everything);
        assert_eq!(world.deliver_again(), everything);
        assert_eq!(world.calls(), NONE);
        world.lasts = ALL;
        world.settles();
    }
}

#[test]
fn without_time_to_publish_what_is_committed_waits_for_the_redelivery() {
    let enough = Duration::from_secs(60 - 16 - 6);
    for (takes, again) in [
        (enough, &NONE[..]),
        (enough + MOMENT, &["0@1", "0@2", "1@0", "1@1", "1@2"]),
    ] {
        let mut world = World::of(&RECORDS).where_call("read", Answer::Takes(takes));
        assert_eq!(world.deliver(), again);
        assert_eq!(world.committed(), ["a1", "b1", "c1", "d1"]);
        assert_eq!(world.published().is_empty(), !again.is_empty());
        // What is dead-lettered before the cut is over.
        assert!(world.is_over("0@0"));
        assert_eq!(world.deliver_again(), again);
        world.settles();
    }
}

#[test]
fn without_time_to_send_what_is_published_is_published_again() {
    let enough = Duration::from_secs(60 - 6);
    for (takes, again, published) in [
        (enough, &NONE[..], &["a1", "b1"][..]),
        (enough + MOMENT, &["0@0", "0@1"], &["a1", "b1", "a1", "b1"]),
    ] {
        let mut world =
            World::of(&[(0, &["a1", "b1"])]).where_call("publish a1", Answer::Takes(takes));
        assert_eq!(world.deliver(), again);
        world.settles();
        assert_eq!(world.published(), published);
    }
}

#[test]
fn a_commit_is_waited_for_until_a_second_before_publishing_must_begin() {
    let until = Duration::from_secs(60 - 6 - 16 - 1);
    for answer in [Answer::IsLate, Answer::Never] {
        let mut world = World::of(&[(0, &["a1", "a2", "b1"]), (1, &["c1"])])
            .where_call("commit a1", Answer::Takes(until))
            .where_call("commit a2", answer);
        assert_eq!(world.deliver(), ["0@1", "0@2"]);
        assert_eq!(world.published(), ["a1", "c1"]);
        world.settles();
    }
}

#[test]
fn a_group_is_waited_for_as_long_and_then_its_records_come_again() {
    let until = Duration::from_secs(60 - 6 - 16 - 1);
    for answer in [Answer::IsLate, Answer::Never] {
        let mut world = World::of(&[(0, &["a1", "b1"])])
            .where_call("read", Answer::Takes(until))
            .where_call("together a1+b1", answer);
        assert_eq!(world.deliver(), ["0@0", "0@1"]);
        assert_eq!(world.calls(), ["read", "together a1+b1"]);
        world.settles();
    }
}

#[test]
fn a_call_that_sends_is_waited_for_until_a_second_before_the_end() {
    let first = "send a1+b1+c1+d1+e1+f1+g1+h1+i1+j1";
    for answer in [Answer::IsLate, Answer::Never] {
        let mut world = World::of(&[(0, &TEN), (1, &["k1", "l1"])])
            .where_call(first, Answer::Takes(Duration::from_secs(60 - 1)))
            .where_call("send k1+l1", answer);
        assert_eq!(world.deliver(), ["1@0", "1@1"]);
        assert!(world.is_over("0@0") && world.is_over("0@9"));
        world.settles();
    }
}

#[test]
fn a_mark_is_waited_for_until_a_second_before_the_end() {
    for answer in [Answer::IsLate, Answer::Never] {
        let mut world = World::of(&[(0, &["a1", "a10", "c1"]), (1, &["d1"])])
            .where_call("send a1+c1+d1", Answer::Takes(Duration::from_secs(60 - 1)))
            .where_call("mark a10", answer);
        assert_eq!(world.deliver(), ["0@1", "0@2"]);
        assert!(world.is_over("0@0") && world.is_over("1@0"));
        world.settles();
    }
}
