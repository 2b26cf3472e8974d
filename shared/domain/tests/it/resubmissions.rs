//! A job that an operator has made again: the new job is new in all that is the old one's own.

use std::collections::BTreeMap;

use contract::{
    AssetKind, Configuration, Entity, EntityKind, EventTime, FailureClass, Identifier, Text, Time,
    Topic,
};
use domain::{
    Attempts, ContentHash, Decision, Description, EntityState, Failure, InboundEvent,
    InboundEventKey, Job, Planning, ProviderId, ProviderRouting, ResubmitError, State, Work,
    derive, fail, plan, resubmit,
};

fn at(second: u32) -> Time {
    Time::new("2026-11-20T10:00:00Z".parse().unwrap()).plus_seconds(second)
}

/// What follows from an event that says `title`, at `second`.
fn planned(before: Option<&EntityState>, title: &str, second: u32) -> Decision {
    let inbound = InboundEvent {
        topic: Topic::EventCreated,
        source: "events-svc".to_owned(),
        id: title.to_owned(),
        time: EventTime::new(at(second).timestamp()),
        trace: None,
        content: ContentHash::of_text(title),
    };
    let description = Description {
        tenant: Identifier::parse("tenant-1").unwrap(),
        user: None,
        entity: Entity {
            kind: EntityKind::Event,
            id: Identifier::parse("event-1").unwrap(),
        },
        version: None,
        configuration: Configuration::titled(Text::parse(title).unwrap()),
        translations: BTreeMap::new(),
        assets: vec![AssetKind::Poster],
    };
    let routing = ProviderRouting::default();
    plan(before, &inbound, &description, planning(&routing, second)).unwrap()
}

fn planning(routing: &ProviderRouting, second: u32) -> Planning<'_> {
    Planning {
        now: at(second),
        deadline: at(second + 900),
        routing,
    }
}

/// The job that the event opened, asked for, restarted and failed.
fn failed(job: &Job) -> Job {
    let token = derive(&[b"token"]);
    let asked = job.clone().asking(ProviderId::StudioCanvas, token, at(1));
    let failure = Failure {
        class: FailureClass::Unavailable,
        detail: "away".to_owned(),
        at: at(2),
    };
    let mut ended = fail(asked.restarted(at(950)), failure, None).unwrap();
    ended.jobs.remove(0).with_version(4)
}

#[test]
fn a_resubmitted_job_begins_anew_under_an_id_of_its_own() {
    let first = planned(None, "Lanterns", 0);
    let old = failed(&first.jobs[0]);
    let routing = ProviderRouting::parse("openai,studio-canvas", "", "").unwrap();
    let again = resubmit(&old, first.entity.unwrap(), planning(&routing, 5000)).unwrap();
    let [new] = &again.jobs[..] else {
        panic!("{again:?}")
    };
    let inbound = InboundEventKey::of_resubmission(&old.tenant, old.id);
    assert_eq!(new.inbound, inbound);
    let unlike = Job {
        id: new.id,
        inbound,
        version: 0,
        provider: "openai".to_owned(),
        resubmit_of: Some(old.id),
        caused_at: None,
        created_at: at(5000),
        deadline: at(5900),
        restarts: 0,
        attempts: Attempts::default(),
        state: State::Created,
        ..old.clone()
    };
    assert_eq!(*new, unlike);
    assert_ne!(new.id, old.id);
    let template = &again.entity.as_ref().unwrap().templates[&new.template_key()];
    assert_eq!(template.job, new.id, "it waits for the new job");
}

#[test]
fn a_resubmitted_job_shows_what_its_template_shows_now() {
    let first = planned(None, "Lanterns", 0);
    let old = failed(&first.jobs[0]);
    // The template's job stays, as where a new fact changes no pixel.
    let mut entity = planned(first.entity.as_ref(), "Lamps", 60).entity.unwrap();
    entity.templates.get_mut(&old.template_key()).unwrap().job = old.id;
    let routing = ProviderRouting::default();
    let again = resubmit(&old, entity, planning(&routing, 100)).unwrap();
    assert_eq!(again.jobs[0].configuration.title.as_str(), "Lamps");
}

#[test]
fn a_job_from_before_its_entitys_erasure_is_not_made_again() {
    let first = planned(None, "Lanterns", 10);
    let (old, entity) = (failed(&first.jobs[0]), first.entity.unwrap());
    let routing = ProviderRouting::default();
    let resubmitted = |erased_at| {
        let entity = entity.clone().erased(at(erased_at));
        resubmit(&old, entity, planning(&routing, 100))
    };
    assert!(resubmitted(9).is_ok());
    assert_eq!(resubmitted(10), Err(ResubmitError::Erased));
    assert_eq!(resubmitted(11), Err(ResubmitError::Erased));
}

#[test]
fn a_job_whose_entity_keeps_no_template_for_it_is_not_made_again() {
    let first = planned(None, "Lanterns", 0);
    let (old, mut entity) = (failed(&first.jobs[0]), first.entity.unwrap());
    entity.templates.clear();
    let routing = ProviderRouting::default();
    let resubmitted = resubmit(&old, entity, planning(&routing, 100));
    assert_eq!(resubmitted, Err(ResubmitError::NoTemplate));
}
