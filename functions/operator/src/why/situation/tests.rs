use contract::{FailureClass, Shows};
use domain::{JobId, Output, Refusal, cancel, derive, fail};
use store::{Expiry, Key, Prepared};

use super::*;
use crate::why::example::{at, job};

use ProviderId::{OpenAi, Runway, StudioCanvas};

const BOTH: [ProviderId; 2] = [OpenAi, StudioCanvas];

fn after(seconds: u32) -> Time {
    at().plus_seconds(seconds)
}

fn breaker() -> OpenBreaker {
    OpenBreaker {
        until: after(900),
        why: "401: no such key".to_owned(),
    }
}

/// How things stand with a job that was looked at 10 s after it was decided on.
fn stands(job: Job, execution: Option<Execution>, breakers: &Breakers) -> Situation {
    let seen = JobSeen { job, trouble: None };
    open(&Open {
        seen: &seen,
        execution,
        providers: &BOTH,
        breakers,
        patience_seconds: 0,
        now: after(10),
    })
}

fn running(job: Job) -> Situation {
    stands(job, Some(Execution::Running), &[])
}

fn asked(job: Job, provider: ProviderId, seconds: u32) -> Job {
    job.asking(provider, derive(&[b"token"]), after(seconds))
}

fn refused(job: Job, refusal: Refusal, seconds: u32) -> Job {
    let outcome = Outcome::Refused {
        refusal,
        detail: "as it was asked to".to_owned(),
        at: after(seconds),
        credits: 0,
    };
    job.answered(outcome, after(seconds))
}

#[test]
fn a_job_that_is_drawn_waits_in_the_queue_and_says_what_it_met() {
    let drawn = job("studio-canvas");
    assert!(!may_have_execution(&drawn));
    let met = MetTrouble {
        at: after(5),
        what: "S3".to_owned(),
        again: Some(after(9)),
    };
    let seen = JobSeen {
        job: drawn,
        trouble: Some(met.clone()),
    };
    let stands = open(&Open {
        seen: &seen,
        execution: None,
        providers: &[StudioCanvas],
        breakers: &[],
        patience_seconds: 0,
        now: after(10),
    });
    assert_eq!(
        stands,
        Situation::Queued {
            since: at(),
            sweep_at: after(900),
            trouble: Some(trouble(&met)),
        }
    );
}

#[test]
fn a_job_in_a_line_says_since_when_it_waits_there() {
    let waiting = job("runway").waiting(Runway, after(3));
    assert!(!may_have_execution(&waiting));
    let until = waiting.deadline;
    assert_eq!(
        stands(waiting, None, &[]),
        Situation::InLine {
            provider: "runway".to_owned(),
            since: Some(after(3)),
            until,
        }
    );
}

#[test]
fn a_job_whose_execution_has_done_nothing_yet_is_told_from_one_without_execution() {
    let begun = job("openai");
    assert!(may_have_execution(&begun));
    assert!(matches!(running(begun.clone()), Situation::Begun { .. }));
    for none in [Execution::Missing, Execution::Ended] {
        let stands = stands(begun.clone(), Some(none), &[]);
        assert!(matches!(stands, Situation::WithoutExecution { .. }));
    }
}

#[test]
fn a_provider_that_was_asked_has_answered_nothing_or_works_on_it() {
    let asked = asked(job("openai"), OpenAi, 1);
    let silent = running(asked.clone());
    assert!(matches!(silent, Situation::Asked { at, .. } if at == after(1)));
    let patience = asked.patience_seconds();
    let Situation::AtProvider { ticket, until, .. } = running(asked.accepted("t-7".to_owned()))
    else {
        panic!("it is not at a provider")
    };
    assert_eq!(ticket.as_deref(), Some("t-7"));
    assert_eq!(until, after(1).plus_seconds(patience));
}

#[test]
fn a_job_that_is_asked_again_says_when_as_the_code_decides_it() {
    let refusal = Refusal::RateLimited {
        retry_after: Some(60),
    };
    let refused = refused(asked(job("openai"), OpenAi, 1), refusal, 2);
    let Next::Wait { seconds } = next(&refused, &BOTH, &[], after(10)) else {
        panic!("it does not wait")
    };
    assert_eq!(
        running(refused),
        Situation::AskedAgain {
            provider: "openai".to_owned(),
            at: after(10 + seconds),
            refusals: 1,
            said: "as it was asked to".to_owned(),
        }
    );
}

#[test]
fn a_provider_with_an_open_breaker_is_passed_over_and_named_with_its_words() {
    let breakers = [(OpenAi, breaker())];
    let stands = stands(job("openai"), Some(Execution::Running), &breakers);
    let Situation::ToBeAsked {
        provider,
        passed_over,
        ..
    } = stands
    else {
        panic!("{stands:?}")
    };
    assert_eq!(provider, "studio-canvas");
    let [out] = &passed_over[..] else {
        panic!("{passed_over:?}")
    };
    assert_eq!((out.provider.as_str(), out.until), ("openai", after(900)));
    assert_eq!(out.why, "401: no such key");
}

#[test]
fn a_job_that_no_provider_may_be_asked_for_is_about_to_fail() {
    let refused = refused(asked(job("openai"), OpenAi, 1), Refusal::Moderation, 2);
    assert!(matches!(
        running(refused),
        Situation::ToFail {
            class: FailureClass::Moderation,
            ..
        }
    ));
}

#[test]
fn a_job_that_only_vendors_in_trouble_can_make_says_when_it_is_looked_at_again() {
    let seen = JobSeen {
        job: job("openai"),
        trouble: None,
    };
    let stands = |patience_seconds| {
        open(&Open {
            seen: &seen,
            execution: Some(Execution::Running),
            providers: &[OpenAi],
            breakers: &[(OpenAi, breaker())],
            patience_seconds,
            now: after(10),
        })
    };
    let Situation::Paused { until, passed_over } = stands(7200) else {
        panic!("it does not wait")
    };
    assert!(until > after(10));
    assert_eq!(passed_over.len(), 1);
    assert!(matches!(stands(0), Situation::ToFail { .. }));
}

/// The entry of an end.
fn end(change: impl FnOnce(&mut EntrySeen)) -> EntrySeen {
    let key = Key::end(JobId(derive(&[b"a job"])));
    let expiry = Expiry {
        from: at(),
        republish_from: None,
    };
    let prepared = Prepared::new(key, "end", domain::Decision::default(), expiry, None);
    let mut entry = prepared.committed().entry.clone();
    entry.published = false;
    let mut seen = EntrySeen {
        entry,
        sweep_from: None,
        decided_at: at(),
        is_blanked: false,
    };
    change(&mut seen);
    seen
}

#[test]
fn an_end_is_told_with_its_message_by_the_sweep_or_not_at_all() {
    let of = |change: fn(&mut EntrySeen)| told(Some(&end(change)));
    assert_eq!(told(None), Told::Forgotten);
    assert_eq!(of(|end| end.is_blanked = true), Told::Forgotten);
    assert_eq!(of(|end| end.entry.published = true), Told::Published);
    assert_eq!(of(|end| end.entry.withheld = true), Told::Withheld);
    assert_eq!(of(|_| {}), Told::WithItsMessage);
    let from = after(900);
    let by_sweep = of(|end| end.sweep_from = Some(after(900)));
    assert_eq!(by_sweep, Told::BySweep { from });
}

#[test]
fn a_closed_job_says_how_it_ended_and_what_it_fell_back_from() {
    let situation = |job: &Job| {
        let end = end(|_| {});
        closed(&Closed {
            job,
            end: Some(&end),
            again_by: None,
        })
    };
    assert_eq!(situation(&job("openai")), None, "it is open");
    let fell_back = refused(asked(job("openai"), OpenAi, 1), Refusal::Auth, 2);
    let fell_back = asked(fell_back, StudioCanvas, 3);
    let output = Output {
        key: "poster.png".to_owned(),
        stored_at: after(4),
        credits: 0,
        length_ms: None,
        shows: Shows::default(),
    };
    let completed = Job {
        provider: "studio-canvas".to_owned(),
        state: State::Completed {
            output,
            submitted_at: after(1),
        },
        ..fell_back
    };
    assert_eq!(
        situation(&completed),
        Some(Situation::Completed {
            at: after(4),
            by: "studio-canvas".to_owned(),
            instead_of: vec!["openai".to_owned()],
            told: Told::WithItsMessage,
        })
    );
    let failure = Failure {
        class: FailureClass::Timeout,
        detail: "late".to_owned(),
        at: after(5),
    };
    let failed = fail(job("openai"), failure, None).unwrap();
    let failed = situation(&failed.jobs[0]);
    assert!(matches!(failed, Some(Situation::Failed { at, .. }) if at == after(5)));
    let cancelled = cancel(job("openai"), after(6)).unwrap();
    let cancelled = situation(&cancelled.jobs[0]);
    assert!(matches!(cancelled, Some(Situation::Cancelled { at, .. }) if at == after(6)));
}
