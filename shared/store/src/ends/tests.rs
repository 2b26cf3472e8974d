use contract::{
    AssetKind, Configuration, Entity, EntityKind, FailureClass, Identifier, Text, Topic, Trigger,
};
use domain::{
    Attempts, Drawn, Failure, InboundEventKey, Job, JobId, Notes, State, TemplateId, Turn, derive,
    end_drawn,
};

use super::*;
use crate::items::Item;

fn now() -> Time {
    Time::new("2026-11-20T10:00:00Z".parse().unwrap())
}

fn tenant() -> Identifier {
    Identifier::parse("tenant-1").unwrap()
}

fn job(number: usize) -> Job {
    let tenant = tenant();
    Job {
        id: JobId(derive(&[b"a job", &number.to_be_bytes()])),
        version: 3,
        inbound: InboundEventKey::new(&tenant, "events-svc", "evt-1"),
        tenant,
        user_id: "user-1".to_owned(),
        entity: Entity {
            kind: EntityKind::Event,
            id: Identifier::parse("event-1").unwrap(),
        },
        template: TemplateId(derive(&[b"a template"])),
        asset: AssetKind::Poster,
        locale: None,
        configuration: Configuration::titled(Text::parse("Monsoon Jazz").unwrap()),
        provider: "studio-canvas".to_owned(),
        trigger: Trigger {
            topic: Topic::EventCreated,
            source: "events-svc".to_owned(),
            id: "evt-1".to_owned(),
        },
        created_at: now(),
        deadline: now(),
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

/// The ends of so many failed jobs, with an entity that changes.
fn ends(jobs: usize) -> Ends {
    let failure = Failure {
        class: FailureClass::Internal,
        detail: String::new(),
        at: now(),
    };
    let given_up = Drawn::GivenUp {
        asked_at: None,
        failure,
        sentence: None,
    };
    let jobs = (0..jobs).map(|number| (job(number), given_up.clone()));
    let entity = EntityState {
        version: 7,
        ..EntityState::new(tenant(), job(0).entity)
    };
    Ends {
        entity: Some(entity.clone()),
        ..end_drawn(jobs.collect(), entity, now())
    }
}

/// The items of a transaction with the ends, each with how often it was written before.
fn puts(ends: Ends) -> Vec<(Item, u64)> {
    let tenant = tenant();
    let guard = ErasureGuard {
        tenant: &tenant,
        happened: now(),
    };
    let prepared = prepared(ends, guard, now()).into_iter();
    prepared.flat_map(|decision| decision.puts).collect()
}

#[test]
fn the_most_ends_of_one_entity_are_one_transaction() {
    let puts = puts(ends(MOST_ENDS));
    // The check of the tombstone beside them.
    assert!(puts.len() < 100, "{}", puts.len());
    let entities = puts.iter().filter(|(item, _)| {
        let pk = item["pk"].as_s().unwrap();
        pk.starts_with("entity#")
    });
    let versions: Vec<u64> = entities.map(|(_, before)| *before).collect();
    assert_eq!(versions, [7], "the entity is written once");
}

#[test]
fn an_end_is_written_with_its_job_and_only_a_message_has_it_published() {
    let puts = puts(ends(2));
    let of = |sk: &str| {
        let items = puts
            .iter()
            .filter(|(item, _)| item["sk"].as_s().unwrap() == sk);
        items
            .filter(|(item, _)| item["pk"].as_s().unwrap().starts_with("job#"))
            .collect::<Vec<_>>()
    };
    for (item, before) in of("state") {
        assert_eq!(
            (*before, item["version"].as_n().unwrap().as_str()),
            (3, "4")
        );
    }
    assert_eq!(of("end").len(), 2);
    for (item, before) in of("end") {
        assert_eq!(*before, 0, "there is no end yet");
        assert!(!item.contains_key("open"), "the sweep looks for none");
        assert_eq!(item["published"].as_bool(), Ok(&false));
        let is_listed = item.contains_key("listed") || item.contains_key("tenant");
        assert!(!is_listed, "an erasure finds it by the job");
    }
}
