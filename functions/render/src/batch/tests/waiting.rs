//! What waits: for a service that is away, for a logo, or for time.

use std::time::Duration;

use super::{
    script::Answer,
    world::{NONE, World, group},
};

const E: [&str; 2] = ["e square", "e portrait"];

/// Publishing, sending and committing, by the function's own limits.
const RESERVED: Duration = Duration::from_secs(16 + 6 + 6);

const PICTURE: Duration = Duration::from_millis(500);

/// How long a call may hang where a test has it time out.
const A_MOMENT: Duration = Duration::from_millis(20);

/// The jobs and tries of what was put off.
fn left(world: &World) -> Vec<(String, u32)> {
    let put_off = world.put_off().into_iter();
    put_off.map(|(jobs, tries, _)| (jobs, tries)).collect()
}

fn of_e(tries: u32) -> (String, u32) {
    ("e square+e portrait".to_owned(), tries)
}

#[test]
fn trouble_of_ours_puts_messages_off_and_burns_no_receive() {
    for call in [
        "read",
        "put e square",
        "write e square+e portrait",
        "publish e square",
    ] {
        for answer in [Answer::Fails, Answer::IsLost] {
            let world = World::of(&["e"]).where_call(call, answer);
            assert_eq!(world.deliver_all(&["e"]), NONE, "{call}: none is kept");
            let put_off = world.put_off();
            assert_eq!(put_off.len(), 1, "{call}");
            assert!((3..=5).contains(&put_off[0].2), "{call}: {put_off:?}");
            assert_eq!(put_off[0].1, 1, "{call}");
            assert_eq!(world.script.state().put_off, [1], "{call}");
            assert_eq!(world.script.state().sent[0].tenant, group());
            world.settles(&E);
        }
    }
}

#[test]
fn after_an_outage_the_rest_of_the_batch_is_put_off_untried() {
    for call in ["put e square", "write e square+e portrait"] {
        let world = World::of(&["e", "f", "g"]).where_call(call, Answer::Fails);
        let (first, f, g) = (world.message("e"), world.message("f"), world.message("g"));
        // The receives make the order.
        let batch = [first, f.received(2), g.received(3)];
        assert_eq!(world.deliver(&batch), NONE);
        assert_eq!(world.put_off().len(), 3, "{call}");
        assert_eq!(world.calls("draw f"), NONE);
        assert_eq!(world.calls("draw g"), NONE);
        assert_eq!(world.script.state().put_off, [3]);
        world.settles(&["e square", "f square", "g portrait"]);
    }
}

#[test]
fn only_what_is_left_of_a_message_is_sent_again() {
    let world = World::of(&["e"]).where_call("put e portrait", Answer::Fails);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(world.published(), ["e square"], "what is drawn is ended");
    assert_eq!(left(&world), [("e portrait".to_owned(), 1)]);
    world.settles(&E);
}

#[test]
fn a_job_that_is_put_off_says_what_it_met_and_when_it_is_taken_up_again() {
    let world = World::of(&["e"]).where_call("put e portrait", Answer::Fails);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    let noted = world.script.state().noted.clone();
    let [(job, trouble)] = &noted[..] else {
        panic!("{noted:?}")
    };
    assert_eq!(job, "e portrait");
    assert!(trouble.what.ends_with("slow down"), "{trouble:?}");
    let pause = world.put_off()[0].2;
    let pause = u32::try_from(pause).unwrap();
    assert_eq!(trouble.again, Some(trouble.at.plus_seconds(pause)));
    world.settles(&E);
}

#[test]
fn nothing_is_noted_where_dynamodb_itself_is_away() {
    let world = World::of(&["e"]).where_call("read", Answer::Fails);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert!(world.script.state().noted.is_empty());
}

#[test]
fn an_end_that_kafka_does_not_take_stays_in_its_message() {
    let world = World::of(&["e"]).where_call("publish e portrait", Answer::Fails);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(left(&world), [("e portrait".to_owned(), 1)]);
    world.settles(&E);
    assert_eq!(world.calls("draw"), NONE, "it is only published");
}

#[test]
fn each_time_a_message_waits_longer() {
    let world = World::of(&["e"]).where_call("put e square", Answer::Fails);
    let message = world.message("e").only(0);
    let mut pauses = Vec::new();
    for tries in 0..4 {
        assert_eq!(world.deliver(&[message.clone().tried(tries)]), NONE);
        let (_, next, pause) = world.put_off().pop().unwrap();
        assert_eq!(next, tries + 1);
        pauses.push(pause);
    }
    assert!(pauses.is_sorted() && pauses[0] < pauses[3], "{pauses:?}");
}

#[test]
fn a_message_that_the_queue_does_not_take_back_is_kept() {
    let world = World::of(&["e", "f"])
        .where_call("put e square", Answer::Fails)
        .where_call("send", Answer::Fails);
    let batch = [world.message("f"), world.message("e").received(2)];
    assert_eq!(world.deliver(&batch), ["e"]);
    world.script.heals();
    assert_eq!(world.deliver(&[world.message("e").received(3)]), NONE);
    assert_eq!(world.put_off(), []);
}

#[test]
fn trouble_at_step_functions_puts_off_what_is_long_alone() {
    let world = World::of(&["v", "e"]).where_call("start v video", Answer::Fails);
    let batch = [world.message("v"), world.message("e").received(2)];
    assert_eq!(world.deliver(&batch), NONE);
    assert_eq!(left(&world), [("v video".to_owned(), 1)]);
    assert_eq!(world.published(), E);
    world.script.heals();
    assert_eq!(world.deliver_what_was_put_off(), NONE);
    assert_eq!(world.script.state().started, ["v video"]);
}

#[test]
fn once_step_functions_is_away_no_other_execution_is_tried_and_pictures_are_drawn() {
    let world = World::of(&["v1", "v2", "e"]).where_call("start v1 video", Answer::Fails);
    let (first, second) = (world.message("v1"), world.message("v2").received(2));
    let batch = [first, second, world.message("e").received(3)];
    assert_eq!(world.deliver(&batch), NONE);
    assert_eq!(world.calls("start"), ["start v1 video"]);
    let waiting = ["v1 video", "v2 video"].map(|job| (job.to_owned(), 1));
    assert_eq!(left(&world), waiting);
    assert_eq!(world.published(), E);
    world.settles(&[]);
    let mut started = world.script.state().started.clone();
    started.sort();
    assert_eq!(started, ["v1 video", "v2 video"]);
}

#[test]
fn a_forbidden_logo_holds_its_own_message_up_and_fails_it_in_the_end() {
    let world = World::of(&["l", "e"]).where_call("logo l square", Answer::IsRefused);
    let batch = [world.message("l"), world.message("e").received(2)];
    assert_eq!(world.deliver(&batch), NONE);
    assert_eq!(left(&world), [("l square".to_owned(), 1)]);
    assert_eq!(world.published(), E);
    for tries in 1..8 {
        world.deliver(&[world.message("l").tried(tries)]);
        assert_eq!(left(&world).pop(), Some(("l square".to_owned(), tries + 1)));
    }
    world.deliver(&[world.message("l").tried(8)]);
    assert_eq!(world.end_of("l square"), "invalid-input");
}

#[test]
fn a_logo_that_s3_does_not_return_holds_up_its_own_message_alone() {
    let world = World::of(&["l", "e"]).where_call("logo l square", Answer::Fails);
    let batch = [world.message("l"), world.message("e").received(2)];
    assert_eq!(world.deliver(&batch), NONE);
    assert_eq!(left(&world), [("l square".to_owned(), 1)]);
    assert_eq!(world.published(), E);
    world.settles(&["l square"]);
}

#[test]
fn a_job_that_waited_for_s3_for_hours_fails_as_unavailable() {
    let hours = Duration::from_secs(14_400);
    for (call, campaign, job) in [
        ("put e square", "e", "e square"),
        ("logo l square", "l", "l square"),
    ] {
        let world = World::of(&[campaign])
            .where_call(call, Answer::Fails)
            .where_call("read", Answer::Takes(hours))
            .where_it_lasts(2 * hours);
        let message = world.message(campaign).only(0).tried(3);
        assert_eq!(world.deliver(&[message]), NONE);
        assert_eq!(world.end_of(job), "unavailable");
        assert_eq!(world.put_off(), []);
    }
}

#[test]
fn a_message_without_time_is_put_off_at_once_and_does_not_count_as_tried() {
    let world = World::of(&["e"]).where_it_lasts(RESERVED);
    assert_eq!(world.deliver(&[world.message("e").tried(3)]), NONE);
    assert_eq!(world.put_off(), [("e square+e portrait".to_owned(), 3, 0)]);
    assert_eq!(world.calls("draw"), NONE);
    assert!(world.script.state().put_off.is_empty(), "it is no trouble");
}

#[test]
fn a_video_without_time_is_not_started() {
    let world = World::of(&["v"]).where_it_lasts(RESERVED);
    assert_eq!(world.deliver_all(&["v"]), NONE);
    assert_eq!(world.put_off(), [("v video".to_owned(), 0, 0)]);
    assert_eq!(world.calls("start"), NONE);
}

#[test]
fn once_a_picture_cannot_be_stored_no_other_of_its_message_is_drawn() {
    let world = World::of(&["e"]).where_call("put e square", Answer::Fails);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(world.calls("draw"), ["draw e square"]);
    assert_eq!(left(&world), [of_e(1)]);
}

#[test]
fn a_job_that_another_writer_changes_holds_up_no_other_execution() {
    let world = World::of(&["v1", "v2"]).where_call("start v1 video", Answer::IsRefused);
    let batch = [world.message("v1"), world.message("v2").received(2)];
    assert_eq!(world.deliver(&batch), NONE);
    assert_eq!(world.script.state().started, ["v2 video"]);
    assert_eq!(left(&world), [("v1 video".to_owned(), 1)]);
}

#[test]
fn a_table_that_does_not_answer_burns_no_receive() {
    let reserved = Duration::from_secs(16 + 6);
    for call in ["read", "ends e square+e portrait"] {
        let world = World::of(&["e"]);
        assert_eq!(world.deliver_all(&["e"]), NONE);
        let world = world.where_call(call, Answer::Hangs);
        let world = world.where_it_lasts(reserved + A_MOMENT);
        assert_eq!(world.deliver_all(&["e"]), NONE, "{call}");
        assert_eq!(left(&world), [of_e(1)], "{call}");
        let world = world.where_it_lasts(Duration::from_secs(60));
        world.settles(&E);
    }
}

#[test]
fn a_queue_that_does_not_answer_has_its_messages_given_back_in_time() {
    let world = World::of(&["e"]).where_call("send", Answer::Hangs);
    let world = world.where_it_lasts(Duration::from_secs(1) + A_MOMENT);
    assert_eq!(world.deliver_all(&["e"]), ["e"]);
}

#[test]
fn as_many_pictures_are_drawn_as_time_is_left_for() {
    for (lasts, drawn) in [(PICTURE, 1), (2 * PICTURE, 2)] {
        let world = World::of(&["e"])
            .where_it_lasts(RESERVED + lasts)
            .where_call("put e square", Answer::Takes(PICTURE));
        assert_eq!(world.deliver_all(&["e"]), NONE);
        assert_eq!(world.published(), E[..drawn]);
        assert_eq!(world.put_off().len(), 2 - drawn);
    }
}

#[test]
fn what_is_put_off_for_an_outage_still_has_all_its_jobs() {
    let world = World::of(&["e"]).where_call("read", Answer::Fails);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(left(&world), [of_e(1)]);
    assert_eq!(world.calls(""), ["read", "send"]);
}
