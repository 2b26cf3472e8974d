//! The jobs and the clock that several tests begin with.

use contract::{AssetKind, Configuration, Entity, EntityKind, Identifier, Time, Topic, Trigger};
use domain::{
    Attempts, ContentHash, Description, InboundEvent, InboundEventKey, Job, JobId, Notes, Outcome,
    Planning, ProviderId, ProviderRouting, Refusal, State, TemplateId, Turn, Work as _, derive,
    plan,
};

/// So many seconds after the beginning.
pub(crate) fn at(second: u32) -> Time {
    Time::new("2026-11-20T10:00:00Z".parse().unwrap()).plus_seconds(second)
}

/// A job of a campaign that was decided on at the beginning and that no provider was asked for.
pub(crate) fn job_of_campaign(asset: AssetKind) -> Job {
    let tenant = Identifier::parse("tenant-1").unwrap();
    let configuration: Configuration = serde_json::from_str(r#"{"title":"Monsoon Jazz"}"#).unwrap();
    Job {
        id: JobId(derive(&[b"a job"])),
        version: 1,
        inbound: InboundEventKey::new(&tenant, "campaign-svc", "evt-1"),
        tenant,
        user_id: "user-asha-rao".to_owned(),
        entity: Entity {
            kind: EntityKind::Campaign,
            id: Identifier::parse("campaign-1").unwrap(),
        },
        template: TemplateId(derive(&[b"a template"])),
        asset,
        locale: None,
        configuration,
        provider: "none".to_owned(),
        trigger: Trigger {
            topic: Topic::CampaignLaunched,
            source: "campaign-svc".to_owned(),
            id: "evt-1".to_owned(),
        },
        created_at: at(0),
        deadline: at(900),
        trace: None,
        caused_at: None,
        resubmit_of: None,
        restarts: 0,
        turn: Turn::default(),
        notes: Notes::default(),
        attempts: Attempts::default(),
        state: State::Created,
    }
}

/// The poster of an event, as it was planned at `now`.
pub(crate) fn planned_poster(now: Time) -> Job {
    let inbound = InboundEvent {
        topic: Topic::EventCreated,
        source: "events-svc".to_owned(),
        id: "evt-1".to_owned(),
        time: serde_json::from_str("\"2026-11-20T09:00:00Z\"").unwrap(),
        trace: None,
        content: ContentHash::of_text("lanterns"),
    };
    let description = Description {
        tenant: Identifier::parse("tenant-monsoon-arts").unwrap(),
        user: None,
        entity: Entity {
            kind: EntityKind::Event,
            id: Identifier::parse("event-1").unwrap(),
        },
        version: None,
        configuration: serde_json::from_str(r#"{"title":"Lanterns"}"#).unwrap(),
        translations: Default::default(),
        assets: vec![AssetKind::Poster],
    };
    let planning = Planning {
        now,
        deadline: now.plus_seconds(900),
        routing: &ProviderRouting::default(),
    };
    plan(None, &inbound, &description, planning).unwrap().jobs[0].clone()
}

/// The job after `provider` refused it at `second`.
pub(crate) fn refused(job: Job, provider: ProviderId, refusal: Refusal, second: u32) -> Job {
    let token = derive(&[b"token", &second.to_be_bytes()]);
    let outcome = Outcome::Refused {
        refusal,
        detail: "as it was asked to".to_owned(),
        at: at(second),
        credits: 0,
    };
    job.asking(provider, token, at(second))
        .answered(outcome, at(second))
}
