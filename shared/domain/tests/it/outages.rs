//! A job whose providers are all in trouble waits until one of them is back.

use contract::{AssetKind, Shows};
use domain::{
    Attempts, Job, Kept, MOST_ATTEMPTS, Next, Outcome, Output, ProviderId, Refusal, Work as _,
    derive, next, wait_out,
};

use crate::samples::{at, job_of_campaign as job, refused};

use ProviderId::{ElevenLabs, OpenAi, Polly, Runway, StudioCanvas};

const PATIENCE: u32 = 2 * 60 * 60;

/// What a step decides at `second`.
fn decides(job: &Job, providers: &[ProviderId], out_of_order: &[ProviderId], second: u32) -> Next {
    match next(job, providers, out_of_order, at(second)) {
        give_up @ Next::GiveUp { .. } => {
            wait_out(job, providers, out_of_order, PATIENCE, at(second)).unwrap_or(give_up)
        }
        other => other,
    }
}

#[test]
fn an_hour_without_the_only_vendor_fails_no_job() {
    let mut video = job(AssetKind::Video);
    let (mut second, mut asked) = (0, 0);
    while second < 3600 {
        match decides(&video, &[Runway], &[], second) {
            Next::Wait { seconds } => second += seconds,
            Next::Ask(Runway) => {
                asked += 1;
                video = refused(video, Runway, Refusal::Transient, second);
            }
            other => panic!("{other:?} at {second}"),
        }
    }
    assert!((MOST_ATTEMPTS + 3..20).contains(&asked), "{asked} requests");
    // It is back, and the job goes on within a quarter of an hour.
    let Next::Wait { seconds } = decides(&video, &[Runway], &[], second) else {
        assert_eq!(decides(&video, &[Runway], &[], second), Next::Ask(Runway));
        return;
    };
    assert!(seconds <= 900, "{seconds}");
}

#[test]
fn an_hour_with_a_revoked_key_fails_no_job_and_asks_once_for_each_breaker() {
    let video = refused(job(AssetKind::Video), Runway, Refusal::Auth, 0);
    let waits = Next::Wait { seconds: 120 };
    assert_eq!(decides(&video, &[Runway], &[Runway], 3600), waits);
    // The breaker is closed.
    assert_eq!(decides(&video, &[Runway], &[], 3600), Next::Ask(Runway));
}

#[test]
fn a_job_that_meets_an_open_breaker_first_waits_for_it_to_close() {
    let video = job(AssetKind::Video);
    let waits = Next::Wait { seconds: 120 };
    assert_eq!(decides(&video, &[Runway], &[Runway], 10), waits);
    // Its turn came after a day in the line: it has a new deadline, and its patience begins anew.
    let woken = video.waiting(Runway, at(10)).woken(at(86_400 + 900));
    assert_eq!(decides(&woken, &[Runway], &[Runway], 86_400), waits);
}

#[test]
fn a_job_is_given_up_once_its_patience_is_over() {
    let video = refused(job(AssetKind::Video), Runway, Refusal::Billing, 0);
    let over = decides(&video, &[Runway], &[Runway], PATIENCE);
    assert!(matches!(over, Next::GiveUp { .. }), "{over:?}");
    let none = wait_out(&video, &[Runway], &[Runway], 0, at(0));
    assert_eq!(none, None, "a stage may have none");
}

#[test]
fn trouble_that_does_not_pass_is_not_waited_for() {
    for refusal in [
        Refusal::Moderation,
        Refusal::InvalidInput,
        Refusal::Blocked,
        Refusal::OutcomeUnknown,
        Refusal::NotStored,
    ] {
        let video = refused(job(AssetKind::Video), Runway, refusal, 0);
        let decided = decides(&video, &[Runway], &[], 60);
        assert!(matches!(decided, Next::GiveUp { .. }), "{refusal:?}");
    }
    let decided = decides(&job(AssetKind::Video), &[], &[], 60);
    assert!(matches!(decided, Next::GiveUp { .. }), "none is configured");
}

#[test]
fn what_was_paid_for_is_not_asked_for_again_while_another_is_waited_for() {
    let spot = job(AssetKind::AudioSpot);
    let mut spot = refused(spot, ElevenLabs, Refusal::OutcomeUnknown, 0);
    for attempt in 1..=u32::try_from(MOST_ATTEMPTS).unwrap() {
        spot = refused(spot, Polly, Refusal::Transient, 100 * attempt);
    }
    let decided = decides(&spot, &[ElevenLabs, Polly], &[], 2000);
    assert_eq!(decided, Next::Ask(Polly));
}

#[test]
fn a_picture_with_a_fallback_does_not_wait() {
    let poster = refused(job(AssetKind::Poster), OpenAi, Refusal::Auth, 0);
    let decided = decides(&poster, &[OpenAi, StudioCanvas], &[OpenAi], 0);
    assert_eq!(decided, Next::Ask(StudioCanvas));
}

/// A poster that is paid for and kept in the table.
fn kept() -> Job {
    let kept = Kept {
        at: at(5),
        parts: 3,
        made_by: "openai/gpt-image-2".to_owned(),
        credits: 7,
        length_ms: None,
        shows: Shows::default(),
    };
    let asked = job(AssetKind::Poster).asking(OpenAi, derive(&[b"token"]), at(0));
    asked.keeping(kept, None)
}

#[test]
fn a_result_that_is_kept_counts_at_once_and_never_twice() {
    let kept = kept();
    assert_eq!(kept.attempts.credits(), 7);
    assert_eq!(kept.kept().map(|(_, kept)| kept.parts), Some(3));
    let made = kept.clone().answered(Outcome::Made { credits: 7 }, at(60));
    assert_eq!((made.attempts.credits(), made.kept()), (7, None));
    assert_eq!(made.attempts[0].ticket, None, "its provider has no copy");
    // It was cancelled before it was stored.
    let lost = kept.answered(Outcome::unknown("cancelled", at(60)), at(60));
    assert_eq!((lost.attempts.credits(), lost.kept()), (7, None));
}

#[test]
fn what_an_erased_job_kept_is_not_named_any_more() {
    let erased = kept().erased(at(60));
    assert_eq!(erased.kept(), None);
    assert_eq!(erased.attempts[0].kept, None);
}

#[test]
fn an_attempt_of_an_earlier_version_is_read_and_a_plain_one_is_written_as_then() {
    let before = r#"[{"token":"00000000-0000-0000-0000-000000000000","asked":"runway","at":"2026-11-20T10:00:00.000Z"}]"#;
    let attempts: Attempts<ProviderId> = serde_json::from_str(before).unwrap();
    assert!(!attempts[0].unsent && attempts[0].kept.is_none());
    assert_eq!(serde_json::to_string(&attempts).unwrap(), before);
}

#[test]
fn an_answer_that_was_put_down_elsewhere_is_learned_by_its_own_attempt_alone() {
    let token = derive(&[b"token"]);
    let asked = job(AssetKind::Video).asking(Runway, token, at(0));
    assert_eq!(asked.answered_last(), None);
    let accepted = asked.clone().accepted("task-1".to_owned());
    let answered = accepted.answered_last().unwrap();
    let read = serde_json::from_str(&serde_json::to_string(&answered).unwrap()).unwrap();
    assert_eq!(asked.clone().learning(read), Some(accepted.clone()));
    assert_eq!(
        accepted.clone().learning(answered.clone()),
        None,
        "it knows it"
    );
    let another = job(AssetKind::Video).asking(Runway, derive(&[b"another"]), at(0));
    assert_eq!(another.learning(answered), None);

    let output = Output {
        key: "renders/a/b/video.mp4".to_owned(),
        stored_at: at(60),
        credits: 60,
        length_ms: None,
        shows: Shows::default(),
    };
    let made = asked
        .clone()
        .answered(Outcome::Made { credits: 60 }, at(60));
    let made = made.stored("runway/gen4.5".to_owned(), output);
    let answered = made.answered_last().unwrap();
    assert_eq!(asked.learning(answered), Some(made));
}
