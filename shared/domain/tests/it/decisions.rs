//! Decisions: (current state, an inbound event) → the state to write, the events to publish and the
//! jobs to send.

use std::{collections::BTreeMap, sync::LazyLock};

use contract::{
    AssetKind, Configuration, Entity, EntityKind, EventTime, FailureClass, Identifier, Shows, Text,
    Time, Topic,
};
use domain::{
    AssetPaths, CLOCKS_DIFFER_SECONDS, ContentHash, Decision, Description, EntityState, Failure,
    HORIZON_SECONDS, InboundEvent, Job, MOST_ASSETS, Outcome, Output, PlanError, Planning,
    ProviderId, ProviderRouting, ResubmitError, State, TemplateKey, Work as _, cancel, derive,
    fail, finish, plan, resubmit,
};
use proptest::prelude::*;
use serde_json::Value;

fn at(text: &str) -> Time {
    Time::new(text.parse().unwrap())
}

fn happened(text: &str) -> EventTime {
    EventTime::new(text.parse().unwrap())
}

fn now() -> Time {
    at("2026-11-20T10:00:00Z")
}

fn inbound(id: &str, time: &str) -> InboundEvent {
    let json = format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"events-svc","type":"t","data":"{id}"}}"#
    );
    let content = ContentHash::of(&contract::Envelope::decode(&[], Some(json.as_bytes())).unwrap());
    InboundEvent {
        topic: Topic::EventCreated,
        source: "events-svc".to_owned(),
        id: id.to_owned(),
        time: happened(time),
        trace: None,
        content,
    }
}

fn says(title: &str, description: Option<&str>) -> Description {
    Description {
        tenant: Identifier::parse("tenant-1").unwrap(),
        user: Some(Identifier::parse("user-1").unwrap()),
        entity: Entity {
            kind: EntityKind::Event,
            id: Identifier::parse("event-1").unwrap(),
        },
        version: None,
        configuration: Configuration {
            title: Text::parse(title).unwrap(),
            description: description.map(|text| Text::parse(text).unwrap()),
            starts_at: Some("2026-12-19T18:30:00+05:30".parse().unwrap()),
            ends_at: None,
            time_zone: None,
            locale: None,
            venue: None,
            organizer: None,
            label: None,
            call_to_action: None,
            brand: None,
            voice_model_id: None,
        },
        translations: BTreeMap::new(),
        assets: vec![AssetKind::Poster, AssetKind::Invitation],
    }
}

fn planning() -> Planning<'static> {
    static ROUTING: LazyLock<ProviderRouting> = LazyLock::new(ProviderRouting::default);
    Planning {
        now: now(),
        deadline: now().plus_seconds(900),
        routing: &ROUTING,
    }
}

/// The job with one more attempt at the canvas, which came to nothing.
fn asked(job: Job) -> Job {
    job.asking(ProviderId::StudioCanvas, derive(&[b"one"]), now())
        .answered(Outcome::unknown("the drawing was lost", now()), now())
}

fn decide(
    before: Option<&EntityState>,
    inbound: &InboundEvent,
    description: &Description,
) -> Decision {
    plan(before, inbound, description, planning()).unwrap()
}

#[test]
fn every_event_carries_the_trace_of_what_caused_it() {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        .parse()
        .unwrap();
    let mut inbound = inbound("one", "2026-11-20T09:59:59Z");
    for trace in [None, Some(trace)] {
        inbound.trace = trace;
        let decision = decide(None, &inbound, &says("Rain", None));
        assert_eq!(decision.events.len(), 4);
        assert!(decision.events.iter().all(|event| event.trace == trace));
    }
}

/// The published events, a line each: topic, kind or asset, revision.
fn published_lines(decision: &Decision) -> Vec<String> {
    let line = |outbound: &domain::OutboundEvent| {
        let event: Value = serde_json::from_str(&outbound.value).unwrap();
        let data = &event["data"];
        let asset = data["kind"]
            .as_str()
            .or(data["asset"].as_str())
            .unwrap_or("-");
        let topic = outbound
            .topic
            .as_str()
            .trim_start_matches("eventzr.studio.")
            .trim_end_matches(".v1");
        format!("{topic} {asset} {}", data["revision"])
    };
    decision.events.iter().map(line).collect()
}

fn failure(class: FailureClass) -> Failure {
    Failure {
        class,
        detail: "secret detail".to_owned(),
        at: now(),
    }
}

fn stored(job: &Job) -> Job {
    let paths = AssetPaths::new(&[7; 32]).unwrap();
    let output = Output {
        key: paths.object_key(job),
        stored_at: at("2026-11-20T10:00:01.500Z"),
        credits: 0,
        length_ms: None,
        shows: Shows::default(),
    };
    asked(job.clone()).stored("studio-canvas".to_owned(), output)
}

#[test]
fn a_new_event_gets_two_templates_with_a_job_each() {
    let decision = decide(
        None,
        &inbound("a", "2026-11-20T09:00:00Z"),
        &says("Lanterns", None),
    );
    assert_eq!(
        published_lines(&decision),
        [
            "template.created poster 1",
            "render-job.created poster null",
            "template.created invitation 1",
            "render-job.created invitation null"
        ]
    );
    assert_eq!(
        decision.starts,
        decision.jobs.iter().map(|job| job.id).collect::<Vec<_>>()
    );
    assert!(decision.jobs.iter().all(|job| job.state == State::Created));
    let events: Vec<Value> = decision
        .events
        .iter()
        .map(|event| serde_json::from_str(&event.value).unwrap())
        .collect();
    insta::assert_json_snapshot!(events);
}

#[test]
fn deciding_the_same_thing_twice_decides_the_same_bytes() {
    let inbound = inbound("a", "2026-11-20T09:00:00Z");
    let description = says("Lanterns", None);
    assert_eq!(
        decide(None, &inbound, &description),
        decide(None, &inbound, &description)
    );
}

#[test]
fn an_unchanged_entity_publishes_nothing() {
    let first = decide(
        None,
        &inbound("a", "2026-11-20T09:00:00Z"),
        &says("Lanterns", None),
    );
    let again = decide(
        first.entity.as_ref(),
        &inbound("b", "2026-11-20T09:30:00Z"),
        &says("Lanterns", None),
    );
    assert_eq!(
        (again.events.len(), again.jobs.len(), again.starts.len()),
        (0, 0, 0)
    );
}

#[test]
fn a_new_title_rerenders_both_assets() {
    let first = decide(
        None,
        &inbound("a", "2026-11-20T09:00:00Z"),
        &says("Lanterns", None),
    );
    let again = decide(
        first.entity.as_ref(),
        &inbound("b", "2026-11-20T09:30:00Z"),
        &says("Lanterns, again", None),
    );
    assert_eq!(
        published_lines(&again),
        [
            "template.updated poster 2",
            "render-job.created poster null",
            "template.updated invitation 2",
            "render-job.created invitation null"
        ]
    );
    assert!(
        again
            .jobs
            .iter()
            .zip(&first.jobs)
            .all(|(new, old)| new.id != old.id && new.template == old.template)
    );
}

#[test]
fn a_late_older_event_changes_nothing() {
    let newer = decide(
        None,
        &inbound("b", "2026-11-20T09:30:00Z"),
        &says("New", None),
    );
    let older = decide(
        newer.entity.as_ref(),
        &inbound("a", "2026-11-20T09:00:00Z"),
        &says("Old", None),
    );
    assert!(older.events.is_empty());
    assert_eq!(
        older
            .entity
            .unwrap()
            .configuration()
            .unwrap()
            .title
            .as_str(),
        "New"
    );
}

#[test]
fn an_event_from_before_the_horizon_is_refused() {
    let old = InboundEvent {
        time: happened("2026-08-01T00:00:00Z"),
        ..inbound("a", "2026-11-20T09:00:00Z")
    };
    let refused = plan(None, &old, &says("Lanterns", None), planning());
    assert_eq!(refused, Err(PlanError::TooOld(old.time)));
    let planned = |time| {
        let inbound = inbound("a", time);
        plan(None, &inbound, &says("Lanterns", None), planning())
    };
    // 97 days before now, and a millisecond more.
    assert!(planned("2026-08-15T10:00:00Z").is_ok());
    let just = planned("2026-08-15T09:59:59.999Z");
    assert!(matches!(just, Err(PlanError::TooOld(_))), "{just:?}");
    assert_eq!(HORIZON_SECONDS, 97 * 86_400);
}

#[test]
fn an_event_further_ahead_than_clocks_may_differ_is_refused_by_name() {
    assert_eq!(CLOCKS_DIFFER_SECONDS, 5 * 60);
    let planned = |time| {
        plan(
            None,
            &inbound("a", time),
            &says("Lanterns", None),
            planning(),
        )
    };
    assert!(planned("2026-11-20T10:05:00Z").is_ok());
    for time in ["2026-11-20T10:05:00.001Z", "9999-12-30T22:00:00Z"] {
        let refused = planned(time).unwrap_err();
        assert_eq!(refused, PlanError::TooFarAhead(happened(time)));
        assert_eq!(
            refused.to_string(),
            format!("`time` is {time}, more than 5 minutes ahead of the studio's clock")
        );
    }
}

/// The title that is left of two events, whichever arrives first.
fn title_of_both(events: [(&InboundEvent, &str); 2]) -> [String; 2] {
    let run = |events: [(&InboundEvent, &str); 2]| {
        let entity = events.into_iter().fold(None, |entity, (inbound, title)| {
            decide(entity.as_ref(), inbound, &says(title, None)).entity
        });
        entity
            .unwrap()
            .configuration()
            .unwrap()
            .title
            .as_str()
            .to_owned()
    };
    [run(events), run([events[1], events[0]])]
}

#[test]
fn of_two_events_within_a_millisecond_the_later_one_holds() {
    let older = inbound("z", "2026-11-20T09:00:00.0001Z");
    let newer = inbound("a", "2026-11-20T09:00:00.0009Z");
    assert_eq!(
        title_of_both([(&older, "Old"), (&newer, "New")]),
        ["New", "New"]
    );
}

#[test]
fn two_sources_with_one_id_and_one_time_are_ordered() {
    let one = inbound("a", "2026-11-20T09:00:00Z");
    let other = InboundEvent {
        source: "other-svc".to_owned(),
        ..one.clone()
    };
    let titles = title_of_both([(&one, "One"), (&other, "Other")]);
    assert_eq!(titles, ["Other", "Other"]);
}

#[test]
fn events_that_differ_in_nothing_but_content_are_ordered() {
    let one = inbound("a", "2026-11-20T09:00:00Z");
    let other = InboundEvent {
        content: ContentHash::of_text("other"),
        ..one.clone()
    };
    let [forward, backward] = title_of_both([(&one, "One"), (&other, "Other")]);
    assert_eq!(forward, backward);
}

#[test]
fn an_asset_asked_for_twice_is_made_once_and_counts_once() {
    let description = Description {
        assets: vec![AssetKind::Poster; MOST_ASSETS + 1],
        ..says("Lanterns", None)
    };
    assert_eq!(
        decide(None, &inbound("a", "2026-11-20T09:00:00Z"), &description)
            .jobs
            .len(),
        1
    );
}

#[test]
fn a_finished_job_is_published_and_updates_its_template() {
    let first = decide(
        None,
        &inbound("a", "2026-11-20T09:00:00Z"),
        &says("Lanterns", None),
    );
    let job = stored(&first.jobs[0]);
    let url = "https://assets.example/poster.png";
    let finished = finish(job, first.entity.clone().unwrap(), url, now()).unwrap();
    assert_eq!(
        published_lines(&finished),
        ["render-job.completed - null", "template.updated poster 2"]
    );
    let asset = finished.entity.as_ref().unwrap().templates[&TemplateKey {
        kind: AssetKind::Poster,
        locale: None,
    }]
        .asset
        .clone()
        .unwrap();
    assert_eq!(asset.output_url, url);
    let events: Vec<Value> = finished
        .events
        .iter()
        .map(|event| serde_json::from_str(&event.value).unwrap())
        .collect();
    insta::assert_json_snapshot!(events);

    let closed = finished.jobs[0].clone();
    assert_eq!(
        finish(closed.clone(), finished.entity.unwrap(), url, now()),
        None
    );
    assert_eq!(fail(closed, failure(FailureClass::Timeout), None), None);
}

#[test]
fn a_replaced_job_is_published_but_does_not_change_the_template() {
    let first = decide(
        None,
        &inbound("a", "2026-11-20T09:00:00Z"),
        &says("Lanterns", None),
    );
    let second = decide(
        first.entity.as_ref(),
        &inbound("b", "2026-11-20T09:30:00Z"),
        &says("Lamps", None),
    );
    let finished = finish(
        stored(&first.jobs[0]),
        second.entity.unwrap(),
        "https://a/old.png",
        now(),
    )
    .unwrap();
    assert_eq!(published_lines(&finished), ["render-job.completed - null"]);
    assert_eq!(finished.entity, None);
}

#[test]
fn a_job_without_a_stored_asset_is_not_finished() {
    let first = decide(
        None,
        &inbound("a", "2026-11-20T09:00:00Z"),
        &says("Lanterns", None),
    );
    let submitted = asked(first.jobs[0].clone());
    assert_eq!(
        finish(submitted, first.entity.unwrap(), "https://a/b.png", now()),
        None
    );
}

#[test]
fn a_failed_job_publishes_its_class_reason_and_attempts() {
    let first = decide(
        None,
        &inbound("a", "2026-11-20T09:00:00Z"),
        &says("Lanterns", None),
    );
    let job = asked(asked(first.jobs[0].clone()));
    let events: Vec<Value> = [
        FailureClass::InvalidInput,
        FailureClass::Unavailable,
        FailureClass::Timeout,
        FailureClass::Abandoned,
        FailureClass::NotConfigured,
        FailureClass::Internal,
        FailureClass::Moderation,
        FailureClass::OutcomeUnknown,
        FailureClass::TooManyOpen,
        FailureClass::Cancelled,
    ]
    .into_iter()
    .map(|class| {
        let failed = fail(job.clone(), failure(class), None).unwrap();
        assert!(
            !failed.events[0].value.contains("secret detail"),
            "operators' detail is not for tenants"
        );
        serde_json::from_str::<Value>(&failed.events[0].value).unwrap()["data"].take()
    })
    .collect();
    insta::assert_json_snapshot!(events);
}

#[test]
fn resubmitting_a_failed_job_opens_a_new_job_that_updates_the_template() {
    let first = decide(
        None,
        &inbound("evt-1", "2026-11-20T09:00:00Z"),
        &says("Monsoon Jazz Night", None),
    );
    let (job, entity) = (first.jobs[0].clone(), first.entity.unwrap());
    let failed = fail(job, failure(FailureClass::Unavailable), None)
        .unwrap()
        .jobs
        .remove(0);
    let decision = resubmit(&failed, entity.clone(), planning()).unwrap();
    // The same request gives the same bytes. The template is published only once its new asset
    // exists.
    assert_eq!(resubmit(&failed, entity, planning()).unwrap(), decision);
    assert_eq!(
        published_lines(&decision),
        ["render-job.created poster null"]
    );
    let created: Value = serde_json::from_str(&decision.events[0].value).unwrap();
    assert_eq!(created["data"]["resubmitOf"], failed.id.to_string());
    assert_eq!(created["data"]["trigger"]["id"], "evt-1");
    let [again] = &decision.jobs[..] else {
        panic!("{decision:?}")
    };
    assert_ne!(again.id, failed.id);
    assert_eq!(
        (decision.starts[0], &again.configuration),
        (again.id, &failed.configuration)
    );

    let finished = finish(
        stored(again),
        decision.entity.unwrap(),
        "https://assets/x.png",
        now(),
    )
    .unwrap();
    assert_eq!(
        published_lines(&finished),
        ["render-job.completed - null", "template.updated poster 2"]
    );
}

#[test]
fn an_open_replaced_or_erased_job_is_not_resubmitted() {
    let first = decide(
        None,
        &inbound("evt-1", "2026-11-20T09:00:00Z"),
        &says("Monsoon Jazz Night", None),
    );
    let (job, entity) = (first.jobs[0].clone(), first.entity.unwrap());
    assert_eq!(
        resubmit(&job, entity.clone(), planning()),
        Err(ResubmitError::Open)
    );
    let cancelled = cancel(job, now()).unwrap().jobs.remove(0);
    let newer = decide(
        Some(&entity),
        &inbound("evt-2", "2026-11-20T09:30:00Z"),
        &says("Monsoon Jazz Evening", None),
    );
    let replaced = Err(ResubmitError::Replaced(newer.jobs[0].id));
    assert_eq!(
        resubmit(&cancelled, newer.entity.unwrap(), planning()),
        replaced
    );
    let again = resubmit(&cancelled, entity.clone(), planning()).unwrap();
    let replaced = Err(ResubmitError::Replaced(again.jobs[0].id));
    assert_eq!(
        resubmit(&cancelled, again.entity.unwrap(), planning()),
        replaced
    );
    assert_eq!(
        resubmit(&cancelled, entity.clone().erased(now()), planning()),
        Err(ResubmitError::Erased)
    );
    assert_eq!(
        resubmit(&cancelled.erased(now()), entity, planning()),
        Err(ResubmitError::Erased)
    );
}

#[test]
fn a_state_only_moves_forward() {
    let first = decide(
        None,
        &inbound("a", "2026-11-20T09:00:00Z"),
        &says("Lanterns", None),
    );
    let finished = finish(
        stored(&first.jobs[0]),
        first.entity.unwrap(),
        "https://a/b.png",
        now(),
    )
    .unwrap();
    let closed = finished.jobs[0].clone();
    assert_eq!(asked(closed.clone()), closed);
    let other = Output {
        key: "other".to_owned(),
        stored_at: now(),
        credits: 9,
        length_ms: None,
        shows: Shows::default(),
    };
    assert_eq!(closed.clone().stored("another".to_owned(), other), closed);
}

proptest! {
    #[test]
    fn every_order_of_arrival_ends_in_the_same_configuration(
        events in proptest::collection::vec((0_u32..3, proptest::option::of(0_u64..3), "[ab]", "[ab]"), 1..8),
        seed in any::<u64>(),
    ) {
        let events: Vec<_> = events.into_iter().enumerate().map(|(index, (tenths, version, source, id))| {
            let inbound = InboundEvent {
                source,
                content: ContentHash::of_text(&index.to_string()),
                ..inbound(&id, &format!("2026-11-20T09:00:00.000{tenths}Z"))
            };
            (inbound, Description { version, ..says(&format!("Title {index}"), None) })
        }).collect();
        let run = |order: &[usize]| {
            order.iter().fold(None, |entity: Option<EntityState>, &index| {
                let (inbound, description) = &events[index];
                decide(entity.as_ref(), inbound, description).entity
            }).unwrap().configuration()
        };
        let forward: Vec<usize> = (0..events.len()).collect();
        let mut shuffled = forward.clone();
        let mut random = seed;
        for index in (1..shuffled.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(index, (random >> 33) as usize % (index + 1));
        }
        prop_assert_eq!(run(&forward), run(&shuffled));
    }

    #[test]
    fn different_parts_never_derive_the_same_id(left in proptest::collection::vec(".{0,6}", 1..4), right in proptest::collection::vec(".{0,6}", 1..4)) {
        let id = |parts: &[String]| derive(&parts.iter().map(String::as_bytes).collect::<Vec<_>>());
        prop_assert_eq!(left == right, id(&left) == id(&right));
    }

    #[test]
    fn the_highest_revision_has_the_newest_configuration(titles in proptest::collection::vec("[a-c]", 1..6)) {
        let mut entity = None;
        let mut highest = (0, String::new());
        for (index, title) in titles.iter().enumerate() {
            let inbound = inbound(&format!("e{index}"), &format!("2026-11-20T09:{index:02}:00Z"));
            let decision = decide(entity.as_ref(), &inbound, &says(title, None));
            for event in &decision.events {
                let event: Value = serde_json::from_str(&event.value).unwrap();
                if event["data"]["kind"] == "poster" {
                    let revision = event["data"]["revision"].as_u64().unwrap();
                    prop_assert!(revision > highest.0);
                    highest = (revision, event["data"]["configuration"]["title"].as_str().unwrap().to_owned());
                }
            }
            entity = decision.entity;
        }
        prop_assert_eq!(&highest.1, titles.last().unwrap());
    }
}
