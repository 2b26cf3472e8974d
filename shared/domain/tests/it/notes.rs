//! What is noted of a job on its way, and what it fell back from.

use domain::{Job, Note, Noted, Outcome, ProviderId, Refusal, Work as _, derive};

use crate::samples::{at, planned_poster};

use ProviderId::{OpenAi, Runway, StudioCanvas};

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
    let job = planned_poster(at(0)).waiting(Runway, at(60));
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
    assert!(planned_poster(at(0)).noting_turn(at(70)).notes.is_unused());
}

#[test]
fn what_was_noted_last_is_not_noted_again() {
    let until = at(900);
    let passed_over = Noted::PassedOver {
        provider: OpenAi,
        until,
    };
    let once = planned_poster(at(0)).noting(passed_over, at(1));
    assert_eq!(once.clone().noting(passed_over, at(2)), once);
}

#[test]
fn a_job_has_at_most_a_hundred_notes_and_the_newest_stay() {
    let mut job = planned_poster(at(0));
    for second in 1..=150 {
        job = job.leaving(Runway, at(second)).noting_turn(at(second));
    }
    assert_eq!(job.notes.len(), 100);
    assert_eq!(job.notes.last().unwrap().at, at(150));
}

#[test]
fn a_job_without_notes_is_stored_as_before_there_were_any() {
    assert!(
        !serde_json::to_string(&planned_poster(at(0)))
            .unwrap()
            .contains("notes")
    );
}

#[test]
fn a_job_fell_back_from_what_refused_it_and_from_what_was_passed_over() {
    assert!(
        asked(planned_poster(at(0)), OpenAi, 1)
            .fell_back()
            .is_empty()
    );
    // It is asked again, and does not fall back.
    let again = asked(
        refused(asked(planned_poster(at(0)), OpenAi, 1), "busy", 2),
        OpenAi,
        4,
    );
    assert!(again.fell_back().is_empty());
    let refused = refused(again, "no such key", 5);
    assert!(refused.fell_back().is_empty(), "the is not asked yet");
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
