//! A spot that names a cloned voice: it is spoken by that voice, or not at all.

use std::collections::BTreeMap;

use contract::{
    AssetKind, Configuration, Entity, EntityKind, EventTime, FailureClass, Identifier, Shows, Text,
    Topic, VoiceTraining,
};
use domain::{
    Attempts, ContentHash, Decision, Description, EntityState, Failure, InboundEvent, Job,
    NO_PROVIDER, Next, NotSpoken, OutboundEvent, Output, Planning, ProviderId, ProviderRouting,
    Registration, Speaker, TaskToken, VoiceModel, VoiceModelId, VoiceState, Wrong, derive, fail,
    finish, next, plan, speaker,
};
use serde_json::Value;

use crate::samples::at;

const TENANT: &str = "tenant-monsoon-arts";

fn id(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

fn voice() -> VoiceModelId {
    VoiceModelId(derive(&[b"a voice"]))
}

/// The voice model in a state, known to its provider as `vendors-id`.
fn model(state: VoiceState) -> VoiceModel {
    let example = include_str!("../../../../events/voice-training/example.json");
    let training = VoiceTraining::parse(example).unwrap();
    let registration = Registration {
        id: voice(),
        tenant: &training.tenant_id,
        provider: ProviderId::ElevenLabs,
        now: at(0),
        deadline: at(900),
    };
    VoiceModel {
        voice: Some("vendors-id".to_owned()),
        state,
        ..registration.accepted(&training).voice.unwrap()
    }
}

fn ready() -> VoiceModel {
    model(VoiceState::Ready { at: at(1) })
}

fn failure(class: FailureClass) -> Failure {
    Failure {
        class,
        detail: "as the test says".to_owned(),
        at: at(9),
    }
}

fn routing() -> ProviderRouting {
    ProviderRouting::parse("", "", "polly,elevenlabs").unwrap()
}

/// What follows from a campaign with a banner and a spot, spoken by `voice`.
fn launched(
    before: Option<&EntityState>,
    second: u32,
    voice: Option<VoiceModelId>,
    routing: &ProviderRouting,
) -> Decision {
    let inbound = InboundEvent {
        topic: Topic::CampaignLaunched,
        source: "marketing-svc".to_owned(),
        id: format!("evt-{second}"),
        time: EventTime::new(at(second).timestamp()),
        trace: None,
        content: ContentHash::of_text(&second.to_string()),
    };
    let description = Description {
        tenant: id(TENANT),
        user: None,
        entity: Entity {
            kind: EntityKind::Campaign,
            id: id("campaign-1"),
        },
        version: None,
        configuration: Configuration {
            voice_model_id: voice,
            ..Configuration::titled(Text::parse("Lanterns").unwrap())
        },
        translations: BTreeMap::new(),
        assets: vec![AssetKind::BannerMobile, AssetKind::AudioSpot],
    };
    let planning = Planning {
        now: at(second),
        deadline: at(second + 900),
        routing,
    };
    plan(before, &inbound, &description, planning).unwrap()
}

fn job_of(decision: &Decision, asset: AssetKind) -> &Job {
    let mut jobs = decision.jobs.iter();
    jobs.find(|job| job.asset == asset).unwrap()
}

/// The job of the spot that names the voice.
fn spot() -> Job {
    let decision = launched(None, 0, Some(voice()), &routing());
    job_of(&decision, AssetKind::AudioSpot).clone()
}

fn data(event: &OutboundEvent) -> Value {
    let mut event: Value = serde_json::from_str(&event.value).unwrap();
    event["data"].take()
}

#[test]
fn a_ready_voice_speaks_at_the_provider_that_made_it() {
    let providers = [ProviderId::ElevenLabs];
    let model = ready();
    let speaks = speaker(&id(TENANT), Some(&model), &providers);
    let expected = Speaker {
        provider: ProviderId::ElevenLabs,
        voice: "vendors-id",
    };
    assert_eq!(speaks, Ok(expected));
}

#[test]
fn a_voice_that_is_unknown_or_another_tenants_is_one_case() {
    let providers = [ProviderId::ElevenLabs];
    let model = ready();
    for (tenant, model) in [(TENANT, None), ("tenant-other", Some(&model))] {
        let speaks = speaker(&id(tenant), model, &providers);
        assert_eq!(speaks, Err(NotSpoken::Unknown), "{tenant}");
    }
}

#[test]
fn only_a_ready_voice_speaks() {
    let token: TaskToken = serde_json::from_str("\"token\"").unwrap();
    let erased = ready().erasing(at(2)).erased(at(3));
    for (state, expected) in [
        (VoiceState::Registered, NotSpoken::NotReady),
        (
            VoiceState::AwaitingOwner {
                since: at(1),
                token,
                captcha: None,
            },
            NotSpoken::NotReady,
        ),
        (VoiceState::Training { since: at(1) }, NotSpoken::NotReady),
        (
            VoiceState::Failed {
                failure: failure(FailureClass::Timeout),
                reason: "It took too long.".to_owned(),
            },
            NotSpoken::NotTrained,
        ),
        (ready().erasing(at(2)).state, NotSpoken::Erased),
        (erased.state, NotSpoken::Erased),
    ] {
        let model = model(state);
        let speaks = speaker(&id(TENANT), Some(&model), &[ProviderId::ElevenLabs]);
        assert_eq!(speaks, Err(expected), "{:?}", model.state);
    }
}

#[test]
fn another_provider_does_not_speak_in_its_place() {
    let model = ready();
    let speaks = |providers: &[ProviderId]| speaker(&id(TENANT), Some(&model), providers);
    assert_eq!(speaks(&[ProviderId::Polly]), Err(NotSpoken::NoProvider));
    assert_eq!(speaks(&[]), Err(NotSpoken::NoProvider));
    let nameless = VoiceModel {
        voice: None,
        ..ready()
    };
    let speaks = speaker(&id(TENANT), Some(&nameless), &[ProviderId::ElevenLabs]);
    assert_eq!(speaks, Err(NotSpoken::Gone));
}

#[test]
fn a_spot_with_a_voice_is_for_those_that_clone_voices_alone() {
    let asked = |voice| -> Vec<ProviderId> {
        let routing = routing();
        routing.to_ask(AssetKind::AudioSpot, voice).collect()
    };
    assert_eq!(asked(Some(voice())), [ProviderId::ElevenLabs]);
    assert_eq!(asked(None), [ProviderId::Polly, ProviderId::ElevenLabs]);
    let with = launched(None, 0, Some(voice()), &routing());
    let without = launched(None, 0, None, &routing());
    assert_eq!(job_of(&with, AssetKind::AudioSpot).provider, "elevenlabs");
    assert_eq!(job_of(&without, AssetKind::AudioSpot).provider, "polly");
    let no_cloner = ProviderRouting::parse("", "", "polly").unwrap();
    let with = launched(None, 0, Some(voice()), &no_cloner);
    assert_eq!(job_of(&with, AssetKind::AudioSpot).provider, NO_PROVIDER);
}

#[test]
fn created_and_completed_name_the_voice_of_a_spot_and_of_nothing_else() {
    let decision = launched(None, 0, Some(voice()), &routing());
    let created = decision
        .events
        .iter()
        .filter(|event| event.topic == Topic::RenderJobCreated);
    for event in created {
        let data = data(event);
        let named = data["voiceModelId"].as_str();
        let expected = (data["type"] == "audio").then(|| voice().to_string());
        assert_eq!(named, expected.as_deref(), "{data}");
    }
    let output = Output {
        key: "spot.mp3".to_owned(),
        stored_at: at(5),
        credits: 1,
        length_ms: None,
        shows: Shows::default(),
    };
    let stored = spot()
        .asking(ProviderId::ElevenLabs, derive(&[b"token"]), at(4))
        .stored("elevenlabs/eleven_multilingual_v2".to_owned(), output);
    let entity = decision.entity.unwrap();
    let finished = finish(stored, entity, "https://a.example/spot.mp3", at(6)).unwrap();
    assert_eq!(finished.events[0].topic, Topic::RenderJobCompleted);
    let completed = data(&finished.events[0]);
    assert_eq!(completed["voiceModelId"], voice().to_string());
}

#[test]
fn another_voice_renders_the_spot_again_and_nothing_else() {
    let first = launched(None, 0, None, &routing());
    let second = launched(first.entity.as_ref(), 5, Some(voice()), &routing());
    let again: Vec<AssetKind> = second.jobs.iter().map(|job| job.asset).collect();
    assert_eq!(again, [AssetKind::AudioSpot]);
    let third = launched(second.entity.as_ref(), 10, Some(voice()), &routing());
    assert!(third.jobs.is_empty() && third.events.is_empty());
}

#[test]
fn the_reason_names_the_voice_and_what_mends_it() {
    for (why, class, cure, can_resubmit) in [
        (
            NotSpoken::Unknown,
            "invalid-input",
            "Name another voice model",
            false,
        ),
        (
            NotSpoken::NotReady,
            "invalid-input",
            "Submit it again once `voice-model.ready`",
            true,
        ),
        (
            NotSpoken::NotTrained,
            "invalid-input",
            "Name another voice model",
            false,
        ),
        (
            NotSpoken::Erased,
            "invalid-input",
            "Name another voice model",
            false,
        ),
        (
            NotSpoken::Gone,
            "invalid-input",
            "Name another voice model",
            false,
        ),
        (
            NotSpoken::NoProvider,
            "not-configured",
            "Once an operator has set one up",
            true,
        ),
    ] {
        let wrong = Wrong::Voice(voice(), why);
        let failed = fail(spot(), failure(why.failure_class()), Some(wrong)).unwrap();
        let data = data(&failed.events[0]);
        let reason = data["reason"].as_str().unwrap();
        let named = format!("`{}`", voice());
        assert!(
            reason.contains(&named) && reason.contains(cure) && reason.ends_with('.'),
            "{why:?}: {reason}"
        );
        assert!(reason.starts_with(char::is_uppercase), "{reason}");
        assert_eq!(
            (data["failure"].as_str(), data["canResubmit"].as_bool()),
            (Some(class), Some(can_resubmit)),
            "{why:?}"
        );
    }
}

#[test]
fn without_a_provider_that_clones_the_reason_names_the_voice_too() {
    let job = Job {
        attempts: Attempts::default(),
        ..spot()
    };
    let Next::GiveUp { class, detail } = next(&job, &[], &[], at(1)) else {
        panic!("there is no provider")
    };
    assert_eq!(class, FailureClass::NotConfigured);
    assert!(detail.contains("that clones voices"), "{detail}");
    let failed = fail(job, failure(class), None).unwrap();
    let reason = data(&failed.events[0])["reason"].to_string();
    assert!(reason.contains(&voice().to_string()), "{reason}");
}

#[test]
fn a_job_from_before_voices_has_none_and_an_older_reader_drops_it() {
    let mut stored = serde_json::to_value(spot()).unwrap();
    let configuration = stored["configuration"].as_object_mut().unwrap();
    let named = configuration.remove("voiceModelId");
    assert_eq!(named, Some(voice().to_string().into()));
    let before: Job = serde_json::from_value(stored).unwrap();
    assert_eq!(before.voice(), None);
    let without = launched(None, 0, None, &routing());
    assert_eq!(
        before.configuration,
        job_of(&without, AssetKind::AudioSpot).configuration
    );
}
