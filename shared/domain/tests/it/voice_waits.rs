//! How long a voice is waited for, and what a late view says of a lost request.

use contract::{CloningMethod, FailureClass, Time, VoiceTraining};
use domain::{
    Outcome, ProviderId, Refusal, Registration, Training, VoiceModel, VoiceModelId, VoiceNext,
    VoiceRequest, VoiceView, Work as _, derive, next_for_voice,
};

const HOUR: u32 = 60 * 60;

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

/// A view with all samples.
fn view(wants_owner: bool, training: Training) -> VoiceView {
    VoiceView {
        voice: "v1".to_owned(),
        samples: (1..=3).collect(),
        wants_owner,
        training,
    }
}

fn underway() -> Training {
    Training::Underway("fine_tuning".to_owned())
}

fn asked(request: VoiceRequest, second: u32) -> VoiceModel {
    voice().asking(request, derive(&[b"t"]), at(second))
}

fn made(request: VoiceRequest, second: u32) -> VoiceModel {
    asked(request, second).answered(Outcome::Made { credits: 7 }, at(second))
}

/// The class and the detail of a failure.
fn failed(next: VoiceNext) -> (FailureClass, String) {
    match next {
        VoiceNext::Fail { class, detail } => (class, detail),
        other => panic!("{other:?}"),
    }
}

fn waits(seconds: u32) -> VoiceNext {
    VoiceNext::Wait { seconds }
}

#[test]
fn a_provider_may_train_a_voice_for_exactly_48_hours() {
    let training = voice().trained_since(at(100));
    let view = view(false, underway());
    let next = |second| next_for_voice(&training, Some(&view), at(100 + second));
    assert_eq!(next(48 * HOUR), waits(1800));
    let (class, detail) = failed(next(48 * HOUR + 1));
    assert_eq!(class, FailureClass::Timeout);
    assert_eq!(detail, "elevenlabs has not trained it in 48 hours");
}

#[test]
fn a_training_is_looked_at_every_eighth_of_its_age() {
    let training = voice().trained_since(at(0));
    let view = view(false, underway());
    for (age, seconds) in [
        (0, 300),
        (2400, 300),
        (4000, 500),
        (14_400, 1800),
        (20_000, 1800),
    ] {
        let next = next_for_voice(&training, Some(&view), at(age));
        assert_eq!(next, waits(seconds), "at {age}");
    }
}

#[test]
fn a_training_that_failed_fails_the_voice_with_the_providers_words() {
    let view = view(false, Training::Failed("too noisy".to_owned()));
    let (class, detail) = failed(next_for_voice(&voice(), Some(&view), at(1)));
    assert_eq!(class, FailureClass::InvalidInput);
    assert_eq!(detail, "elevenlabs says of the training: too noisy");
}

#[test]
fn a_confirmed_training_that_shows_late_is_waited_for_and_not_asked_for_again() {
    let trained = made(VoiceRequest::Train, 0);
    let view = view(false, Training::NotStarted);
    for second in [100, 1000, 10_000] {
        let next = next_for_voice(&trained, Some(&view), at(second));
        assert!(
            matches!(next, VoiceNext::Wait { seconds: 300.. }),
            "{next:?}"
        );
    }
}

#[test]
fn a_request_in_flight_is_not_sent_again() {
    let open = asked(VoiceRequest::Create, 0);
    assert_eq!(next_for_voice(&open, None, at(1)), waits(30));
}

#[test]
fn a_model_without_its_input_fails() {
    let mut model = voice();
    model.training = None;
    let (class, _) = failed(next_for_voice(&model, None, at(1)));
    assert_eq!(class, FailureClass::Internal);
}

#[test]
fn an_owner_who_verified_is_asked_again_after_a_quarter_of_an_hour() {
    let verified = made(VoiceRequest::Verify, 0);
    let view = view(true, Training::NotStarted);
    let next = |model: &VoiceModel, second| next_for_voice(model, Some(&view), at(second));
    assert_eq!(next(&verified, 899), waits(15));
    assert_eq!(next(&verified, 900), VoiceNext::AwaitOwner);
    let no = Outcome::Refused {
        refusal: Refusal::InvalidInput,
        detail: "another voice".to_owned(),
        at: at(1),
        credits: 0,
    };
    let refused = asked(VoiceRequest::Verify, 0).answered(no, at(1));
    assert_eq!(next(&refused, 2), VoiceNext::AwaitOwner);
}

#[test]
fn a_silent_provider_is_waited_for_a_day_and_an_eighth_of_the_age_at_a_time() {
    let day = 24 * HOUR;
    let model = voice();
    for (age, seconds) in [(240, 30), (800, 100), (4800, 600), (day, 600)] {
        assert_eq!(
            model.wait_for_an_answer(at(age)),
            waits(seconds),
            "at {age}"
        );
    }
    let (class, detail) = failed(model.wait_for_an_answer(at(day + 1)));
    assert_eq!(class, FailureClass::Unavailable);
    assert_eq!(detail, "elevenlabs has not answered for a day");

    let token = serde_json::from_str("\"token\"").unwrap();
    let awaiting = model.awaiting_owner(token, None, at(1));
    assert_eq!(awaiting.wait_for_an_answer(at(8 * day)), waits(600));
    failed(awaiting.wait_for_an_answer(at(8 * day + 1)));
}

#[test]
fn a_provider_that_falls_silent_while_it_trains_has_the_time_of_a_training() {
    let training = voice().trained_since(at(30 * HOUR));
    assert_eq!(training.wait_for_an_answer(at(31 * HOUR)), waits(450));
    let (class, _) = failed(training.wait_for_an_answer(at(78 * HOUR + 1)));
    assert_eq!(class, FailureClass::Timeout);
}

#[test]
fn a_lost_request_is_charged_only_if_the_view_shows_what_it_asked_for() {
    let lost = |request| {
        let unknown = Outcome::unknown("cut", at(1));
        asked(request, 0).answered(unknown, at(1))
    };
    let [not_yet, verified] = [true, false].map(|wants| view(wants, Training::NotStarted));
    let begun = view(false, underway());
    let price = |_| 9;
    for (request, before, after) in [
        (VoiceRequest::Verify, &not_yet, &verified),
        (VoiceRequest::Train, &verified, &begun),
        (VoiceRequest::Sample(4), &begun, &begun),
    ] {
        let unchanged = lost(request).shown(before, price, at(2));
        assert_eq!(unchanged.attempts.credits(), 0, "{request:?}");
        let shown = unchanged.shown(after, price, at(3));
        let credits = if before == after { 0 } else { 9 };
        assert_eq!(shown.attempts.credits(), credits, "{request:?}");
    }
}
