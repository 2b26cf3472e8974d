use uuid::Uuid;

use super::*;
use crate::Told;

fn at() -> Time {
    Time::new("2026-11-27T09:30:00Z".parse().unwrap())
}

fn newer() -> EventName {
    EventName {
        source: "events-svc".to_owned(),
        id: "evt-2".to_owned(),
        time: "2026-11-27T09:34:00Z".to_owned(),
        version: Some(7),
    }
}

fn outcomes() -> Vec<EventOutcome> {
    let taken = |jobs, told, older_than| EventOutcome::Taken {
        templates: 2,
        jobs,
        told,
        older_than,
    };
    let dead_letter = |resolved: Option<&str>| EventOutcome::DeadLettered {
        id: Uuid::from_u128(9),
        cause: "`data.startsAt` is missing".to_owned(),
        resolved: resolved.map(str::to_owned),
    };
    vec![
        taken(1, Told::WithItsMessage, None),
        taken(0, Told::Published, None),
        taken(2, Told::Published, Some(newer())),
        EventOutcome::Unchanged,
        EventOutcome::Older { than: newer() },
        EventOutcome::Erased,
        dead_letter(None),
        dead_letter(Some("redriven")),
        EventOutcome::NotFound,
    ]
}

#[test]
fn each_outcome_of_an_event_says_what_was_decided_and_what_follows() {
    let words = outcomes().into_iter().map(|outcome| {
        let (now, next) = (outcome.now(Some(at())), outcome.next());
        match next.is_empty() {
            true => format!("{now}\n\n"),
            false => format!("{now}\n> {next}\n\n"),
        }
    });
    insta::assert_snapshot!("outcomes", words.collect::<String>());
}

#[test]
fn an_older_event_names_the_newer_one_with_its_time() {
    let now = EventOutcome::Older { than: newer() }.now(None);
    assert!(
        now.contains("evt-2") && now.contains("2026-11-27T09:34:00Z"),
        "{now}"
    );
}

#[test]
fn a_request_names_what_it_asks_about_as_text() {
    let form = r#"{"tenant":"tenant-a","about":"event/diwali"}"#;
    let ask: AskWhy = serde_json::from_str(form).unwrap();
    assert!(matches!(ask.about, Some(About::Entity(_))));
    assert_eq!(serde_json::to_string(&ask).unwrap(), form);
    let tenant: AskWhy = serde_json::from_str(r#"{"tenant":"tenant-a"}"#).unwrap();
    assert_eq!(tenant.about, None);
}

#[test]
fn an_explanation_says_what_it_explains() {
    let explanation = Explanation::Entity(Box::new(EntityExplained {
        entity: Entity {
            kind: contract::EntityKind::Event,
            id: Identifier::parse("diwali").unwrap(),
        },
        title: None,
        starts_at: None,
        erased_at: Some(at()),
        newest: vec![NewestEvent {
            topic: Topic::EventCreated,
            event: newer(),
            last_older: None,
        }],
        templates: Vec::new(),
    }));
    let json = serde_json::to_value(&explanation).unwrap();
    assert_eq!(json["is"], "entity");
    assert_eq!(json["newest"][0]["id"], "evt-2");
    assert_eq!(
        serde_json::from_value::<Explanation>(json).unwrap(),
        explanation
    );
}
