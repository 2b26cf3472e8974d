//! What becomes of a message while others write the same jobs and entities.

use domain::{State, Work as _};

use super::{
    script::Answer,
    world::{NONE, World, begin_portrait, cancel_portrait, change_entity},
};

const WRITE: &str = "write e square+e portrait";

#[test]
fn a_changed_entity_is_decided_on_again_and_nothing_is_drawn_again() {
    let world = World::of(&["e"]).where_call(WRITE, Answer::Follows(change_entity));
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(world.calls("write"), [WRITE, WRITE]);
    assert_eq!(world.calls("draw").len(), 2);
    assert_eq!(world.published(), ["e square", "e portrait"]);
}

#[test]
fn a_job_that_another_closed_keeps_its_end_and_loses_its_picture() {
    let world = World::of(&["e"]).where_call(WRITE, Answer::Follows(cancel_portrait));
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(world.calls("write"), [WRITE, "write e square"]);
    assert_eq!(world.calls("delete"), ["delete e portrait"]);
    assert_eq!(world.end_of("e portrait"), "cancelled");
    // The message is a proof that its `created` was published, and so may its end be.
    let mut published = world.published();
    published.sort();
    assert_eq!(published, ["e portrait", "e square"]);
    assert_eq!(world.script.state().measured, ["e square"]);
}

#[test]
fn a_job_that_its_execution_begins_meanwhile_is_left_to_it() {
    let world = World::of(&["e"]).where_call(WRITE, Answer::Follows(begin_portrait));
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(world.calls("write"), [WRITE, "write e square"]);
    assert_eq!(world.published(), ["e square"]);
    assert_eq!(world.put_off(), []);
    let portrait = world.script.state().job("e portrait");
    assert!(!portrait.is_closed() && portrait.unanswered().is_some());
}

#[test]
fn a_picture_that_cannot_be_deleted_holds_nothing_up() {
    let world = World::of(&["e"])
        .where_call(WRITE, Answer::Follows(cancel_portrait))
        .where_call("delete e portrait", Answer::Fails);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(world.put_off(), []);
    assert_eq!(world.published().len(), 2);
}

#[test]
fn an_end_that_is_marked_published_is_not_published_again() {
    let world = World::of(&["e"]);
    cancel_portrait(&mut world.script.state());
    for end in world.script.state().ends.values_mut() {
        end.published = true;
    }
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(world.published(), ["e square"]);
    assert_eq!(world.put_off(), []);
}

#[test]
fn an_erased_tenants_jobs_are_cancelled_and_their_pictures_deleted() {
    let world = World::of(&["e"]);
    world.script.state().is_erased = true;
    assert_eq!(world.deliver_all(&["e"]), NONE);
    for job in ["e square", "e portrait"] {
        assert_eq!(world.end_of(job), "cancelled");
        let cancelled = world.script.state().job(job);
        assert!(matches!(cancelled.state, State::Cancelled { .. }));
    }
    assert!(world.script.state().files.is_empty());
    assert_eq!(world.published().len(), 2, "once each");
    assert_eq!(world.put_off(), []);
}

#[test]
fn an_end_from_before_an_erasure_is_told_only_if_it_was_withheld() {
    for (withheld, published) in [(false, vec![]), (true, vec!["e portrait"])] {
        let world = World::of(&["e"]);
        {
            let mut state = world.script.state();
            cancel_portrait(&mut state);
            for end in state.ends.values_mut() {
                end.withheld = withheld;
            }
            state.is_erased = true;
        }
        assert_eq!(world.deliver(&[world.message("e").only(1)]), NONE);
        assert_eq!(world.published(), published);
        assert_eq!(world.put_off(), []);
    }
}

#[test]
fn the_lost_answer_of_a_commit_is_found_by_the_next_message() {
    let world = World::of(&["e"]).where_call(WRITE, Answer::IsLost);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(
        world.put_off(),
        [("e square+e portrait".to_owned(), 1, delay_of_e())]
    );
    assert_eq!(world.published(), NONE);
    world.settles(&["e square", "e portrait"]);
    assert_eq!(world.calls("draw"), NONE);
}

/// How long the campaign `e` is put off the first time.
fn delay_of_e() -> u64 {
    let entity = crate::example::decided("e").entity.unwrap().key();
    crate::put_off::pause(4, 0, entity).as_secs()
}

#[test]
fn jobs_whose_entity_dynamodb_refuses_fail_instead_of_waiting_for_ever() {
    let world = World::of(&["e"]).where_call(WRITE, Answer::IsRefusedOnce);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(world.calls("write"), [WRITE, WRITE]);
    for job in ["e square", "e portrait"] {
        assert_eq!(world.end_of(job), "internal");
    }
    assert_eq!(world.published().len(), 2);
    assert_eq!(world.put_off(), []);
}

#[test]
fn what_dynamodb_refuses_altogether_is_put_off_and_tried_again() {
    let world = World::of(&["e"]).where_call(WRITE, Answer::IsRefused);
    let batch = [world.message("e")];
    assert_eq!(world.deliver(&batch), NONE);
    assert_eq!(world.calls("write"), [WRITE, WRITE]);
    assert_eq!(world.put_off().len(), 1);
    world.settles(&["e square", "e portrait"]);
}
