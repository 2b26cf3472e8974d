//! What a render job and a voice model have in common: they are written, restarted, asked for and
//! closed.

use std::fmt::Debug;

use contract::{Shows, VoiceTraining};
use domain::{
    Failure, Job, LONGEST_WAIT_SECONDS, Outcome, Output, ProviderId, Refusal, Registration,
    VoiceModel, VoiceModelId, VoiceRequest, Work, WorkId, cancel, derive, fail, ready,
};

use crate::samples::{at, planned_poster};

fn voice() -> VoiceModel {
    let example = include_str!("../../../../events/voice-training/example.json");
    let training = VoiceTraining::parse(example).unwrap();
    let registration = Registration {
        id: VoiceModelId(derive(&[b"a voice"])),
        tenant: &training.tenant_id,
        provider: ProviderId::ElevenLabs,
        now: at(0),
        deadline: at(900),
    };
    registration.accepted(&training).voice.unwrap()
}

fn failure() -> Failure {
    Failure {
        class: contract::FailureClass::Timeout,
        detail: "late".to_owned(),
        at: at(7),
    }
}

fn is_new<W: Work>(work: &W, id: WorkId) {
    assert!(work.id() == id);
    assert_eq!(work.tenant().as_str(), "tenant-monsoon-arts");
    assert_eq!((work.created_at(), work.deadline()), (at(0), at(900)));
    assert_eq!((work.version(), work.restarts()), (0, 0));
    assert!(!work.is_closed() && !work.is_erased());
    assert_eq!(work.unanswered(), None);
}

#[test]
fn new_work_is_open_and_says_whose_it_is_and_until_when_it_may_take() {
    let (job, voice) = (planned_poster(at(0)), voice());
    is_new(&job, WorkId::Job(job.id));
    is_new(&voice, WorkId::Voice(voice.id));
    assert_eq!(WorkId::Job(job.id).uuid(), job.id.0);
    assert_eq!(WorkId::Voice(voice.id).uuid(), voice.id.0);
    assert_eq!(WorkId::Job(job.id).to_string(), format!("job {}", job.id));
    let named = format!("voice model {}", voice.id);
    assert_eq!(WorkId::Voice(voice.id).to_string(), named);
}

fn is_counted<W: Work + Debug>(work: W) {
    let id = work.id().uuid();
    assert_eq!(work.execution_name(), id.to_string());
    let written = work.clone().with_version(3);
    assert_eq!((written.version(), work.version()), (3, 0));
    let once = work.clone().restarted(at(1800));
    assert_eq!((once.restarts(), once.deadline()), (1, at(1800)));
    assert_eq!(once.execution_name(), format!("{id}-1"));
    let twice = once.restarted(at(2700));
    assert_eq!((twice.restarts(), twice.deadline()), (2, at(2700)));
    assert_eq!(twice.execution_name(), format!("{id}-2"));
    // Neither is anything else.
    assert_eq!((twice.id(), twice.created_at()), (work.id(), at(0)));
    assert_eq!(twice.version(), work.version());
}

#[test]
fn each_write_and_each_restart_is_counted_and_nothing_else_changes() {
    is_counted(planned_poster(at(0)));
    is_counted(voice());
}

#[test]
fn a_job_waits_in_the_queue_until_it_is_begun_closed_or_meant_for_a_vendor() {
    let of = |provider: &str| Job {
        provider: provider.to_owned(),
        ..planned_poster(at(0))
    };
    assert!(planned_poster(at(0)).is_queued(), "the canvas draws it");
    assert!(of("none").is_queued(), "and it ends it");
    assert!(!of("runway").is_queued());
    let token = derive(&[b"token"]);
    let asked = planned_poster(at(0)).asking(ProviderId::StudioCanvas, token, at(1));
    assert!(!asked.is_queued());
    assert!(!planned_poster(at(0)).restarted(at(1800)).is_queued());
    let cancelled = cancel(planned_poster(at(0)), at(3)).unwrap();
    assert!(!cancelled.jobs[0].is_queued());
    assert!(!voice().is_queued());
}

#[test]
fn a_job_that_waits_for_its_turn_has_no_execution_and_goes_on_under_another_name() {
    let id = planned_poster(at(0)).id;
    let runway = ProviderId::Runway;
    // Before it had an execution.
    let waiting = planned_poster(at(0)).waiting(runway, at(60));
    assert_eq!(waiting.waits_for(), Some(runway));
    assert!(waiting.is_in_line() && waiting.has_begun());
    assert_eq!(waiting.deadline(), at(60 + LONGEST_WAIT_SECONDS));
    let woken = waiting.woken(at(1800));
    assert_eq!((woken.waits_for(), woken.deadline()), (None, at(1800)));
    assert_eq!(woken.execution_name(), id.to_string());
    assert!(!woken.has_begun(), "its execution may not be there yet");
    // Its execution found no room.
    let left = woken.leaving(runway, at(1900));
    assert!(left.is_in_line() && left.has_begun());
    assert_eq!(left.execution_name(), format!("{id}-1"));
    assert!(left.has_left(&id.to_string()));
    assert!(!left.has_left(&format!("{id}-1")));
    assert_eq!(left.restarts(), 0, "it did not die");
    let again = left.clone().restarted(at(2700)).leaving(runway, at(2800));
    assert_eq!(again.execution_name(), format!("{id}-3"));
    assert!(again.has_left(&format!("{id}-2")) && !again.has_left(&id.to_string()));
    assert!(
        !planned_poster(at(0))
            .restarted(at(1800))
            .has_left(&id.to_string())
    );
    // What is asked or closed waits no more.
    let asked = left.clone().asking(runway, derive(&[b"token"]), at(1));
    assert_eq!(asked.waits_for(), None);
    let cancelled = cancel(left, at(3)).unwrap();
    assert!(!cancelled.jobs[0].is_in_line());
}

#[test]
fn only_a_job_that_waits_still_has_waited_for_too_long() {
    let runway = ProviderId::Runway;
    let waiting = planned_poster(at(0)).waiting(runway, at(60));
    let end = at(60 + LONGEST_WAIT_SECONDS);
    assert!(!waiting.has_waited_for_too_long(at(59 + LONGEST_WAIT_SECONDS)));
    assert!(waiting.has_waited_for_too_long(end));
    let woken = waiting.clone().woken(at(1800));
    assert!(!woken.has_waited_for_too_long(end), "it is its turn");
    let again = woken.leaving(runway, at(1900));
    assert!(!again.has_waited_for_too_long(end), "it waits anew");
    let cancelled = cancel(waiting, at(3)).unwrap();
    assert!(!cancelled.jobs[0].has_waited_for_too_long(end));
}

#[test]
fn a_job_that_left_an_execution_may_hold_a_slot_that_it_does_not_use() {
    let (openai, runway) = (ProviderId::OpenAi, ProviderId::Runway);
    let beside = |job: &Job, asked| -> Vec<ProviderId> {
        job.may_hold_beside(asked, &[openai, runway]).collect()
    };
    let woken = planned_poster(at(0))
        .waiting(openai, at(60))
        .woken(at(1800));
    assert!(beside(&woken, openai).is_empty());

    let woken = woken.leaving(runway, at(1900)).woken(at(2700));
    assert_eq!(beside(&woken, runway), [openai]);
    assert_eq!(beside(&woken, openai), [runway], "that was given to it");
}

#[test]
fn a_job_that_never_waited_is_written_as_it_was_before_jobs_could_wait() {
    let state = serde_json::to_value(planned_poster(at(0))).unwrap();
    assert_eq!(state.get("turn"), None);
    assert_eq!(
        serde_json::from_value::<Job>(state).unwrap(),
        planned_poster(at(0))
    );
}

#[test]
fn a_request_without_an_answer_names_its_provider() {
    let token = derive(&[b"token"]);
    let asked = planned_poster(at(0)).asking(ProviderId::OpenAi, token, at(1));
    assert_eq!(asked.unanswered(), Some(ProviderId::OpenAi));
    assert_eq!(asked.attempts.open().unwrap().token, token);
    let answered = asked.answered(Outcome::Made { credits: 3 }, at(2));
    assert_eq!(answered.unanswered(), None);
    assert_eq!((&answered.attempts).into_iter().count(), 1);

    let asked = voice().asking(VoiceRequest::Create, token, at(1));
    assert_eq!(asked.unanswered(), Some(ProviderId::ElevenLabs));
    let refused = Outcome::Refused {
        refusal: Refusal::Transient,
        detail: "busy".to_owned(),
        at: at(2),
        credits: 0,
    };
    assert_eq!(asked.answered(refused, at(2)).unanswered(), None);
}

#[test]
fn work_is_closed_by_its_end_and_erased_by_its_erasure_alone() {
    let job = planned_poster(at(0));
    let output = Output {
        key: "renders/a/b/poster.png".to_owned(),
        stored_at: at(2),
        credits: 0,
        length_ms: None,
        shows: Shows::default(),
    };
    let asked = job
        .clone()
        .asking(ProviderId::StudioCanvas, derive(&[b"t"]), at(1));
    let stored = asked.stored("studio-canvas".to_owned(), output);
    assert!(!stored.is_closed());
    let entity = domain::EntityState::new(job.tenant.clone(), job.entity.clone());
    let ends = [
        domain::finish(stored, entity, "https://assets.example/a.png", at(3)).unwrap(),
        fail(job.clone(), failure(), None).unwrap(),
        cancel(job.clone(), at(3)).unwrap(),
    ];
    for end in ends {
        let ended = &end.jobs[0];
        assert!(ended.is_closed() && !ended.is_erased(), "{ended:?}");
        let erased = ended.clone().erased(at(4));
        assert!(erased.is_closed() && erased.is_erased());
    }

    let voice = voice();
    let ends = [
        ready(voice.clone(), at(3)).unwrap().voice.unwrap(),
        voice.clone().failed(failure(), None),
        voice.clone().erasing(at(3)),
    ];
    for ended in ends {
        assert!(ended.is_closed() && !ended.is_erased(), "{ended:?}");
        let erased = ended.erased(at(4));
        assert!(erased.is_closed() && erased.is_erased());
    }
}
