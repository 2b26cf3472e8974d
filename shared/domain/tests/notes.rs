//! What is noted of a job on its way, and what it fell back from.

use std::collections::BTreeMap;

use contract::{AssetKind, Configuration, Entity, EntityKind, Identifier, Text, Time, Topic};
use domain::{
    ContentHash, Description, InboundEvent, Job, Note, Noted, Outcome, Planning, ProviderId,
    ProviderRouting, Refusal, Work, derive, plan,
};

use ProviderId::{OpenAi, Runway, StudioCanvas};

fn at(second: u32) -> Time {
    let begin: Time = serde_json::from_str("\"2026-11-27T10:00:00Z\"").unwrap();
    begin.plus_seconds(second)
}

fn job() -> Job {
    let inbound = InboundEvent {
        topic: Topic::EventCreated,
        source: "events-svc".to_owned(),
        id: "evt-1".to_owned(),
        time: serde_json::from_str("\"2026-11-27T09:00:00Z\"").unwrap(),
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
        configuration: Configuration::titled(Text::parse("Lanterns").unwrap()),
        translations: BTreeMap::new(),
        assets: vec![AssetKind::Poster],
    };
    let planning = Planning {
        now: at(0),
        deadline: at(900),
        routing: &ProviderRouting::default(),
    };
    plan(None, &inbound, &description, planning).unwrap().jobs[0].clone()
}

fn asked(job: Job, provider: ProviderId, second: u32) -> Job {
    job.asking(provider, derive(&[&second.to_be_bytes()]), at(second))
}

fn refused(job: Job, detail: &str, second: u32) -> Job {
    let outcome = Outcome::Refused {
        refusal: Refusal::Auth,
        detail: detail.to_owned(),
        at: at(second),
        credits: 0,
    };
    job.answered(outcome, at(second))
}

#[test]
fn each_wait_and_each_turn_is_noted_with_its_time() {
    let job = job().waiting(Runway, at(60));
    let job = job.noting_turn(at(70)).woken(at(970));
    let job = job.leaving(Runway, at(80));
    let note = |second, what| Note {
        at: at(second),
        what,
    };
    let joined = Noted::JoinedLine { provider: Runway };
    let came = Noted::TurnCame { provider: Runway };
    let all = [note(60, joined), note(70, came), note(80, joined)];
    assert_eq!(job.notes[..], all);
    let read: Job = serde_json::from_str(&serde_json::to_string(&job).unwrap()).unwrap();
    assert_eq!(read, job);
}

#[test]
fn a_turn_is_noted_only_of_a_job_that_waits() {
    assert!(job().noting_turn(at(70)).notes.is_unused());
}

#[test]
fn what_was_noted_last_is_not_noted_again() {
    let until = at(900);
    let passed_over = Noted::PassedOver {
        provider: OpenAi,
        until,
    };
    let once = job().noting(passed_over, at(1));
    assert_eq!(once.clone().noting(passed_over, at(2)), once);
}

#[test]
fn a_job_has_at_most_a_hundred_notes_and_the_newest_stay() {
    let mut job = job();
    for second in 1..=150 {
        job = job.leaving(Runway, at(second)).noting_turn(at(second));
    }
    assert_eq!(job.notes.len(), 100);
    assert_eq!(job.notes.last().unwrap().at, at(150));
}

#[test]
fn a_job_without_notes_is_stored_as_before_there_were_any() {
    assert!(!serde_json::to_string(&job()).unwrap().contains("notes"));
}

#[test]
fn a_job_fell_back_from_what_refused_it_and_from_what_was_passed_over() {
    assert!(asked(job(), OpenAi, 1).fell_back().is_empty());
    // It is asked again, and does not fall back.
    let again = asked(refused(asked(job(), OpenAi, 1), "busy", 2), OpenAi, 4);
    assert!(again.fell_back().is_empty());
    let refused = refused(again, "no such key", 5);
    assert!(refused.fell_back().is_empty(), "the next is not asked yet");
    let until = at(900);
    let passed_over = Noted::PassedOver {
        provider: Runway,
        until,
    };
    let fell = asked(refused.noting(passed_over, at(6)), StudioCanvas, 6);
    let from: Vec<_> = fell
        .fell_back()
        .into_iter()
        .map(|fell| (fell.from, fell.attempt.map(|attempt| attempt.at)))
        .collect();
    assert_eq!(from, [(OpenAi, Some(at(4))), (Runway, None)]);
}
