//! Which provider is asked for a job, how often, and what happens after refusals.

use contract::{AssetKind, FailureClass, Identifier, Shows};
use domain::{
    AssetPaths, Caps, ConcurrencyLimits, Job, JobId, MOST_ATTEMPTS, Next, Noted, Outcome, Output,
    ProviderId, Refusal, RetryDecision, Shortfall, State, Work as _, derive, next,
};
use proptest::prelude::*;

use crate::samples::{at, job_of_campaign as job, refused};

use ProviderId::{ElevenLabs, OpenAi, Polly, Runway, StudioCanvas};

fn id(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

fn asks(job: &Job, providers: &[ProviderId], second: u32) -> Next {
    next(job, providers, &[], at(second))
}

/// Whether a request costs so much that it is never repeated without knowing what became of it.
fn is_expensive(provider: ProviderId) -> bool {
    match provider {
        OpenAi | ElevenLabs | Runway => true,
        StudioCanvas | Polly => false,
    }
}

#[test]
fn each_refusal_has_one_retry_decision() {
    for provider in ProviderId::ALL {
        assert_eq!(
            Refusal::Moderation.retry_decision(provider),
            RetryDecision::Fail
        );
        assert_eq!(
            Refusal::InvalidInput.retry_decision(provider),
            RetryDecision::Fail
        );
        for opens in [Refusal::Auth, Refusal::Billing, Refusal::ProviderGone] {
            assert_eq!(
                opens.retry_decision(provider),
                RetryDecision::OpenTheBreaker
            );
        }
        for again in [
            Refusal::Transient,
            Refusal::RateLimited { retry_after: None },
        ] {
            assert_eq!(again.retry_decision(provider), RetryDecision::AskAgain);
        }
        assert_eq!(
            Refusal::Blocked.retry_decision(provider),
            RetryDecision::AskTheNext
        );
        assert_eq!(
            Refusal::Blocked.failure_class(provider),
            FailureClass::InvalidInput
        );
        let unknown = if is_expensive(provider) {
            RetryDecision::AskTheNext
        } else {
            RetryDecision::AskAgain
        };
        assert_eq!(Refusal::OutcomeUnknown.retry_decision(provider), unknown);
    }
}

#[test]
fn the_files_of_a_job_lie_in_its_tenants_folder_and_name_neither() {
    let paths = AssetPaths::new(&[7; 32]).unwrap();
    let poster = job(AssetKind::Poster);
    let key = paths.object_key(&poster);
    assert!(key.starts_with(&paths.of_tenant(&poster.tenant)), "{key}");
    assert!(key.starts_with(&paths.folder(&poster)) && key.ends_with("/poster.png"));
    assert!(!key.contains(&poster.id.to_string()) && !key.contains("tenant-1"));
    assert_eq!(
        paths.object_key(&poster),
        key,
        "the same job, the same path"
    );

    let another = Job {
        id: JobId(derive(&[b"another job"])),
        ..poster.clone()
    };
    assert_ne!(paths.folder(&another), paths.folder(&poster));
    let anothers = Job {
        tenant: id("tenant-2"),
        ..poster.clone()
    };
    assert!(
        !paths
            .folder(&anothers)
            .starts_with(&paths.of_tenant(&poster.tenant))
    );
    // Another secret gives another path.
    let guessed = AssetPaths::new(&[8; 32]).unwrap();
    assert_ne!(guessed.object_key(&poster), key);
}

#[test]
fn only_an_open_job_at_a_vendor_counts_against_its_tenants_bound() {
    let by = |provider: ProviderId| Job {
        provider: provider.as_str().to_owned(),
        ..job(AssetKind::Poster)
    };
    for provider in ProviderId::ALL {
        assert_eq!(by(provider).is_at_vendor(), provider.is_paid());
    }
    assert!(
        !job(AssetKind::Video).is_at_vendor(),
        "no provider makes it"
    );
    let closed = Job {
        state: State::Cancelled { at: at(1) },
        ..by(Runway)
    };
    assert!(!closed.is_at_vendor());
    // It fell back to the canvas.
    let asked = by(OpenAi).asking(StudioCanvas, derive(&[b"token"]), at(1));
    assert!(!asked.is_at_vendor());
}

/// The job, made by `provider`, which is asked now, and completed.
fn made(job: Job, provider: ProviderId) -> Job {
    let job = job.asking(provider, derive(&[b"token"]), at(60));
    let job = job.answered(Outcome::Made { credits: 0 }, at(61));
    Job {
        provider: format!("{provider}/a-model"),
        state: State::Completed {
            output: Output {
                key: "poster.png".to_owned(),
                stored_at: at(61),
                credits: 0,
                length_ms: None,
                shows: Shows::default(),
            },
            submitted_at: at(60),
        },
        ..job
    }
}

#[test]
fn a_job_fell_back_if_its_first_provider_refused_or_was_passed_over() {
    let wanted = |provider: ProviderId| Job {
        provider: provider.as_str().to_owned(),
        ..job(AssetKind::Poster)
    };
    let as_wanted = made(wanted(OpenAi), OpenAi);
    assert_eq!(
        (as_wanted.fell_back().len(), as_wanted.shortfall()),
        (0, None)
    );
    let after_refusal = refused(wanted(OpenAi), OpenAi, Refusal::Auth, 1);
    let passed_over = Noted::PassedOver {
        provider: OpenAi,
        until: at(900),
    };
    for fell_back in [
        made(after_refusal.clone(), StudioCanvas),
        made(wanted(OpenAi).noting(passed_over, at(60)), StudioCanvas),
    ] {
        assert_eq!(fell_back.fell_back()[0].from, OpenAi);
        assert_eq!(fell_back.shortfall(), Some(Shortfall::FellBack));
        assert!(fell_back.concerns(OpenAi) && fell_back.concerns(StudioCanvas));
        assert!(!fell_back.concerns(Runway));
        assert_eq!(fell_back.erased(at(99)).shortfall(), None);
    }
    assert_eq!(after_refusal.shortfall(), None, "it is open");
    // The one that was to make it was asked again in the end, and made it.
    let another = refused(after_refusal, StudioCanvas, Refusal::Transient, 30);
    assert_eq!(made(another, OpenAi).shortfall(), None);
}

#[test]
fn a_refusal_has_one_name_in_metrics_and_in_the_table() {
    for (refusal, name) in [
        (Refusal::Moderation, "moderation"),
        (Refusal::InvalidInput, "invalid-input"),
        (Refusal::Auth, "auth"),
        (Refusal::Billing, "billing"),
        (Refusal::RateLimited { retry_after: None }, "rate-limited"),
        (Refusal::Transient, "transient"),
        (Refusal::ProviderGone, "provider-gone"),
        (Refusal::OutcomeUnknown, "outcome-unknown"),
        (Refusal::Blocked, "blocked"),
        (Refusal::NotStored, "not-stored"),
    ] {
        assert_eq!(refusal.as_str(), name);
        assert_eq!(serde_json::to_value(refusal).unwrap()["class"], name);
    }
}

#[test]
fn a_job_has_begun_once_it_asked_a_provider_or_was_restarted() {
    let new = job(AssetKind::Poster);
    assert!(!new.has_begun());
    let asked = new
        .clone()
        .asking(StudioCanvas, derive(&[b"token"]), at(10));
    assert!(asked.has_begun());
    let restarted = new.restarted(at(1800));
    assert!(restarted.has_begun() && restarted.state == State::Created);
}

#[test]
fn a_new_job_asks_the_first_provider_with_a_closed_breaker() {
    let poster = job(AssetKind::Poster);
    assert_eq!(asks(&poster, &[OpenAi, StudioCanvas], 0), Next::Ask(OpenAi));
    assert_eq!(
        next(&poster, &[OpenAi, StudioCanvas], &[OpenAi], at(0)),
        Next::Ask(StudioCanvas)
    );
    let Next::GiveUp { class, detail } = next(&poster, &[OpenAi], &[OpenAi], at(0)) else {
        panic!("asked")
    };
    assert_eq!(class, FailureClass::Unavailable);
    assert!(detail.contains("openai is out of order"), "{detail}");
    let Next::GiveUp { class, .. } = asks(&job(AssetKind::Video), &[], 0) else {
        panic!("asked")
    };
    assert_eq!(class, FailureClass::NotConfigured);
}

#[test]
fn a_temporary_refusal_waits_as_long_as_the_vendor_asks() {
    let limited = refused(
        job(AssetKind::Poster),
        OpenAi,
        Refusal::RateLimited {
            retry_after: Some(40),
        },
        0,
    );
    let Next::Wait { seconds } = asks(&limited, &[OpenAi], 10) else {
        panic!("did not wait")
    };
    assert!((30..=40).contains(&seconds), "{seconds}");
    assert_eq!(asks(&limited, &[OpenAi], 50), Next::Ask(OpenAi));
    let busy = refused(job(AssetKind::Poster), OpenAi, Refusal::Transient, 0);
    assert!(matches!(
        asks(&busy, &[OpenAi], 0),
        Next::Wait { seconds: 2..=3 }
    ));
}

#[test]
fn a_provider_that_refuses_too_often_is_given_up_for_the_next() {
    let mut spot = job(AssetKind::AudioSpot);
    for attempt in 0..MOST_ATTEMPTS {
        assert_eq!(
            asks(&spot, &[ElevenLabs, Polly], 1000 * attempt as u32),
            Next::Ask(ElevenLabs)
        );
        spot = refused(spot, ElevenLabs, Refusal::Transient, 1000 * attempt as u32);
    }
    assert_eq!(asks(&spot, &[ElevenLabs, Polly], 10_000), Next::Ask(Polly));
    let Next::GiveUp { class, detail } = asks(&spot, &[ElevenLabs], 10_000) else {
        panic!("asked")
    };
    assert_eq!(
        (class, detail.as_str()),
        (FailureClass::Unavailable, "elevenlabs: as it was asked to")
    );
}

#[test]
fn forbidden_content_is_not_sent_to_another_provider() {
    let forbidden = refused(job(AssetKind::Poster), OpenAi, Refusal::Moderation, 0);
    let Next::GiveUp { class, .. } = asks(&forbidden, &[OpenAi, StudioCanvas], 1000) else {
        panic!("asked")
    };
    assert_eq!(class, FailureClass::Moderation);
}

#[test]
fn an_expensive_request_with_an_unknown_outcome_is_never_repeated() {
    for provider in ProviderId::ALL.into_iter().filter(|one| is_expensive(*one)) {
        let lost = refused(job(AssetKind::Video), provider, Refusal::OutcomeUnknown, 0);
        let Next::GiveUp { class, .. } = asks(&lost, &[provider], 100_000) else {
            panic!("{provider} was asked again")
        };
        assert_eq!(class, FailureClass::OutcomeUnknown);
    }
}

#[test]
fn credits_add_up_over_attempts() {
    let charged = Outcome::Refused {
        refusal: Refusal::Moderation,
        detail: "charged all the same".to_owned(),
        at: at(0),
        credits: 60,
    };
    let token = derive(&[b"token"]);
    let job = job(AssetKind::Video)
        .asking(Runway, token, at(0))
        .answered(charged, at(0));
    let job = job
        .asking(Runway, token, at(1))
        .answered(Outcome::Made { credits: 5 }, at(1));
    assert_eq!(job.attempts.credits(), 65);
}

#[test]
fn a_refused_job_no_longer_has_a_ticket() {
    let accepted = job(AssetKind::Video)
        .asking(Runway, derive(&[b"t"]), at(0))
        .accepted("task-1".to_owned());
    assert_eq!(accepted.ticket(), Some("task-1"));
    let failed = accepted.answered(Outcome::unknown("the task is gone", at(5)), at(5));
    assert_eq!(failed.ticket(), None, "no provider works on it");
    // The vendor may still have a copy, so erasing needs the ticket.
    assert_eq!(failed.attempts[0].ticket.as_deref(), Some("task-1"));
}

#[test]
fn a_tenants_cap_leaves_leases_for_other_tenants() {
    let caps = Caps {
        in_flight: 4,
        per_tenant: 2,
    };
    let job = |number: u8| derive(&[b"job", &[number]]);
    let take = |leases: ConcurrencyLimits, number: u8, tenant: &str| {
        leases.taken(job(number), &id(tenant), caps, at(0), at(60))
    };
    let leases = take(ConcurrencyLimits::default(), 1, "one").unwrap();
    let leases = take(leases, 2, "one").unwrap();
    assert!(take(leases.clone(), 3, "one").is_none(), "the tenant's cap");
    assert!(
        take(leases.clone(), 1, "one").is_some(),
        "one's own lease is no obstacle"
    );
    let leases = take(take(leases, 4, "two").unwrap(), 5, "three").unwrap();
    assert!(take(leases.clone(), 6, "four").is_none(), "the cap of all");
    // Released and expired leases make room.
    assert!(take(leases.clone().released(job(4)).unwrap(), 6, "four").is_some());
    assert_eq!(
        leases
            .clone()
            .taken(job(6), &id("four"), caps, at(61), at(90))
            .unwrap()
            .held(),
        1
    );
    assert!(leases.clone().released(job(9)).is_none());
    assert_eq!([ConcurrencyLimits::default().held(), leases.held()], [0, 4]);
    // A lease has expired at its very end.
    let at_its_end = leases.taken(job(6), &id("four"), caps, at(60), at(90));
    assert_eq!(at_its_end.unwrap().held(), 1);
}

#[test]
fn an_attempt_that_was_closed_unanswered_is_charged_once() {
    let token = derive(&[b"an attempt"]);
    let asked = job(AssetKind::Poster).asking(OpenAi, token, at(0));
    assert!(asked.clone().charged(token, 7).is_none(), "it is open");
    let closed = asked.answered(Outcome::unknown("cancelled", at(1)), at(1));
    let other = derive(&[b"another attempt"]);
    assert!(closed.clone().charged(other, 7).is_none());
    let charged = closed.charged(token, 7).unwrap();
    assert_eq!(charged.attempts.credits(), 7);
    assert!(charged.charged(token, 7).is_none(), "its cost is known");
}

#[test]
fn drawing_again_after_an_interruption_uses_up_no_attempt() {
    let ask = |job: Job, second: u32| {
        let token = derive(&[b"token", &second.to_be_bytes()]);
        job.asking(StudioCanvas, token, at(second))
    };
    let mut poster = job(AssetKind::Poster);
    for second in 0..150 {
        assert_eq!(
            asks(&poster, &[StudioCanvas], second),
            Next::Ask(StudioCanvas)
        );
        poster = ask(poster, second);
    }
    let [only] = &poster.attempts[..] else {
        panic!("{:?}", poster.attempts);
    };
    assert_eq!(only.at, at(149), "the last invocation's");
    // What was refused, and what may have been paid, stays.
    let paid = refused(job(AssetKind::Poster), OpenAi, Refusal::OutcomeUnknown, 0);
    assert_eq!(ask(ask(paid, 1), 2).attempts.len(), 2);
    let token = derive(&[b"token"]);
    let open = job(AssetKind::Poster).asking(OpenAi, token, at(0));
    assert_eq!(ask(open, 1).attempts.len(), 2);
}

proptest! {
    #[test]
    fn every_sequence_of_refusals_ends_the_job(
        refusals in proptest::collection::vec(
            prop_oneof![
                Just(Refusal::Auth), Just(Refusal::Billing), Just(Refusal::Transient), Just(Refusal::ProviderGone),
                Just(Refusal::OutcomeUnknown), Just(Refusal::Moderation), Just(Refusal::Blocked), any::<Option<u32>>().prop_map(|retry_after| Refusal::RateLimited { retry_after }),
            ],
            40,
        ),
    ) {
        let providers = [OpenAi, StudioCanvas];
        let (mut job, mut second, mut asked) = (job(AssetKind::Poster), 0, 0);
        for refusal in refusals {
            loop {
                match asks(&job, &providers, second) {
                    Next::Wait { seconds } => {
                        // The longest pause is twelve and a half minutes.
                        prop_assert!((1..=750).contains(&seconds));
                        second += seconds;
                    }
                    Next::Ask(provider) => {
                        asked += 1;
                        job = refused(job, provider, refusal, second);
                        break;
                    }
                    Next::GiveUp { .. } => {
                        prop_assert!(asked <= 2 * MOST_ATTEMPTS);
                        return Ok(());
                    }
                }
            }
        }
        prop_assert!(false, "forty refusals, and it still asks");
    }
}
