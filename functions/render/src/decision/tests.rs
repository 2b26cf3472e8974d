use contract::S3Object;
use domain::{Outcome, Refusal, Work as _};
use drawing::UnfitLogo;

use super::*;
use crate::{
    event::Event,
    example::{ROUTING, at, decided},
};

fn job(name: &str) -> Job {
    decided(name).jobs.remove(0)
}

fn to_do(name: &str) -> Todo {
    todo(&job(name), &ROUTING, at(9))
}

/// The failure of a job that is given up, and the sentence for the content's owner.
fn given_up(drawn: &Drawn) -> (FailureClass, Option<&str>, bool) {
    let Drawn::GivenUp {
        asked_at,
        failure,
        sentence,
    } = drawn
    else {
        panic!("{drawn:?}")
    };
    (failure.class, sentence.as_deref(), asked_at.is_some())
}

#[test]
fn only_what_the_canvas_is_asked_for_first_is_drawn() {
    assert_eq!(to_do("e"), Todo::Draw);
    assert_eq!(to_do("v"), Todo::Ask(ProviderId::Runway));
    let Todo::Close(closed) = to_do("n") else {
        panic!("nothing makes audio")
    };
    assert_eq!(
        given_up(&closed),
        (FailureClass::NotConfigured, None, false)
    );
    let paid = ProviderRouting::parse("openai,studio-canvas", "", "").unwrap();
    let poster = Job {
        asset: contract::AssetKind::Poster,
        ..job("e")
    };
    assert_eq!(todo(&poster, &paid, at(9)), Todo::Ask(ProviderId::OpenAi));
}

#[test]
fn a_spot_with_a_cloned_voice_is_asked_of_none_that_clones_none() {
    let mut spot = job("n");
    spot.configuration.voice_model_id = Some(domain::VoiceModelId(derive(&[b"a voice"])));
    let both = ProviderRouting::parse("", "", "polly,elevenlabs").unwrap();
    assert_eq!(todo(&spot, &both, at(9)), Todo::Ask(ProviderId::ElevenLabs));
    let polly = ProviderRouting::parse("", "", "polly").unwrap();
    let Todo::Close(closed) = todo(&spot, &polly, at(9)) else {
        panic!("Polly has not got the voice")
    };
    let expected = (FailureClass::NotConfigured, None, false);
    assert_eq!(given_up(&closed), expected);
    spot.configuration.voice_model_id = None;
    assert_eq!(todo(&spot, &polly, at(9)), Todo::Ask(ProviderId::Polly));
}

#[test]
fn a_job_that_has_begun_is_left_to_its_execution() {
    let asked = job("e").asking(ProviderId::StudioCanvas, derive(&[b"token"]), at(1));
    assert_eq!(todo(&asked, &ROUTING, at(9)), Todo::Start);
    // Its provider refused so often that the canvas is next: its execution knows that.
    let refused = Outcome::Refused {
        refusal: Refusal::Blocked,
        detail: String::new(),
        at: at(2),
        credits: 0,
    };
    let asked = job("e").asking(ProviderId::OpenAi, derive(&[b"token"]), at(1));
    let refused = asked.answered(refused, at(2));
    let routing = ProviderRouting::parse("openai,studio-canvas", "", "").unwrap();
    assert_eq!(todo(&refused, &routing, at(9)), Todo::Start);
}

#[test]
fn a_job_that_waits_for_its_turn_is_left_in_its_line() {
    let waiting = job("v").waiting(ProviderId::Runway, at(5));
    assert_eq!(todo(&waiting, &ROUTING, at(9)), Todo::Wait);
    let left = job("v").leaving(ProviderId::Runway, at(5));
    assert_eq!(todo(&left, &ROUTING, at(9)), Todo::Wait);
    // Its turn came, and its execution has another name than its id.
    assert_eq!(todo(&left.woken(at(9)), &ROUTING, at(9)), Todo::Start);
}

#[test]
fn what_kills_the_function_was_asked_of_the_canvas_and_is_abandoned() {
    let closed = abandoned(at(9));
    assert_eq!(given_up(&closed), (FailureClass::Abandoned, None, true));
}

#[test]
fn a_forbidden_logo_is_the_tenants_fault_from_the_ninth_time_on() {
    let job = job("l");
    let forbidden = |tries| without_logo(&FetchError::Forbidden, (&job, tries), 14_400, at(9));
    assert_eq!(forbidden(7), None);
    let closed = forbidden(8).unwrap();
    let sentence = "there is no logo where the brand says, or the studio may not read it";
    let expected = (FailureClass::InvalidInput, Some(sentence), false);
    assert_eq!(given_up(&closed), expected);
}

#[test]
fn a_logo_that_its_tenant_can_fix_is_not_waited_for() {
    let job = job("l");
    let missing = UnfitLogo::Missing(S3Object::parse("s3://brands/tenant-1/logo.png").unwrap());
    let closed = without_logo(&missing.into(), (&job, 0), 14_400, at(9)).unwrap();
    let sentence = "there is no logo at s3://brands/tenant-1/logo.png";
    let expected = (FailureClass::InvalidInput, Some(sentence), false);
    assert_eq!(given_up(&closed), expected);
}

#[test]
fn a_job_is_given_up_once_it_waited_for_longer_than_its_patience() {
    let job = job("l");
    let away = FetchError::S3("slow down".into());
    for error in [away, FetchError::Forbidden] {
        let logo = |now| without_logo(&error, (&job, 3), 100, now);
        assert_eq!(logo(at(100)), None);
        let closed = logo(at(101)).unwrap();
        assert_eq!(given_up(&closed), (FailureClass::Unavailable, None, false));
    }
    let stored = |now| not_stored("away".to_owned(), (&job, at(1), 3), 100, now);
    assert_eq!(stored(at(100)), None);
    let closed = stored(at(101)).unwrap();
    assert_eq!(given_up(&closed), (FailureClass::Unavailable, None, true));
}

#[test]
fn a_job_that_waited_for_something_else_is_tried_a_few_times_however_old_it_is() {
    let job = job("l");
    for tries in 0..3 {
        let away = FetchError::S3("slow down".into());
        assert_eq!(without_logo(&away, (&job, tries), 100, at(9_000)), None);
        let not_stored = not_stored("away".to_owned(), (&job, at(1), tries), 100, at(9_000));
        assert_eq!(not_stored, None);
    }
}

#[test]
fn an_end_is_told_again_unless_it_is_known_or_from_before_an_erasure() {
    let nothing = || {
        let key = store::Key::end(job("e").id);
        OutboxEntry::of_erased_tenant(key, "end".to_owned())
    };
    let end = |published, withheld| {
        let mut end = nothing();
        (end.published, end.withheld) = (published, withheld);
        end
    };
    assert!(is_told_again(&end(false, false), false));
    assert!(!is_told_again(&end(true, false), false));
    assert!(!is_told_again(&end(false, false), true));
    assert!(is_told_again(&end(false, true), true));
    assert!(!is_told_again(&end(true, true), true));
}

/// Messages with these ids and counts of receives.
fn event(messages: &[(&str, u32)]) -> Event {
    let records = messages.iter().map(|(id, receives)| {
        let attributes = serde_json::json!({ "ApproximateReceiveCount": receives.to_string() });
        serde_json::json!({ "messageId": id, "body": "", "attributes": attributes })
    });
    let records: Vec<_> = records.collect();
    serde_json::from_value(serde_json::json!({ "Records": records })).unwrap()
}

fn order(messages: &[(&str, u32)]) -> Vec<String> {
    let event = event(messages);
    let records = in_order(&event.records).into_iter();
    records.map(|record| record.message_id.clone()).collect()
}

#[test]
fn what_was_received_most_often_is_taken_last() {
    assert_eq!(order(&[("a", 3), ("b", 1), ("c", 2)]), ["b", "c", "a"]);
}

#[test]
fn messages_that_return_together_are_taken_in_another_order_each_time() {
    let ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let orders = (1..=5).map(|receives| {
        let messages = ids.map(|id| (id, receives));
        order(&messages)
    });
    let orders: Vec<Vec<String>> = orders.collect();
    for (place, one) in orders.iter().enumerate() {
        assert!(!orders[..place].contains(one), "{one:?} again");
    }
    // Whichever of them kills the function, it comes last at some time, or near to it.
    for id in ids {
        let behind = |order: &Vec<String>| order.iter().position(|one| one == id).unwrap();
        assert!(orders.iter().map(behind).max().unwrap() >= 4, "{id}");
    }
}
