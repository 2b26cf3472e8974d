//! What becomes of jobs for some of whose texts the studio has no font.

use contract::Undrawn;
use domain::State;
use serde_json::{Value, json};

use super::{
    script::Answer,
    world::{NONE, World},
};

/// A world whose pictures show nothing of a venue's name in Tamil.
fn without_venue() -> World {
    let world = World::of(&["e"]);
    world.script.state().undrawn = vec![Undrawn {
        field: "venue.name".to_owned(),
        characters: 5,
        scripts: vec!["Tamil".to_owned()],
    }];
    world
}

fn told() -> Value {
    json!([{ "field": "venue.name", "characters": 5, "scripts": ["Tamil"] }])
}

#[test]
fn a_picture_without_a_text_completes_and_its_events_and_its_job_say_so() {
    let world = without_venue();
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(world.end_of("e square"), "completed");
    let [completed, updated] = &world.data_of("e square")[..] else {
        panic!("a picture ends with two events")
    };
    assert_eq!(completed["undrawn"], told());
    assert_eq!(updated["asset"]["undrawn"], told());
    let state = world.script.state().job("e square").state;
    let State::Completed { output, .. } = state else {
        panic!("{state:?}")
    };
    assert_eq!(serde_json::to_value(output.shows.undrawn).unwrap(), told());
}

#[test]
fn a_message_that_comes_again_counts_what_is_not_drawn_once() {
    let world = without_venue();
    for _ in 0..2 {
        assert_eq!(world.deliver_all(&["e"]), NONE);
    }
    let both = [("e square".to_owned(), 5), ("e portrait".to_owned(), 5)];
    assert_eq!(world.script.state().counted, both);
}

#[test]
fn a_picture_that_is_drawn_twice_counts_what_is_not_drawn_once() {
    let world = without_venue().where_call("write e square+e portrait", Answer::Fails);
    world.deliver_all(&["e"]);
    assert_eq!(world.script.state().counted, []);
    world.settles(&["e square", "e portrait"]);
    assert_eq!(world.script.state().counted.len(), 2);
}

#[test]
fn a_title_without_a_font_fails_with_its_sentence_and_can_be_submitted_again() {
    let world = World::of(&["e"]).where_call("draw e square", Answer::LacksFont);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    let [failed] = &world.data_of("e square")[..] else {
        panic!("a failed job has one event")
    };
    assert_eq!(failed["failure"], "invalid-input");
    assert_eq!(
        failed["reason"],
        "11 of the title's 12 letters are in Tibetan script, for which the studio has no font. \
         Change the title, and the studio renders it again; or submit it again once its operators \
         have added a font."
    );
    assert_eq!(failed["canResubmit"], true);
    let counted = [("e square".to_owned(), 11)];
    assert_eq!(world.script.state().counted, counted);
    // A neighbour is drawn, and what comes again has the same bytes.
    assert_eq!(world.end_of("e portrait"), "completed");
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(world.script.state().counted, counted);
}

#[test]
fn a_logo_that_cannot_be_drawn_fails_and_cannot_be_submitted_again() {
    let world = World::of(&["e"]).where_call("draw e square", Answer::IsRefused);
    assert_eq!(world.deliver_all(&["e"]), NONE);
    assert_eq!(world.data_of("e square")[0]["canResubmit"], false);
    assert_eq!(world.script.state().counted, []);
}
