use contract::{AssetKind, Entity, EntityKind, Identifier, Time, Topic};
use operations::{JobState, JobSummary, OlderEvent, PublishedEvent, Situation, Told, Verdict};
use uuid::Uuid;

use super::*;

fn at(minute: u32) -> Time {
    Time::new("2026-11-27T09:30:00Z".parse().unwrap()).plus_seconds(60 * minute)
}

fn id(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

fn diwali() -> Entity {
    Entity {
        kind: EntityKind::Event,
        id: id("event-diwali"),
    }
}

fn line(number: u128, situation: Situation) -> JobLine {
    let state = match situation {
        Situation::Completed { .. } => JobState::Completed,
        _ => JobState::Created,
    };
    JobLine {
        job: JobSummary {
            id: Uuid::from_u128(number),
            state,
            entity: diwali(),
            asset: AssetKind::Poster,
            locale: None,
            provider: "studio-canvas".to_owned(),
            created_at: at(0),
            resubmit_of: None,
            tenant: None,
            failure: None,
            fell_back_from: None,
        },
        verdict: Verdict::from(situation),
    }
}

fn completed() -> JobLine {
    line(
        1,
        Situation::Completed {
            at: at(1),
            by: "studio-canvas".to_owned(),
            instead_of: vec!["openai".to_owned()],
            told: Told::Published,
        },
    )
}

fn waiting() -> JobLine {
    line(
        2,
        Situation::InLine {
            provider: "openai".to_owned(),
            since: Some(at(0)),
            until: at(24 * 60),
        },
    )
}

fn newer() -> EventName {
    EventName {
        source: "events-svc".to_owned(),
        id: "evt-2".to_owned(),
        time: "2026-11-27T09:34:00Z".to_owned(),
        version: None,
    }
}

fn letter() -> DeadLetterSummary {
    DeadLetterSummary {
        id: Uuid::from_u128(9),
        topic: "eventzr.event.created.v1".to_owned(),
        partition: 3,
        offset: 4711,
        tenant: Some("tenant-a".to_owned()),
        cause: "`data.startsAt` is \u{1b}[2J missing".to_owned(),
        first_seen: at(0),
        last_seen: at(0),
        count: 1,
        resolved: None,
    }
}

fn event(outcome: EventOutcome, jobs: Vec<JobLine>) -> Explanation {
    Explanation::Event(Box::new(EventExplained {
        id: "evt-1".to_owned(),
        source: Some("events-svc".to_owned()),
        decided_at: Some(at(0)),
        now: outcome.now(Some(at(0))),
        next: outcome.next(),
        published: jobs
            .iter()
            .map(|_| PublishedEvent {
                topic: Topic::RenderJobCreated,
                id: "evt-7".to_owned(),
            })
            .collect(),
        outcome,
        jobs,
        dead_letters: Vec::new(),
    }))
}

fn explained(found: Vec<Explanation>) -> Explained {
    Explained {
        tenant: id("tenant-a"),
        found,
        not_found: vec!["no event evt-1 of the sources events-svc".to_owned()],
    }
}

#[test]
fn an_event_is_explained_by_what_was_decided_and_by_its_jobs() {
    let taken = EventOutcome::Taken {
        templates: 1,
        jobs: 1,
        told: Told::Published,
        older_than: None,
    };
    let older = EventOutcome::Older { than: newer() };
    let found = vec![event(taken, vec![completed()]), event(older, Vec::new())];
    insta::assert_snapshot!("event", text(&explained(found)));
}

#[test]
fn an_entity_is_explained_by_its_newest_events_and_by_its_templates() {
    let older = EventName {
        id: "evt-1".to_owned(),
        time: "2026-11-27T09:30:00Z".to_owned(),
        ..newer()
    };
    let template = |latest: Option<JobLine>| TemplateLine {
        id: Uuid::from_u128(7),
        revision: 3,
        output_url: None,
        latest,
    };
    let entity = EntityExplained {
        entity: diwali(),
        title: Some("Diwali Lantern Walk".to_owned()),
        starts_at: Some("2026-11-29T18:00:00+05:30".to_owned()),
        erased_at: None,
        newest: vec![NewestEvent {
            topic: Topic::EventCreated,
            event: newer(),
            last_older: Some(OlderEvent {
                event: older,
                at: at(2),
            }),
        }],
        templates: vec![template(Some(completed())), template(None)],
    };
    let found = vec![Explanation::Entity(Box::new(entity))];
    insta::assert_snapshot!("entity", text(&explained(found)));
}

#[test]
fn a_tenant_is_explained_by_its_newest_jobs_and_by_its_dead_letters() {
    let tenant = TenantExplained {
        jobs: vec![waiting(), completed()],
        has_more_jobs: true,
        dead_letters: vec![letter()],
        has_more_dead_letters: false,
    };
    let found = vec![Explanation::Tenant(Box::new(tenant))];
    insta::assert_snapshot!("tenant", text(&explained(found)));
}

#[test]
fn a_dead_letter_says_what_to_do() {
    let found = vec![Explanation::DeadLetter(Box::new(letter()))];
    let text = text(&explained(found));
    assert!(text.contains("dead-letters redrive 00000000"), "{text}");
    assert!(text.contains("\\u{1b}"), "it steers no terminal: {text}");
}

#[test]
fn what_is_not_there_is_said_with_the_places_where_it_was_looked_for() {
    let nothing = explained(vec![event(EventOutcome::NotFound, Vec::new())]);
    assert!(is_nothing(&nothing));
    let said = text(&nothing);
    assert!(
        said.contains("no event evt-1 of the sources events-svc"),
        "{said}"
    );
    assert!(!is_nothing(&explained(vec![event(
        EventOutcome::Unchanged,
        Vec::new()
    )])));
}
