//! A render job: where it stores its asset, how long it may take, and what is left of it when it is
//! cancelled.

use contract::{AssetKind, FailureClass, SOURCE, Topic};
use domain::{
    AssetPaths, BREAKER_SECONDS, Failure, Job, Outcome, ProviderId, Refusal, State, cancel,
    cancel_erased, derive, fail,
};
use serde_json::Value;

use crate::samples::{at, job_of_campaign as job};

/// The job, asked for at Runway under a token made of the second.
fn asked(job: Job, second: u32) -> Job {
    let token = derive(&[b"token", &second.to_be_bytes()]);
    job.asking(ProviderId::Runway, token, at(second))
}

fn refused(job: Job, second: u32) -> Job {
    use domain::Work as _;
    let busy = Outcome::Refused {
        refusal: Refusal::Transient,
        detail: "busy".to_owned(),
        at: at(second),
        credits: 0,
    };
    asked(job, second).answered(busy, at(second))
}

/// The outcomes of a job's attempts.
fn outcomes(job: &Job) -> Vec<Option<Outcome>> {
    job.attempts
        .iter()
        .map(|attempt| attempt.outcome.clone())
        .collect()
}

#[test]
fn an_asset_is_stored_in_its_jobs_folder_under_its_kind() {
    let paths = AssetPaths::new(&[7; 32]).unwrap();
    for (asset, file) in [
        (AssetKind::Poster, "poster.png"),
        (AssetKind::Video, "video.mp4"),
        (AssetKind::AudioSpot, "audio-spot.mp3"),
    ] {
        let job = job(asset);
        let folder = paths.folder(&job);
        assert!(folder.starts_with("renders/"), "{folder}");
        assert_eq!(paths.object_key(&job), format!("{folder}{file}"));
    }
}

#[test]
fn a_vendor_has_ten_minutes_for_a_picture_a_quarter_for_speech_an_hour_for_video() {
    for (asset, minutes) in [
        (AssetKind::Poster, 10),
        (AssetKind::AudioSpot, 15),
        (AssetKind::Video, 60),
    ] {
        assert_eq!(job(asset).patience_seconds(), minutes * 60);
    }
}

#[test]
fn an_open_breaker_keeps_every_job_away_for_a_quarter_of_an_hour() {
    assert_eq!(BREAKER_SECONDS, 900);
}

#[test]
fn what_became_of_a_cancelled_jobs_accepted_request_is_unknown() {
    let accepted = asked(refused(job(AssetKind::Video), 1), 2).accepted("task-1".to_owned());
    let before = outcomes(&accepted);
    let decision = cancel(accepted, at(9)).unwrap();
    let cancelled = &decision.jobs[0];
    assert_eq!(cancelled.state, State::Cancelled { at: at(9) });
    let unknown = Outcome::unknown("the job was cancelled", at(9));
    assert_eq!(outcomes(cancelled), [before[0].clone(), Some(unknown)]);
    // The vendor's copy is erased by it.
    assert_eq!(cancelled.attempts[1].ticket.as_deref(), Some("task-1"));
    let event: Value = serde_json::from_str(&decision.events[0].value).unwrap();
    assert_eq!(event["data"]["failure"], "cancelled");
    assert_eq!(event["data"]["attempts"], 2);
    assert_eq!(event["data"]["canResubmit"], true);
    assert_eq!(cancel(cancelled.clone(), at(10)), None, "it is closed");
}

#[test]
fn a_cancelled_jobs_answered_request_keeps_its_outcome() {
    let refused = refused(job(AssetKind::Video), 1);
    let before = outcomes(&refused);
    let cancelled = cancel(refused, at(9)).unwrap().jobs.remove(0);
    assert_eq!(outcomes(&cancelled), before);
    let never_asked = cancel(job(AssetKind::Video), at(9)).unwrap().jobs.remove(0);
    assert_eq!(outcomes(&never_asked), []);
}

#[test]
fn what_became_of_a_closed_jobs_unanswered_request_is_unknown() {
    let unknown = Outcome::unknown("the job was closed before it was answered", at(9));
    let open = asked(job(AssetKind::Video), 1);
    let cancelled = cancel(open.clone(), at(9)).unwrap().jobs.remove(0);
    assert_eq!(outcomes(&cancelled), [Some(unknown.clone())]);
    let failure = Failure {
        class: FailureClass::Timeout,
        detail: "late".to_owned(),
        at: at(9),
    };
    let failed = fail(open, failure.clone(), None).unwrap().jobs.remove(0);
    assert_eq!(outcomes(&failed), [Some(unknown)]);
    assert_eq!(failed.state, State::Failed { failure });
}

#[test]
fn the_end_of_an_erased_tenants_job_says_nothing_personal() {
    let accepted = asked(job(AssetKind::Video), 1).accepted("task-1".to_owned());
    let decision = cancel_erased(accepted, at(9)).unwrap();
    let [job] = &decision.jobs[..] else {
        panic!("{decision:?}")
    };
    assert_eq!(job.state, State::Cancelled { at: at(9) });
    assert_eq!(job.user_id, SOURCE);
    assert_eq!(job.attempts[0].ticket.as_deref(), Some("task-1"));
    let [event] = &decision.events[..] else {
        panic!("{decision:?}")
    };
    assert_eq!(event.topic, Topic::RenderJobFailed);
    let stored = serde_json::to_string(job).unwrap();
    for personal in ["Monsoon Jazz", "user-asha-rao"] {
        assert!(!event.value.contains(personal) && !stored.contains(personal));
    }
    assert_eq!(cancel_erased(job.clone(), at(10)), None, "it is closed");
}
