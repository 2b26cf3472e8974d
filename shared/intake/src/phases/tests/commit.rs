//! The first phase: every record is committed, dead-lettered or delivered again.

use dead_letters::DeliveredBy;

use super::{
    script::Answer,
    world::{NONE, UNREADABLE, World},
};

#[test]
fn a_record_is_committed_then_published_then_sent() {
    let mut world = World::of(&[(0, &["a1"])]);
    assert_eq!(world.deliver(), NONE);
    assert_eq!(
        world.calls(),
        ["read", "commit a1", "publish a1", "send a1"]
    );
    world.settles();
}

#[test]
fn a_record_that_opens_no_job_is_committed_then_published_then_marked() {
    let mut world = World::of(&[(0, &["a1", "a10"])]);
    assert_eq!(world.deliver(), NONE);
    let calls = world.calls();
    let of_it: Vec<_> = calls.iter().filter(|call| call.contains("a10")).collect();
    assert_eq!(of_it, ["commit a10", "publish a10", "mark a10"]);
    world.settles();
}

#[test]
fn a_failed_commit_cuts_its_partition_from_there_and_no_other() {
    let records: [(i32, &[&str]); 2] = [(0, &["a1", "b1", "c1"]), (1, &["d1", "e1"])];
    for (answer, again) in [
        (Answer::Fails, &["0@1", "0@2"][..]),
        // What was committed is found, although its answer was lost.
        (Answer::IsLost, &NONE[..]),
    ] {
        let mut world = World::of(&records).where_call("commit b1", answer);
        assert_eq!(world.deliver(), ["0@1", "0@2"]);
        assert_eq!(world.published(), ["a1", "d1", "e1"]);
        assert!(
            ["0@0", "1@0", "1@1"]
                .iter()
                .all(|place| world.is_over(place))
        );
        // What was committed after the cut waits for its turn.
        assert!(world.committed().contains(&"c1".to_owned()));
        assert!(world.calls().contains(&"send a1+d1+e1".to_owned()));

        assert_eq!(world.deliver_again(), again);
        world.settles();
        assert_eq!(world.published(), ["a1", "d1", "e1", "b1", "c1"]);
    }
}

#[test]
fn a_record_that_can_never_be_committed_becomes_a_dead_letter() {
    let mut world =
        World::of(&[(0, &["a1", "a2", "b1"])]).where_call("commit a1", Answer::FailsForGood);
    assert_eq!(world.deliver(), NONE);
    assert_eq!(world.published(), ["a2", "b1"]);
    let letter = world.script.state().dead_letters["0@0"].clone();
    assert!(
        letter.cause.starts_with("id reused: an event with"),
        "{letter:?}"
    );
    assert_eq!(letter.key.as_deref(), Some(&b"tenant-1"[..]));
    let value = String::from_utf8(letter.value.unwrap()).unwrap();
    assert!(value.contains("The title of a1"), "{value}");
    world.settles();
}

#[test]
fn an_unreadable_record_becomes_a_dead_letter() {
    let mut world = World::of(&[(0, &["a1", "bad", "b1"])]);
    assert_eq!(world.deliver(), NONE);
    assert_eq!(world.published(), ["a1", "b1"]);
    let letter = world.script.state().dead_letters["0@1"].clone();
    assert_eq!(letter.value.as_deref(), Some(UNREADABLE.as_bytes()));
    world.settles();
}

#[test]
fn a_dead_letter_says_whether_the_mapping_or_a_redrive_delivered_it() {
    let mut world = World::of(&[(0, &["b1", "bad"])]).where_call("commit b1", Answer::Fails);
    for _ in 0..2 {
        assert_eq!(world.deliver(), ["0@0", "0@1"]);
    }
    let letter = world.script.state().dead_letters["0@1"].clone();
    let redrive = crate::redelivery(&letter).unwrap();
    world.invoke(&redrive.payload).unwrap();
    let by = [
        DeliveredBy::Mapping,
        DeliveredBy::Mapping,
        DeliveredBy::Redrive,
    ];
    assert_eq!(world.script.state().delivered_by, by);
}

#[test]
fn a_record_is_delivered_again_until_its_dead_letter_is_written() {
    for (name, commit) in [("bad", "commit bad"), ("b1", "commit b1")] {
        for answer in [Answer::Fails, Answer::IsLost] {
            let mut world = World::of(&[(0, &["a1", name, "c1"]), (1, &["d1"])])
                .where_call(commit, Answer::FailsForGood)
                .where_call("dead-letter 0@1", answer);
            assert_eq!(world.deliver(), ["0@1", "0@2"]);
            assert_eq!(world.published(), ["a1", "d1"]);
            assert_eq!(world.deliver_again(), ["0@1", "0@2"]);
            world.settles();
            assert_eq!(world.published(), ["a1", "d1", "c1"]);
        }
    }
}

#[test]
fn the_second_event_of_an_entity_is_committed_after_the_first() {
    // The first is committed last of all; two commits of one entity at once would panic.
    let mut world = World::of(&[(0, &["a1", "a2", "b1"])])
        .where_none_is_in_a_group(&["a1", "b1"])
        .where_call("commit a1", Answer::Follows("commit b1"));
    assert_eq!(world.deliver(), NONE);
    let calls = world.calls();
    let at = |call: &str| calls.iter().position(|made| made == call).unwrap();
    assert!(at("commit a1") < at("commit a2") && at("commit b1") < at("commit a2"));
    assert_eq!(world.published(), ["a1", "a2", "b1"]);
    world.settles();
}

#[test]
fn the_second_event_of_an_entity_is_not_committed_if_the_first_is_not() {
    let mut world = World::of(&[(0, &["a1", "b1", "a2"])]).where_call("commit a1", Answer::Fails);
    for _ in 0..2 {
        world.deliver();
        assert!(!world.calls().contains(&"commit a2".to_owned()));
        assert_eq!(world.committed(), ["b1"]);
        assert_eq!(world.published(), NONE);
    }
    world.settles();
}

#[test]
fn an_event_waits_for_its_entity_in_another_partition_too() {
    let mut world =
        World::of(&[(0, &["a1"]), (1, &["b1", "a2", "c1"])]).where_call("commit a1", Answer::Fails);
    assert_eq!(world.deliver(), ["0@0", "1@1", "1@2"]);
    assert_eq!(world.published(), ["b1"]);
    world.settles();
}
