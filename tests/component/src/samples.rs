//! What tests put into the table: events and their descriptions, jobs, and a voice.

use std::{collections::BTreeMap, fs};

use contract::{
    AssetKind, Configuration, Entity, EntityKind, EventTime, FailureClass, Identifier, Text, Time,
    Topic, Trigger, VoiceTraining,
};
use domain::{
    Attempts, ContentHash, Decision, Description, Drawn, Ends, EntityKey, EntityState, Failure,
    InboundEvent, InboundEventKey, Job, JobId, Notes, OutboundEvent, Planning, ProviderId,
    ProviderRouting, Registration, State, TemplateId, Turn, VoiceModelId, derive, end_drawn,
};
use local::checkout::Checkout;
use store::{ErasureGuard, Expiry, Key, Prepared, Store, Written};

/// When most of it happens: a century ahead, so that the emulator takes nothing away because its
/// time to live is over.
const NOW: &str = "2126-11-20T10:00:00Z";

/// The time that is written so.
pub fn time(text: &str) -> Time {
    Time::new(text.parse().unwrap())
}

/// The time of most of what happens.
pub fn now() -> Time {
    time(NOW)
}

/// An identifier.
pub fn identifier(id: &str) -> Identifier {
    Identifier::parse(id).unwrap()
}

/// An event that people attend.
pub fn entity(id: &str) -> Entity {
    Entity {
        kind: EntityKind::Event,
        id: identifier(id),
    }
}

/// The inbound event `id`, which happened now. Its content is its id.
pub fn inbound(id: &str) -> InboundEvent {
    InboundEvent {
        topic: Topic::EventCreated,
        source: "events-svc".to_owned(),
        id: id.to_owned(),
        time: EventTime::new(NOW.parse().unwrap()),
        trace: None,
        content: ContentHash::of_text(id),
    }
}

/// The entity `id` of `tenant`, with this title, which is to have a poster and an invitation.
pub fn described(tenant: &str, id: &str, title: &str) -> Description {
    Description {
        tenant: identifier(tenant),
        user: None,
        entity: entity(id),
        version: None,
        configuration: Configuration::titled(Text::parse(title).unwrap()),
        translations: BTreeMap::new(),
        assets: vec![AssetKind::Poster, AssetKind::Invitation],
    }
}

/// The key of the entity that is described.
pub fn entity_key(description: &Description) -> EntityKey {
    EntityKey::new(&description.tenant, &description.entity)
}

/// What says that something of the tenant happened at a time.
pub fn guard(tenant: &Identifier, happened: Time) -> ErasureGuard<'_> {
    ErasureGuard { tenant, happened }
}

/// How long an entry lives that is written now; the sweep publishes it from now on.
pub fn expiry() -> Expiry {
    Expiry {
        from: now(),
        republish_from: Some(now()),
    }
}

/// What is decided of an inbound event about an entity as it is `before`.
pub fn planned(
    inbound: &InboundEvent,
    description: &Description,
    before: Option<&EntityState>,
) -> Decision {
    let planning = Planning {
        now: now(),
        deadline: now().plus_seconds(900),
        routing: &ProviderRouting::default(),
    };
    domain::plan(before, inbound, description, planning).unwrap()
}

/// The same, ready to be committed.
pub fn prepared(
    inbound: &InboundEvent,
    description: &Description,
    before: Option<&EntityState>,
) -> Prepared {
    let key = Key::inbound(inbound.key(&description.tenant));
    let decision = planned(inbound, description, before);
    let expiry = Expiry {
        from: now(),
        republish_from: None,
    };
    let guard = Some(guard(&description.tenant, now()));
    Prepared::new(key, &inbound.content.to_hex(), decision, expiry, guard)
}

/// An open job of `tenant`: a poster, which the canvas draws.
pub fn job(tenant: &str, name: &str) -> Job {
    let tenant = identifier(tenant);
    let id = JobId(derive(&[tenant.as_str().as_bytes(), name.as_bytes()]));
    Job {
        id,
        version: 0,
        inbound: InboundEventKey(derive(&[id.0.as_bytes()])),
        tenant,
        user_id: "user-asha-rao".to_owned(),
        entity: entity("event-1"),
        template: TemplateId(derive(&[b"a template"])),
        asset: AssetKind::Poster,
        locale: None,
        configuration: Configuration::titled(Text::parse("Lanterns").unwrap()),
        provider: ProviderId::StudioCanvas.as_str().to_owned(),
        trigger: Trigger {
            topic: Topic::EventCreated,
            source: "events-svc".to_owned(),
            id: name.to_owned(),
        },
        resubmit_of: None,
        trace: None,
        caused_at: None,
        created_at: now(),
        deadline: now(),
        restarts: 0,
        turn: Turn::default(),
        notes: Notes::default(),
        attempts: Attempts::default(),
        state: State::Created,
    }
}

/// The same, but a video: it waits for a vendor.
pub fn video(tenant: &str, name: &str) -> Job {
    Job {
        asset: AssetKind::Video,
        provider: ProviderId::Runway.as_str().to_owned(),
        ..job(tenant, name)
    }
}

/// Why a job fails.
pub fn failure() -> Failure {
    Failure {
        class: FailureClass::Unavailable,
        detail: "away".to_owned(),
        at: now(),
    }
}

/// The ends of jobs that are given up. They change no entity.
pub fn given_up(jobs: Vec<Job>) -> Ends {
    let drawn = Drawn::GivenUp {
        asked_at: None,
        failure: failure(),
        sentence: None,
    };
    let entity = EntityState::new(identifier("a"), entity("event-1"));
    let jobs = jobs.into_iter().map(|job| (job, drawn.clone())).collect();
    end_drawn(jobs, entity, now())
}

/// An event to publish, with `bytes` bytes beside its quotation marks.
pub fn event(tenant: &str, bytes: usize) -> OutboundEvent {
    OutboundEvent {
        topic: Topic::TemplateUpdated,
        key: tenant.to_owned(),
        value: format!("\"{}\"", "x".repeat(bytes)),
        trace: None,
    }
}

/// The decision that registers a voice model of `tenant`.
pub fn registration(voice: VoiceModelId, tenant: &Identifier) -> Decision {
    let example = Checkout::find().unwrap().voice_training();
    let training = VoiceTraining::parse(&fs::read_to_string(example).unwrap()).unwrap();
    let registration = Registration {
        id: voice,
        tenant,
        provider: ProviderId::ElevenLabs,
        now: now(),
        deadline: now(),
    };
    registration.accepted(&training)
}

/// Writes a decision that nothing is in the way of.
pub async fn commit(store: &Store, decision: Prepared) {
    let written = store.write(decision).await.unwrap();
    assert!(matches!(written, Written::Committed(_)), "{written:?}");
}

/// Writes open jobs, together.
pub async fn put(store: &Store, jobs: &[Job]) {
    let key = Key::inbound(InboundEventKey(derive(&[b"put", jobs[0].id.0.as_bytes()])));
    let decision = Decision {
        jobs: jobs.to_vec(),
        ..Decision::default()
    };
    commit(store, Prepared::new(key, "put", decision, expiry(), None)).await;
}
