//! What becomes of the jobs of messages that arrive once, twice, or together.

use super::{
    script::Answer,
    world::{NONE, World},
};

const E: [&str; 2] = ["e square", "e portrait"];

#[test]
fn each_message_is_committed_before_the_next_is_drawn() {
    let world = World::of(&["e", "f"]);
    assert_eq!(world.deliver_all(&["e", "f"]), NONE);
    let calls = world.calls("");
    let of = |begin: &str| calls.iter().position(|call| call.starts_with(begin));
    let (write_e, write_f) = (of("write e").unwrap(), of("write f").unwrap());
    let (draw_e, draw_f) = (of("draw e").unwrap(), of("draw f").unwrap());
    assert!(draw_e < write_e && draw_f < write_f);
    assert!(write_e < draw_f || write_f < draw_e, "{calls:?}");
    assert_eq!(world.calls("read"), ["read"], "one request for all");
}

#[test]
fn the_pictures_of_a_message_are_committed_together_and_published_in_order() {
    let world = World::of(&["e"]);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    let calls = [
        "read",
        "draw e square",
        "put e square",
        "draw e portrait",
        "put e portrait",
        "write e square+e portrait",
        "publish e square",
        "publish e portrait",
    ];
    assert_eq!(world.calls(""), calls);
    assert_eq!(world.script.state().measured, E);
    assert_eq!(world.end_of("e square"), "completed");
    assert_eq!(world.put_off(), []);
}

#[test]
fn a_message_that_comes_again_publishes_the_same_bytes_and_draws_nothing() {
    let world = World::of(&["e"]);
    for _ in 0..2 {
        assert_eq!(world.deliver_all(&["e"]), NONE);
    }
    // The same bytes, or the script would panic.
    assert_eq!(world.published(), [E, E].concat());
    assert_eq!(world.calls("draw"), NONE);
    assert_eq!(world.calls("write"), NONE);
    assert_eq!(world.script.state().measured, E, "each end counts once");
}

#[test]
fn a_message_that_is_twice_in_a_batch_is_drawn_and_published_once() {
    let world = World::of(&["e"]);
    let twice = [world.message("e"), world.message("e").called("again")];
    assert_eq!(world.deliver(&twice), NONE);
    assert_eq!(world.calls("draw").len(), 2);
    assert_eq!(world.published(), E);
}

#[test]
fn two_messages_of_one_entity_are_ended_one_on_the_other() {
    let world = World::of(&["e"]);
    let (square, portrait) = (world.message("e").only(0), world.message("e").only(1));
    let both = [square, portrait.called("other")];
    assert_eq!(world.deliver(&both), NONE);
    assert_eq!(
        world.calls("write").len(),
        2,
        "none finds the entity changed"
    );
    assert_eq!(world.calls("read").len(), 1);
    let state = world.script.state();
    let entity = state.entities.values().next().unwrap();
    assert_eq!(entity.version, 3);
    let has_asset = |template: &domain::TemplateState| template.asset.is_some();
    assert!(entity.templates.values().all(has_asset));
}

#[test]
fn a_long_job_is_started_and_a_job_that_nothing_makes_is_closed() {
    let world = World::of(&["v", "n"]);
    assert_eq!(world.deliver_all(&["v", "n"]), NONE);
    assert_eq!(world.script.state().started, ["v video"]);
    assert_eq!(world.calls("draw"), NONE);
    assert_eq!(world.end_of("n spot"), "not-configured");
    assert_eq!(world.published(), ["n spot"]);
    assert_eq!(world.put_off(), []);
}

#[test]
fn what_cannot_be_drawn_fails_and_its_neighbours_are_drawn() {
    let world = World::of(&["e"]).where_call("draw e square", Answer::IsRefused);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(world.end_of("e square"), "invalid-input");
    assert_eq!(world.end_of("e portrait"), "completed");
    assert_eq!(world.published(), E);
}

#[test]
fn a_logo_is_fetched_once_for_a_batch() {
    let world = World::of(&["l1", "l2"]);
    assert_eq!(world.deliver_all(&["l1", "l2"]), NONE);
    assert_eq!(world.calls("logo").len(), 1);
    assert_eq!(world.calls("draw").len(), 2);
}

#[test]
fn a_job_that_is_gone_or_of_another_entity_is_not_drawn_and_holds_nothing_up() {
    let world = World::of(&["e", "f"]);
    let other = world.script.state().job("f square").entity_key();
    let wrong = world.message("e").about(other);
    // No `g` was ever decided on.
    let messages = [wrong, world.message("g"), world.message("f")];
    assert_eq!(world.deliver(&messages), NONE);
    assert_eq!(world.published(), ["f square", "f portrait"]);
    assert_eq!(world.put_off(), []);
}
