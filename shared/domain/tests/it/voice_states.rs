//! The states of a voice model, and what it is called.

use contract::{CloningMethod, FailureClass, Time, VoiceTraining};
use domain::{
    ErasedVoice, Failure, Outcome, ProviderId, Refusal, Registration, TaskToken, VoiceModel,
    VoiceModelId, VoiceRequest, VoiceState, Work as _, derive, ready,
};

fn at(second: u32) -> Time {
    let begin: Time = serde_json::from_str("\"2026-11-27T10:00:00Z\"").unwrap();
    begin.plus_seconds(second)
}

fn voice() -> VoiceModel {
    let example = include_str!("../../../../events/voice-training/example.json");
    let training = VoiceTraining {
        method: CloningMethod::Professional,
        ..VoiceTraining::parse(example).unwrap()
    };
    let registration = Registration {
        id: VoiceModelId(derive(&[b"a voice"])),
        tenant: &training.tenant_id,
        provider: ProviderId::ElevenLabs,
        now: at(0),
        deadline: at(900),
    };
    registration.accepted(&training).voice.unwrap()
}

fn token(text: &str) -> TaskToken {
    serde_json::from_str(&format!("\"{text}\"")).unwrap()
}

/// The outcome of `request` at second 5.
fn answered(request: VoiceRequest, outcome: Outcome) -> VoiceModel {
    voice()
        .asking(request, derive(&[b"t"]), at(4))
        .answered(outcome, at(5))
}

fn failure() -> Failure {
    Failure {
        class: FailureClass::Abandoned,
        detail: "it never ended".to_owned(),
        at: at(9),
    }
}

#[test]
fn a_voice_is_called_and_stored_by_its_id_alone() {
    let id = VoiceModelId(derive(&[b"a voice"]));
    assert_eq!(voice().name_at_provider(), format!("studio-{id}"));
    assert_eq!(voice().folder(), format!("voices/{id}/"));
}

#[test]
fn a_task_token_is_exposed_to_its_caller_and_to_no_log() {
    let token = token("secret");
    assert_eq!(token.expose(), "secret");
    let waiting = voice().awaiting_owner(token.clone(), None, at(1));
    assert_eq!(format!("{token:?}"), "TaskToken");
    assert!(!format!("{waiting:?}").contains("secret"));
}

#[test]
fn only_a_training_request_that_succeeded_begins_the_training() {
    let made = Outcome::Made { credits: 1 };
    let refused = Outcome::Refused {
        refusal: Refusal::Transient,
        detail: "busy".to_owned(),
        at: at(5),
        credits: 0,
    };
    let trained = answered(VoiceRequest::Train, made.clone());
    assert_eq!(trained.state, VoiceState::Training { since: at(5) });
    let refused = answered(VoiceRequest::Train, refused);
    assert_eq!(refused.state, VoiceState::Registered);
    for request in [
        VoiceRequest::Create,
        VoiceRequest::Sample(1),
        VoiceRequest::Verify,
    ] {
        assert_eq!(
            answered(request, made.clone()).state,
            VoiceState::Registered
        );
    }
}

#[test]
fn a_training_counts_from_its_first_sight_and_reopens_no_closed_voice() {
    let training = voice().trained_since(at(10));
    assert_eq!(training.state, VoiceState::Training { since: at(10) });
    assert_eq!(training.clone().trained_since(at(20)), training);
    for closed in [
        ready(training, at(30)).unwrap().voice.unwrap(),
        voice().failed(failure(), None),
        voice().erasing(at(30)),
    ] {
        assert_eq!(closed.clone().trained_since(at(40)), closed);
    }
}

#[test]
fn an_owner_is_waited_for_since_the_first_time_with_the_latest_token() {
    let first = voice().awaiting_owner(token("one"), None, at(10));
    let again = first.awaiting_owner(token("two"), Some("captcha".to_owned()), at(500));
    let expected = VoiceState::AwaitingOwner {
        since: at(10),
        token: token("two"),
        captcha: Some("captcha".to_owned()),
    };
    assert_eq!(again.state, expected);
    let closed = voice().failed(failure(), None);
    assert_eq!(
        closed.clone().awaiting_owner(token("one"), None, at(10)),
        closed
    );
}

#[test]
fn a_failed_voices_open_request_gets_an_unknown_outcome() {
    let asked = voice().asking(VoiceRequest::Create, derive(&[b"t"]), at(4));
    let failed = asked.failed(failure(), None);
    let unknown = Outcome::unknown("the voice failed before it was answered", at(9));
    assert_eq!(failed.attempts[0].outcome, Some(unknown));
    let erasing = voice().erasing(at(1));
    assert_eq!(
        erasing.clone().failed(failure(), None),
        erasing,
        "it is closed"
    );
}

#[test]
fn an_erasure_that_began_or_ended_keeps_its_time() {
    let erasing = voice().erasing(at(10));
    let nothing = ErasedVoice::default();
    let (since, erased) = (at(10), nothing);
    assert_eq!(erasing.state, VoiceState::Erasing { at: since, erased });
    assert_eq!(erasing.clone().erasing(at(20)), erasing);
    let erased = erasing.erased(at(30));
    assert_eq!(erased.clone().erasing(at(40)), erased);
}
