//! Cloned voices: the requests to the provider for each view, and the published events.

use contract::{CloningMethod, FailureClass, Time, Topic, VoiceTraining};
use domain::{
    ErasedVoice, Failure, Outcome, ProviderId, Refusal, Registration, RetryDecision,
    TRAINING_SECONDS, Training, VoiceModel, VoiceModelId, VoiceNext, VoiceRequest, VoiceState,
    VoiceView, Work, derive, next_for_voice, ready, retry_decision_for_voice,
};
use proptest::prelude::*;
use serde_json::Value;

fn at(second: i64) -> Time {
    let begin: Time = serde_json::from_str("\"2026-11-27T10:00:00Z\"").unwrap();
    begin.plus_seconds(u32::try_from(second).unwrap())
}

fn training(method: CloningMethod) -> VoiceTraining {
    let example = include_str!("../../../../events/voice-training/example.json");
    VoiceTraining {
        method,
        ..VoiceTraining::parse(example).unwrap()
    }
}

fn id() -> VoiceModelId {
    VoiceModelId(derive(&[b"a voice"]))
}

fn registration(training: &VoiceTraining) -> Registration<'_> {
    Registration {
        id: id(),
        tenant: &training.tenant_id,
        provider: ProviderId::ElevenLabs,
        now: at(0),
        deadline: at(900),
    }
}

fn model(method: CloningMethod) -> VoiceModel {
    let training = training(method);
    registration(&training).accepted(&training).voice.unwrap()
}

/// A view with the first `samples` samples.
fn view(samples: usize, wants_owner: bool, training: Training) -> VoiceView {
    VoiceView {
        voice: "v1".to_owned(),
        samples: (1..=samples).collect(),
        wants_owner,
        training,
    }
}

fn refused(model: VoiceModel, request: VoiceRequest, refusal: Refusal, second: i64) -> VoiceModel {
    let outcome = Outcome::Refused {
        refusal,
        detail: "no".to_owned(),
        at: at(second),
        credits: 0,
    };
    model
        .asking(request, derive(&[b"t", &second.to_be_bytes()]), at(second))
        .answered(outcome, at(second))
}

fn made(model: VoiceModel, request: VoiceRequest, second: i64) -> VoiceModel {
    let token = derive(&[b"t", &second.to_be_bytes()]);
    model
        .asking(request, token, at(second))
        .answered(Outcome::Made { credits: 7 }, at(second))
}

#[test]
fn a_professional_voice_is_created_sampled_verified_and_trained() {
    use VoiceNext::{Ask, AwaitOwner, Ready};
    let model = model(CloningMethod::Professional);
    let next = |view: &VoiceView| next_for_voice(&model, Some(view), at(1));
    assert_eq!(
        next_for_voice(&model, None, at(1)),
        Ask(VoiceRequest::Create)
    );
    for there in 0..3 {
        assert_eq!(
            next(&view(there, true, Training::NotStarted)),
            Ask(VoiceRequest::Sample(there + 1))
        );
    }
    assert_eq!(next(&view(3, true, Training::NotStarted)), AwaitOwner);
    assert_eq!(
        next(&view(3, false, Training::NotStarted)),
        Ask(VoiceRequest::Train)
    );
    assert_eq!(
        next(&view(
            3,
            false,
            Training::Underway("contemplating".to_owned())
        )),
        VoiceNext::Wait { seconds: 300 }
    );
    assert_eq!(next(&view(3, false, Training::Done)), Ready);
}

#[test]
fn an_instant_voice_waits_for_its_owner_only_if_the_provider_demands_it() {
    let model = model(CloningMethod::Instant);
    assert_eq!(
        next_for_voice(&model, None, at(1)),
        VoiceNext::Ask(VoiceRequest::Create)
    );
    assert_eq!(
        next_for_voice(&model, Some(&view(3, false, Training::NotStarted)), at(1)),
        VoiceNext::Ready
    );
    assert_eq!(
        next_for_voice(&model, Some(&view(3, true, Training::NotStarted)), at(1)),
        VoiceNext::AwaitOwner
    );
}

#[test]
fn a_lost_voice_request_is_looked_up_before_it_is_repeated() {
    for (refusal, decision) in [
        (Refusal::Moderation, RetryDecision::Fail),
        (Refusal::InvalidInput, RetryDecision::Fail),
        (Refusal::Blocked, RetryDecision::Fail),
        (Refusal::Auth, RetryDecision::OpenTheBreaker),
        (Refusal::Billing, RetryDecision::OpenTheBreaker),
        (Refusal::ProviderGone, RetryDecision::OpenTheBreaker),
        (
            Refusal::RateLimited { retry_after: None },
            RetryDecision::AskAgain,
        ),
        (Refusal::Transient, RetryDecision::AskAgain),
        (Refusal::OutcomeUnknown, RetryDecision::AskAgain),
    ] {
        assert_eq!(retry_decision_for_voice(refusal), decision, "{refusal:?}");
    }
    let lost = refused(
        model(CloningMethod::Professional),
        VoiceRequest::Create,
        Refusal::OutcomeUnknown,
        0,
    );
    // The request is repeated after a pause, and only if the voice still does not show.
    assert_eq!(
        next_for_voice(&lost, None, at(20)),
        VoiceNext::Wait { seconds: 10 }
    );
    assert_eq!(
        next_for_voice(&lost, None, at(30)),
        VoiceNext::Ask(VoiceRequest::Create)
    );
    let shown = view(0, true, Training::NotStarted);
    assert_eq!(
        next_for_voice(&lost, Some(&shown), at(20)),
        VoiceNext::Ask(VoiceRequest::Sample(1))
    );
}

#[test]
fn a_lost_request_is_charged_once_its_effect_shows() {
    let lost = refused(
        model(CloningMethod::Professional),
        VoiceRequest::Create,
        Refusal::OutcomeUnknown,
        0,
    );
    let lost = refused(lost, VoiceRequest::Create, Refusal::OutcomeUnknown, 90);
    let lost = refused(lost, VoiceRequest::Sample(1), Refusal::OutcomeUnknown, 100);
    let found = lost.shown(&view(0, true, Training::NotStarted), |_| 9, at(200));
    assert_eq!(found.voice.as_deref(), Some("v1"));
    let known: Vec<bool> = found
        .attempts
        .iter()
        .map(|a| a.outcome == Some(Outcome::Made { credits: 9 }))
        .collect();
    assert_eq!(
        known,
        [false, true, false],
        "the last of the two; the sample does not show"
    );
    let trained = found.shown(
        &view(1, false, Training::Underway("queued".to_owned())),
        |_| 9,
        at(300),
    );
    assert_eq!(
        (trained.attempts.credits(), trained.state),
        (18, VoiceState::Training { since: at(300) })
    );
}

#[test]
fn a_silent_provider_is_polled_for_a_day() {
    let model = model(CloningMethod::Professional);
    assert_eq!(
        model.wait_for_an_answer(at(10)),
        VoiceNext::Wait { seconds: 30 }
    );
    assert_eq!(
        model.wait_for_an_answer(at(40_000)),
        VoiceNext::Wait { seconds: 600 }
    );
    assert!(matches!(
        model.wait_for_an_answer(at(90_000)),
        VoiceNext::Fail {
            class: FailureClass::Unavailable,
            ..
        }
    ));
    let token: domain::TaskToken = serde_json::from_str("\"token\"").unwrap();
    let awaiting = model.awaiting_owner(token, None, at(100));
    assert_eq!(
        awaiting.wait_for_an_answer(at(90_000)),
        VoiceNext::Wait { seconds: 600 }
    );
    assert!(matches!(
        awaiting.wait_for_an_answer(at(700_000)),
        VoiceNext::Fail { .. }
    ));
}

#[test]
fn an_owner_who_just_verified_is_not_asked_again_at_once() {
    let verified = made(model(CloningMethod::Professional), VoiceRequest::Verify, 0);
    let late = view(3, true, Training::NotStarted);
    assert_eq!(
        next_for_voice(&verified, Some(&late), at(5)),
        VoiceNext::Wait { seconds: 15 }
    );
    assert_eq!(
        next_for_voice(&verified, Some(&late), at(1000)),
        VoiceNext::AwaitOwner
    );
}

#[test]
fn a_voice_fails_at_a_final_refusal_and_after_five_temporary_ones() {
    let forbidden = refused(
        model(CloningMethod::Professional),
        VoiceRequest::Sample(1),
        Refusal::Moderation,
        0,
    );
    let shown = view(0, true, Training::NotStarted);
    let VoiceNext::Fail { class, detail } = next_for_voice(&forbidden, Some(&shown), at(1000))
    else {
        panic!("asked")
    };
    assert_eq!(
        (class, detail.as_str()),
        (FailureClass::Moderation, "elevenlabs, Sample(1): no")
    );

    let mut busy = model(CloningMethod::Professional);
    for number in 0..5 {
        assert!(matches!(
            next_for_voice(&busy, None, at(number * 100)),
            VoiceNext::Ask(_)
        ));
        busy = refused(busy, VoiceRequest::Create, Refusal::Transient, number * 100);
    }
    let VoiceNext::Fail { class, .. } = next_for_voice(&busy, None, at(1000)) else {
        panic!("asked again")
    };
    assert_eq!(class, FailureClass::Unavailable);
}

#[test]
fn an_accepted_voice_request_that_does_not_show_is_not_repeated() {
    let created = made(model(CloningMethod::Professional), VoiceRequest::Create, 0);
    assert_eq!(
        next_for_voice(&created, None, at(100)),
        VoiceNext::Wait { seconds: 15 }
    );
    let VoiceNext::Fail { class, .. } = next_for_voice(&created, None, at(900)) else {
        panic!("asked again")
    };
    assert_eq!(class, FailureClass::OutcomeUnknown);
    // A sample counts if the provider confirmed it, even if its view does not list it.
    let given = made(created, VoiceRequest::Sample(1), 1);
    let next = next_for_voice(&given, Some(&view(0, true, Training::NotStarted)), at(2));
    assert_eq!(next, VoiceNext::Ask(VoiceRequest::Sample(2)));
}

#[test]
fn training_times_out_after_48_hours_and_fewer_than_130_polls() {
    let model = made(model(CloningMethod::Professional), VoiceRequest::Train, 0);
    assert_eq!(model.state, VoiceState::Training { since: at(0) });
    let (mut second, mut polls) = (0, 0);
    let underway = view(3, false, Training::Underway("fine_tuning".to_owned()));
    let end = loop {
        match next_for_voice(&model, Some(&underway), at(second)) {
            VoiceNext::Wait { seconds } => second += i64::from(seconds),
            other => break other,
        }
        polls += 1;
    };
    assert!(
        matches!(
            end,
            VoiceNext::Fail {
                class: FailureClass::Timeout,
                ..
            }
        ),
        "{end:?}"
    );
    assert!(
        second >= i64::from(TRAINING_SECONDS) && polls < 130,
        "{polls} polls in {second} s"
    );
}

#[test]
fn voice_model_created_and_ready_are_each_published_once() {
    let training = training(CloningMethod::Professional);
    let registered = registration(&training).accepted(&training);
    assert_eq!(
        registered,
        registration(&training).accepted(&training),
        "the same bytes"
    );
    let [created] = &registered.events[..] else {
        panic!("one event")
    };
    assert_eq!(
        (created.topic, created.key.as_str()),
        (Topic::VoiceModelCreated, "tenant-monsoon-arts")
    );

    let model = made(
        made(registered.voice.unwrap(), VoiceRequest::Create, 1),
        VoiceRequest::Train,
        2,
    );
    let decision = ready(model, at(90)).unwrap();
    let event: Value = serde_json::from_str(&decision.events[0].value).unwrap();
    assert_eq!(event["data"]["durationMs"], 90_000);
    assert_eq!(event["data"]["creditsUsed"], 14, "of all its attempts");
    assert_eq!(event["data"]["voiceModelId"], id().to_string());
    assert!(
        ready(decision.voice.unwrap(), at(91)).is_none(),
        "it is closed"
    );
}

#[test]
fn a_refused_voice_stores_its_reason_and_publishes_nothing() {
    let training = training(CloningMethod::Instant);
    let failure = Failure {
        class: FailureClass::InvalidInput,
        detail: "no consent".to_owned(),
        at: at(0),
    };
    let decision = registration(&training).refused(None, failure, Some("the consent is missing"));
    assert!(decision.events.is_empty());
    let VoiceState::Failed { reason, .. } = decision.voice.unwrap().state else {
        panic!("not failed")
    };
    assert_eq!(reason, "the consent is missing.");
}

#[test]
fn an_erased_voice_model_holds_no_personal_data() {
    let mut model = refused(
        model(CloningMethod::Professional),
        VoiceRequest::Create,
        Refusal::Transient,
        0,
    );
    model.voice = Some("vendors-voice".to_owned());
    let erasing = model.erasing(at(5));
    assert!(erasing.is_closed() && ready(erasing.clone(), at(6)).is_none());
    // Each pass of the erasure counts what it erased.
    let counts = |voices, objects, events| ErasedVoice {
        voices,
        objects,
        events,
    };
    let erasing = erasing
        .erased_in_part(counts(1, 3, 0))
        .erased_in_part(counts(0, 1, 2));
    let json = serde_json::to_string(&erasing.erased(at(7))).unwrap();
    for part in [
        "Asha",
        "consent-7781",
        "s3://",
        "vendors-voice",
        "\"no\"",
        "user-asha-rao",
    ] {
        assert!(!json.contains(part), "{part} in {json}");
    }
    assert!(
        json.contains(r#""erased":{"voices":1,"objects":4,"events":2}"#),
        "{json}"
    );
}

#[test]
fn only_its_own_names_are_executions_of_a_voice() {
    let name = id().to_string();
    for own in [name.clone(), format!("{name}-1"), format!("{name}-12")] {
        assert!(id().has_execution(&own), "{own}");
    }
    let other = VoiceModelId(derive(&[b"another voice"])).to_string();
    for foreign in [
        String::new(),
        "my-voice".to_owned(),
        other.clone(),
        format!("{other}-1"),
        format!("{name}-"),
        format!("{name}-0"),
        format!("{name}-01"),
        format!("{name}-+1"),
        format!("{name}-x"),
        format!("{name}1"),
        name.to_uppercase(),
    ] {
        assert!(!id().has_execution(&foreign), "{foreign}");
    }
}

/// How a provider may react to a request.
#[derive(Debug, Clone, Copy)]
enum Does {
    ItAndSaysSo,
    ItAndIsNotHeard,
    NothingAndIsNotHeard,
    Refuses(Refusal),
}

proptest! {
    /// Every voice ends, no fulfilled request is repeated, and no request is sent more than five
    /// times.
    #[test]
    fn every_voice_ends_and_no_fulfilled_request_is_repeated(
        does in proptest::collection::vec(
            prop_oneof![
                6 => Just(Does::ItAndSaysSo),
                2 => Just(Does::ItAndIsNotHeard),
                2 => Just(Does::NothingAndIsNotHeard),
                1 => Just(Does::Refuses(Refusal::Transient)),
                1 => any::<Option<u16>>().prop_map(|s| Does::Refuses(Refusal::RateLimited { retry_after: s.map(u32::from) })),
                1 => Just(Does::Refuses(Refusal::InvalidInput)),
            ],
            60,
        ),
    ) {
        let mut model = model(CloningMethod::Professional);
        let mut shown: Option<VoiceView> = None;
        let mut done = Vec::new();
        let (mut second, mut requests) = (0_i64, does.into_iter());
        for _ in 0..2000 {
            match next_for_voice(&model, shown.as_ref(), at(second)) {
                VoiceNext::Ask(request) => {
                    prop_assert!(!done.contains(&request), "{request:?} was done");
                    prop_assert!(model.attempts.iter().filter(|attempt| attempt.asked == request).count() < 5);
                    let Some(does) = requests.next() else { return Ok(()) };
                    if matches!(does, Does::ItAndSaysSo | Does::ItAndIsNotHeard) {
                        done.push(request);
                        let view = shown.get_or_insert_with(|| view(0, true, Training::NotStarted));
                        match request {
                            VoiceRequest::Create | VoiceRequest::Verify => {}
                            VoiceRequest::Sample(number) => drop(view.samples.insert(number)),
                            VoiceRequest::Train => view.training = Training::Underway("queued".to_owned()),
                        }
                    }
                    model = match does {
                        Does::ItAndSaysSo => made(model, request, second),
                        Does::ItAndIsNotHeard | Does::NothingAndIsNotHeard => {
                            refused(model, request, Refusal::OutcomeUnknown, second)
                        }
                        Does::Refuses(refusal) => refused(model, request, refusal, second),
                    };
                }
                VoiceNext::Wait { seconds } => {
                    prop_assert!((1..=1800).contains(&seconds));
                    second += i64::from(seconds);
                    if second > 20_000 && let Some(view) = &mut shown && matches!(view.training, Training::Underway(_)) {
                        view.training = Training::Done;
                    }
                }
                VoiceNext::AwaitOwner => shown.as_mut().unwrap().wants_owner = false,
                VoiceNext::Ready | VoiceNext::Fail { .. } => return Ok(()),
            }
        }
        prop_assert!(false, "it never ended");
    }
}
