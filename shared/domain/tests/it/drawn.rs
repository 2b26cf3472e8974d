//! The ends of the jobs that are drawn at once, decided together.

use std::{collections::BTreeMap, sync::LazyLock};

use contract::{
    Adjusted, AssetKind, Configuration, Entity, EntityKind, EventTime, FailureClass, Identifier,
    Locale, Shows, Text, Time, Topic, Translation, Undrawn,
};
use domain::{
    ContentHash, Decision, Description, Drawn, Ends, EntityState, Failure, InboundEvent, Job,
    OutboundEvent, Outcome, Output, Planning, ProviderId, ProviderRouting, State, Work as _,
    cancel, end_drawn, fail, finish, plan,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn at(second: u32) -> Time {
    Time::new("2026-11-20T10:00:00Z".parse().unwrap()).plus_seconds(second)
}

/// What follows from an article in two languages under `title`: six jobs, if it is new.
fn decide(before: Option<&EntityState>, title: &str) -> Decision {
    static ROUTING: LazyLock<ProviderRouting> = LazyLock::new(ProviderRouting::default);
    let text = |title: &str| Text::parse(title).unwrap();
    let translation = Translation {
        title: text(&format!("{title} auf Deutsch")),
        description: None,
        label: None,
        call_to_action: None,
    };
    let description = Description {
        tenant: Identifier::parse("tenant-1").unwrap(),
        user: None,
        entity: Entity {
            kind: EntityKind::Content,
            id: Identifier::parse("article-1").unwrap(),
        },
        version: None,
        configuration: Configuration::titled(text(title)),
        translations: BTreeMap::from([(Locale::parse("de").unwrap(), translation)]),
        assets: AssetKind::made_for(Topic::CmsPublished).to_vec(),
    };
    let json =
        format!(r#"{{"specversion":"1.0","id":"{title}","source":"cms","type":"t","data":1}}"#);
    let envelope = contract::Envelope::decode(&[], Some(json.as_bytes())).unwrap();
    let minute = before.map_or(0, |entity| entity.version + 1);
    let time = format!("2026-11-20T09:{minute:02}:00Z");
    let inbound = InboundEvent {
        topic: Topic::CmsPublished,
        source: "cms".to_owned(),
        id: title.to_owned(),
        time: EventTime::new(time.parse().unwrap()),
        trace: None,
        content: ContentHash::of(&envelope),
    };
    let planning = Planning {
        now: at(0),
        deadline: at(900),
        routing: &ROUTING,
    };
    plan(before, &inbound, &description, planning).unwrap()
}

fn failure(class: FailureClass) -> Failure {
    Failure {
        class,
        detail: "why".to_owned(),
        at: at(9),
    }
}

fn stored(job: &Job) -> Drawn {
    Drawn::Stored {
        asked_at: at(1),
        key: format!("renders/{}", job.id),
        url: format!("https://assets.example/{}", job.id),
        at: at(2),
        shows: Shows::default(),
    }
}

/// What may come of a job, by a number.
fn drawn(job: &Job, number: u8) -> Drawn {
    match number {
        0 => Drawn::Refused {
            asked_at: at(1),
            sentence: "the logo is no PNG".to_owned(),
            undrawn: Vec::new(),
            at: at(2),
        },
        1 => Drawn::GivenUp {
            asked_at: Some(at(1)),
            failure: failure(FailureClass::Unavailable),
            sentence: None,
        },
        2 => Drawn::GivenUp {
            asked_at: None,
            failure: failure(FailureClass::NotConfigured),
            sentence: None,
        },
        _ => stored(job),
    }
}

/// The ends of `jobs` in slices of `size`, each decided on what the one before left of the entity.
fn in_slices(
    jobs: &[(Job, Drawn)],
    entity: &EntityState,
    size: usize,
) -> (EntityState, Vec<(Job, Vec<OutboundEvent>)>) {
    let (mut entity, mut all) = (entity.clone(), Vec::new());
    for slice in jobs.chunks(size) {
        let ends = end_drawn(slice.to_vec(), entity.clone(), at(9));
        entity = ends.entity.unwrap_or(entity);
        all.extend(ends.jobs);
    }
    (entity, all)
}

/// The events of an end as the topics say it, without what is common to all.
fn topics(events: &[OutboundEvent]) -> Vec<&str> {
    let topics = events.iter().map(|event| event.topic.as_str());
    let short = topics.map(|topic| {
        topic
            .trim_start_matches("eventzr.studio.")
            .trim_end_matches(".v1")
    });
    short.collect()
}

fn data(event: &OutboundEvent) -> Value {
    let event: Value = serde_json::from_str(&event.value).unwrap();
    event["data"].clone()
}

#[test]
fn drawn_jobs_end_as_if_each_had_been_asked_for_and_finished_by_itself() {
    let decision = decide(None, "Rain");
    let mut entity = decision.entity.unwrap();
    let all = decision.jobs.iter().map(|job| (job.clone(), stored(job)));
    let ends = end_drawn(all.collect(), entity.clone(), at(9));
    let mut expected = Vec::new();
    for job in decision.jobs {
        let (token, id) = (job.id.0, job.id);
        let made = job
            .asking(ProviderId::StudioCanvas, token, at(1))
            .answered(Outcome::Made { credits: 0 }, at(2));
        let output = Output {
            key: format!("renders/{id}"),
            stored_at: at(2),
            credits: 0,
            length_ms: None,
            shows: Shows::default(),
        };
        let made = made.stored("studio-canvas".to_owned(), output);
        let url = format!("https://assets.example/{id}");
        let finished = finish(made, entity.clone(), &url, at(9)).unwrap();
        entity = finished.entity.unwrap();
        expected.push((finished.jobs[0].clone(), finished.events));
    }
    assert_eq!(expected.len(), 6);
    assert_eq!(ends.jobs, expected);
    assert_eq!(ends.entity, Some(entity));
}

#[test]
fn a_drawn_job_takes_as_long_as_its_own_picture() {
    let decision = decide(None, "Rain");
    let job = &decision.jobs[0];
    let ends = end_drawn(
        vec![(job.clone(), stored(job))],
        decision.entity.clone().unwrap(),
        at(9),
    );
    let (closed, events) = &ends.jobs[0];
    assert_eq!(topics(events), ["render-job.completed", "template.updated"]);
    let completed = data(&events[0]);
    assert_eq!(completed["durationMs"], 1000);
    assert_eq!(completed["provider"], "studio-canvas");
    assert!(matches!(closed.state, State::Completed { submitted_at, .. } if submitted_at == at(1)));
    assert_eq!(closed.attempts.len(), 1);
}

#[test]
fn what_is_not_drawn_fails_with_the_attempts_that_were_made() {
    let decision = decide(None, "Rain");
    let entity = decision.entity.unwrap();
    let unknown = "the job was closed before it was answered";
    for (number, class, attempts, detail) in [
        (0, "invalid-input", 1, "the logo is no PNG"),
        (1, "unavailable", 1, unknown),
        (2, "not-configured", 0, ""),
    ] {
        let job = decision.jobs[0].clone();
        let drawn = drawn(&job, number);
        let ends = end_drawn(vec![(job, drawn)], entity.clone(), at(9));
        assert_eq!(ends.entity, None, "its template stays as it is");
        let (closed, events) = &ends.jobs[0];
        assert_eq!(topics(events), ["render-job.failed"]);
        let failed = data(&events[0]);
        assert_eq!(failed["failure"], class);
        assert_eq!(failed["attempts"], attempts);
        let outcomes = closed
            .attempts
            .iter()
            .map(|attempt| match &attempt.outcome {
                Some(Outcome::Refused { detail, .. }) => detail.clone(),
                other => panic!("{other:?}"),
            });
        assert_eq!(outcomes.collect::<String>(), detail);
    }
}

/// What a picture does not show of a venue's name in Tamil.
fn without_venue() -> Vec<Undrawn> {
    vec![Undrawn {
        field: "venue.name".to_owned(),
        characters: 5,
        scripts: vec!["Tamil".to_owned()],
    }]
}

#[test]
fn what_a_picture_does_not_show_is_in_its_event_its_template_and_its_job() {
    let decision = decide(None, "Rain");
    let job = decision.jobs[0].clone();
    let drawn = match stored(&job) {
        Drawn::Stored {
            asked_at,
            key,
            url,
            at,
            ..
        } => Drawn::Stored {
            asked_at,
            key,
            url,
            at,
            shows: Shows {
                alt_text: Some("Rain. 19 December".to_owned()),
                undrawn: without_venue(),
                adjusted: vec![Adjusted {
                    field: "brand.logo".to_owned(),
                    what: "left-out".to_owned(),
                    reason: "it has 1 × 1 pixels".to_owned(),
                }],
            },
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(drawn.undrawn(), without_venue());
    let ends = end_drawn(vec![(job, drawn)], decision.entity.unwrap(), at(9));
    let (closed, events) = &ends.jobs[0];
    let undrawn = json!([{ "field": "venue.name", "characters": 5, "scripts": ["Tamil"] }]);
    let adjusted =
        json!([{ "field": "brand.logo", "what": "left-out", "reason": "it has 1 × 1 pixels" }]);
    let completed = data(&events[0]);
    let asset = data(&events[1])["asset"].take();
    let job = serde_json::to_value(&closed.state).unwrap()["output"].take();
    for told in [completed, asset, job] {
        assert_eq!((&told["undrawn"], &told["adjusted"]), (&undrawn, &adjusted));
        assert_eq!(told["altText"], "Rain. 19 December");
    }
    // The template keeps it, and publishes it with a change that needs no new picture.
    let entity = ends.entity.unwrap();
    let kept = entity.templates.values().filter_map(|template| {
        let asset = template.asset.as_ref()?;
        (asset.shows.undrawn == without_venue()).then_some(template.job)
    });
    assert_eq!(kept.collect::<Vec<_>>(), [closed.id]);
    // Without its facts, the job has nothing that is text of the tenant.
    let blank = serde_json::to_string(&closed.clone().without_facts()).unwrap();
    assert!(
        !blank.contains("altText") && blank.contains("undrawn"),
        "{blank}"
    );
    // Erased, the job says nothing of it.
    let erased = serde_json::to_string(&closed.clone().erased(at(10))).unwrap();
    assert!(!erased.contains("undrawn"), "{erased}");
}

#[test]
fn a_picture_that_shows_all_says_nothing_of_it_and_one_from_before_shows_all() {
    let decision = decide(None, "Rain");
    let job = decision.jobs[0].clone();
    let drawn = vec![(job.clone(), stored(&job))];
    let ends = end_drawn(drawn, decision.entity.unwrap(), at(9));
    let (closed, events) = &ends.jobs[0];
    for event in events {
        let says = event.value.contains("undrawn") || event.value.contains("adjusted");
        assert!(!says, "{}", event.value);
    }
    // So the state is written as a release from before wrote it.
    let before = serde_json::to_value(&closed.state).unwrap();
    assert!(before["output"]["undrawn"].is_null());
    let read: State = serde_json::from_value(before).unwrap();
    assert_eq!(read, closed.state);
}

#[test]
fn a_title_without_a_font_can_be_submitted_again_and_wrong_content_cannot() {
    let decision = decide(None, "Rain");
    let entity = decision.entity.unwrap();
    for (undrawn, cure, can_resubmit) in [
        (
            without_venue(),
            "Change the title, and the studio renders it again; or submit it again once its \
             operators have added a font.",
            true,
        ),
        (
            Vec::new(),
            "Change that, and the studio renders it again.",
            false,
        ),
    ] {
        let job = decision.jobs[0].clone();
        let refused = Drawn::Refused {
            asked_at: at(1),
            sentence: "the title has no font".to_owned(),
            undrawn,
            at: at(2),
        };
        let ends = end_drawn(vec![(job, refused)], entity.clone(), at(9));
        let failed = data(&ends.jobs[0].1[0]);
        assert_eq!(failed["failure"], "invalid-input");
        assert_eq!(failed["reason"], format!("The title has no font. {cure}"));
        assert_eq!(failed["canResubmit"], can_resubmit);
    }
}

#[test]
fn a_job_that_another_closed_keeps_its_end() {
    let decision = decide(None, "Rain");
    let entity = decision.entity.unwrap();
    let closed = [
        cancel(decision.jobs[0].clone(), at(5)),
        fail(
            decision.jobs[1].clone(),
            failure(FailureClass::Timeout),
            None,
        ),
    ];
    let closed = closed.map(|decision| decision.unwrap().jobs[0].clone());
    let mut jobs: Vec<(Job, Drawn)> = Vec::new();
    for job in closed.iter().chain([&decision.jobs[2]]) {
        jobs.push((job.clone(), stored(job)));
    }
    let ends = end_drawn(jobs, entity.clone(), at(9));
    assert_eq!(ends.jobs.len(), 1);
    assert_eq!(ends.jobs[0].0.id, decision.jobs[2].id);
    let none = closed.iter().map(|job| (job.clone(), stored(job)));
    assert_eq!(end_drawn(none.collect(), entity, at(9)), Ends::default());
}

#[test]
fn a_replaced_job_is_completed_and_its_template_stays() {
    let first = decide(None, "Rain");
    let before = first.entity.unwrap();
    let second = decide(Some(&before), "Snow").entity.unwrap();
    let drawn = first.jobs.iter().map(|job| (job.clone(), stored(job)));
    let ends = end_drawn(drawn.collect(), second, at(9));
    assert_eq!(ends.entity, None);
    assert_eq!(ends.jobs.len(), 6);
    for (_, events) in &ends.jobs {
        assert_eq!(topics(events), ["render-job.completed"]);
    }
}

proptest! {
    #[test]
    fn ends_are_the_same_in_slices_of_any_size_in_any_order_and_come_once(
        outcomes in prop::collection::vec(0_u8..6, 6),
        order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
        size in 1_usize..=6,
    ) {
        let decision = decide(None, "Rain");
        let entity = decision.entity.unwrap();
        let of = |place: &usize| {
            let job = decision.jobs[*place].clone();
            let drawn = drawn(&job, outcomes[*place]);
            (job, drawn)
        };
        let jobs: Vec<(Job, Drawn)> = (0..6).map(|place| of(&place)).collect();
        let (whole, mut together) = in_slices(&jobs, &entity, jobs.len());
        prop_assert_eq!(together.len(), 6);
        let shuffled: Vec<(Job, Drawn)> = order.iter().map(of).collect();
        let (sliced, mut apart) = in_slices(&shuffled, &entity, size);
        prop_assert_eq!(&sliced, &whole);
        together.sort_by_key(|(job, _)| job.id);
        apart.sort_by_key(|(job, _)| job.id);
        prop_assert_eq!(&together, &apart);
        // Whatever was drawn again, nothing comes of it.
        let again = apart.into_iter().map(|(job, _)| {
            let drawn = stored(&job);
            (job, drawn)
        });
        prop_assert_eq!(end_drawn(again.collect(), sliced, at(9)), Ends::default());
    }
}
