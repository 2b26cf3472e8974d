use super::*;

fn at(minute: u32) -> Time {
    Time::new("2026-11-27T09:30:00Z".parse().unwrap()).plus_seconds(60 * minute)
}

fn trouble(again: Option<Time>) -> Option<Trouble> {
    Some(Trouble {
        at: at(1),
        what: "storing the asset in S3: AccessDenied".to_owned(),
        again,
    })
}

fn out_of_order() -> OutOfOrder {
    OutOfOrder {
        provider: "openai".to_owned(),
        until: at(15),
        why: "401: Incorrect API key provided".to_owned(),
    }
}

fn failed(class: FailureClass, again_by: Option<Uuid>) -> Situation {
    Situation::Failed {
        at: at(3),
        class,
        detail: "openai: 400: no".to_owned(),
        told: Told::Published,
        again_by,
    }
}

/// Each situation of an open job.
fn open() -> Vec<Situation> {
    let openai = || "openai".to_owned();
    let execution = || "00000000-0000-0000-0000-000000000001".to_owned();
    let queued = |trouble| Situation::Queued {
        since: at(0),
        sweep_at: at(15),
        trouble,
    };
    let begun = |trouble| Situation::Begun {
        execution: execution(),
        since: at(0),
        trouble,
    };
    let to_be_asked = |passed_over, trouble| Situation::ToBeAsked {
        provider: "studio-canvas".to_owned(),
        passed_over,
        trouble,
    };
    vec![
        queued(None),
        queued(trouble(Some(at(2)))),
        Situation::InLine {
            provider: openai(),
            since: Some(at(0)),
            until: at(24 * 60),
        },
        begun(None),
        begun(trouble(None)),
        Situation::WithoutExecution {
            execution: execution(),
            sweep_at: at(15),
        },
        Situation::Asked {
            provider: openai(),
            at: at(1),
            trouble: None,
        },
        Situation::AtProvider {
            provider: openai(),
            ticket: Some("task-7".to_owned()),
            since: at(1),
            until: at(61),
            trouble: None,
        },
        Situation::Kept {
            provider: openai(),
            since: at(2),
            trouble: None,
        },
        Situation::AskedAgain {
            provider: openai(),
            at: at(2),
            refusals: 2,
            said: "429: slow down".to_owned(),
        },
        to_be_asked(Vec::new(), None),
        to_be_asked(vec![out_of_order()], None),
        to_be_asked(Vec::new(), trouble(None)),
        Situation::Paused {
            until: at(2),
            passed_over: vec![out_of_order()],
        },
        Situation::ToFail {
            class: FailureClass::Unavailable,
            detail: "openai is out of order: it turned an earlier job away".to_owned(),
        },
        Situation::Stored {
            at: at(2),
            trouble: None,
        },
    ]
}

/// Each situation of a closed job.
fn closed() -> Vec<Situation> {
    let completed = |instead_of: &[&str], told| Situation::Completed {
        at: at(2),
        by: "studio-canvas".to_owned(),
        instead_of: instead_of.iter().map(|one| (*one).to_owned()).collect(),
        told,
    };
    vec![
        completed(&[], Told::WithItsMessage),
        completed(&["openai", "runway"], Told::Published),
        completed(&[], Told::BySweep { from: at(15) }),
        completed(&[], Told::Withheld),
        completed(&[], Told::Forgotten),
        failed(FailureClass::InvalidInput, None),
        failed(FailureClass::Unavailable, None),
        failed(FailureClass::OutcomeUnknown, None),
        failed(FailureClass::NotConfigured, None),
        failed(FailureClass::Timeout, Some(Uuid::from_u128(2))),
        Situation::Cancelled {
            at: at(3),
            told: Told::Published,
        },
        Situation::Erased { at: at(3) },
    ]
}

fn words(situations: Vec<Situation>) -> String {
    let verdicts = situations.into_iter().map(Verdict::from);
    let words = verdicts.map(|Verdict { now, next, .. }| match next.is_empty() {
        true => format!("{now}\n\n"),
        false => format!("{now}\n> {next}\n\n"),
    });
    words.collect()
}

#[test]
fn each_situation_of_an_open_job_says_what_it_waits_for_and_what_comes_next() {
    insta::assert_snapshot!("open", words(open()));
}

#[test]
fn each_situation_of_a_closed_job_says_how_it_ended_and_whether_that_is_published() {
    insta::assert_snapshot!("closed", words(closed()));
}

#[test]
fn every_open_job_has_something_that_comes_next() {
    for situation in open() {
        assert_ne!(situation.next(), "", "{situation:?}");
    }
}

#[test]
fn a_situation_is_read_back_by_its_name() {
    for situation in open().into_iter().chain(closed()) {
        let json = serde_json::to_value(&situation).unwrap();
        assert!(json["is"].is_string(), "{json}");
        assert_eq!(
            serde_json::from_value::<Situation>(json).unwrap(),
            situation
        );
    }
}
