//! What kills the function, and what it cannot read.

use super::{
    script::Answer,
    world::{Delivery, NONE, World, cancel_portrait},
};

/// A message of a version that this code does not know.
fn newer() -> Delivery {
    Delivery::of("newer", r#"{"v":2,"what":"later"}"#.to_owned())
}

fn unreadable() -> Delivery {
    Delivery::of("unreadable", "a secret".to_owned())
}

#[test]
fn what_was_received_before_is_drawn_last_and_after_the_others_are_published() {
    let world = World::of(&["e", "f", "g"]);
    let (e, f, g) = (world.message("e"), world.message("f"), world.message("g"));
    let batch = [e.received(3), f, g.received(2)];
    assert_eq!(world.deliver(&batch), NONE);
    let calls = world.calls("");
    let of = |call: &str| calls.iter().position(|one| one == call).unwrap();
    // Even if `e` kills the function, Kafka has the ends of `f` and `g` by then.
    assert!(of("publish f portrait") < of("draw g square"), "{calls:?}");
    assert!(of("publish g portrait") < of("draw e square"), "{calls:?}");
}

#[test]
fn messages_that_come_for_the_first_time_are_published_together() {
    let world = World::of(&["e", "f"]);
    assert_eq!(world.deliver_all(&["e", "f"]), NONE);
    let calls = world.calls("");
    let first = calls.iter().position(|call| call.starts_with("publish"));
    let last = calls.iter().rposition(|call| call.starts_with("draw"));
    assert!(last < first, "{calls:?}");
}

#[test]
fn what_cannot_be_read_is_kept_and_its_neighbours_are_drawn() {
    let world = World::of(&["e"]);
    let batch = [unreadable(), world.message("e"), newer()];
    assert_eq!(world.deliver(&batch), ["newer", "unreadable"]);
    assert_eq!(world.published(), ["e square", "e portrait"]);
    assert!(world.script.state().dead_letters.is_empty());
}

#[test]
fn what_cannot_be_read_from_the_dead_letter_queue_becomes_a_dead_letter() {
    for (message, cause) in [
        (newer(), "version 2"),
        (unreadable(), "not the JSON of a message"),
    ] {
        let world = World::of(&[]).where_call("dead-letter", Answer::Fails);
        let kept = world.deliver(&[message.clone().dead()]);
        assert_eq!(kept.len(), 1, "it comes again until it is written");
        world.script.heals();
        assert_eq!(world.deliver(&[message.dead()]), NONE);
        let state = world.script.state();
        let [letter] = &state.dead_letters[..] else {
            panic!("{:?}", state.dead_letters)
        };
        assert!(letter.cause.contains(cause), "{}", letter.cause);
        assert_eq!(letter.topic, "render-queue");
        assert_eq!(letter.offset, 1_795_166_400_000);
        assert_eq!(letter.tenant(), None);
        let headers: Vec<&str> = letter.headers.iter().map(|(name, _)| &**name).collect();
        assert_eq!(headers, ["message-id", "message-group"]);
    }
}

#[test]
fn a_message_of_the_dead_letter_queue_is_drawn_by_itself_once() {
    let world = World::of(&["e"]);
    let message = world.message("e").only(0).dead();
    assert_eq!(world.deliver(&[message.received(6)]), NONE);
    assert_eq!(world.end_of("e square"), "completed");
    let begin = ["read", "try e square", "draw e square"];
    assert_eq!(world.calls("")[..3], begin, "it is noted before");
}

#[test]
fn what_waited_for_a_function_that_could_not_start_is_drawn_by_itself() {
    let world = World::of(&["e"]).where_it_died_of("e square", "another", 6);
    let message = world.message("e").only(0).dead();
    assert_eq!(world.deliver(&[message.received(200)]), NONE);
    assert_eq!(world.end_of("e square"), "completed");
}

#[test]
fn a_message_that_killed_the_function_comes_apart_so_that_one_job_alone_is_given_up() {
    let world = World::of(&["e"]);
    let message = world.message("e").dead().received(6);
    assert_eq!(world.deliver(&[message]), NONE);
    assert_eq!(world.calls("draw"), NONE);
    let apart = ["e square", "e portrait"].map(|job| (job.to_owned(), 0, 0));
    assert_eq!(world.put_off(), apart);
    assert!(world.script.state().put_off.is_empty(), "it is no trouble");
    world.settles(&["e square", "e portrait"]);
}

#[test]
fn the_open_job_of_a_message_that_killed_the_function_is_drawn_by_itself() {
    let world = World::of(&["e"]);
    cancel_portrait(&mut world.script.state());
    let message = world.message("e").dead();
    assert_eq!(world.deliver(&[message.received(6)]), NONE);
    assert_eq!(world.put_off(), []);
    assert_eq!(world.end_of("e square"), "completed");
    assert_eq!(world.published().len(), 2);
}

#[test]
fn a_message_that_does_not_come_apart_now_is_kept() {
    let world = World::of(&["e"]).where_call("send", Answer::Fails);
    let message = world.message("e").dead();
    assert_eq!(world.deliver(&[message.received(6)]), ["e"]);
}

#[test]
fn trouble_sends_what_was_drawn_by_itself_back_into_the_queue() {
    let world = World::of(&["e"]).where_call("put e square", Answer::Fails);
    let message = world.message("e").only(0).dead();
    assert_eq!(world.deliver(&[message.received(6)]), NONE);
    assert_eq!(world.put_off().len(), 1);
    world.settles(&["e square"]);
}

#[test]
fn what_kills_the_function_even_by_itself_is_abandoned() {
    let world = World::of(&["e"]).where_it_died_of("e square", "e", 6);
    let message = world.message("e").only(0).dead();
    assert_eq!(world.deliver(&[message.received(7)]), NONE);
    assert_eq!(world.calls("draw"), NONE);
    assert_eq!(world.end_of("e square"), "abandoned");
    assert_eq!(world.published(), ["e square"]);
}

#[test]
fn what_cannot_be_abandoned_now_is_kept_and_not_drawn_again() {
    for call in ["read", "try e square", "write e square", "publish e square"] {
        let world = World::of(&["e"]).where_call(call, Answer::Fails);
        let world = world.where_it_died_of("e square", "e", 6);
        let message = world.message("e").only(0).dead().received(7);
        assert_eq!(
            world.deliver(std::slice::from_ref(&message)),
            ["e"],
            "{call}"
        );
        assert_eq!(world.put_off(), []);
        world.script.heals();
        assert_eq!(world.deliver(&[message.received(8)]), NONE);
        assert_eq!(world.end_of("e square"), "abandoned");
        assert!(!world.published().is_empty(), "{call}");
    }
}
