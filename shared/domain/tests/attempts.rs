//! Which provider is asked for a job, how often, and what happens after refusals.

use contract::{
    AssetKind, Configuration, Entity, EntityKind, FailureClass, Identifier, Time, Topic, Trigger,
};
use domain::{
    Caps, ConcurrencyLimits, Fate, InboundEventKey, Job, JobId, MOST_ATTEMPTS, Next, Outcome,
    ProviderId, Refusal, State, TemplateId, derive, next,
};
use proptest::prelude::*;

use ProviderId::{ElevenLabs, OpenAi, Polly, Runway, StudioCanvas};

fn at(second: i64) -> Time {
    let start = Time::new("2026-11-20T10:00:00Z".parse().unwrap());
    start.plus_seconds(u32::try_from(second).unwrap())
}

fn id(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

fn job(asset: AssetKind) -> Job {
    let tenant = id("tenant-1");
    let configuration: Configuration = serde_json::from_str(r#"{"title":"Monsoon Jazz"}"#).unwrap();
    Job {
        id: JobId(derive(&[b"a job"])),
        version: 1,
        inbound: InboundEventKey::new(&tenant, "campaign-svc", "evt-1"),
        tenant,
        user_id: "user-1".to_owned(),
        entity: Entity {
            kind: EntityKind::Campaign,
            id: id("campaign-1"),
        },
        template: TemplateId(derive(&[b"a template"])),
        asset,
        locale: None,
        configuration,
        provider: "none".to_owned(),
        trigger: Trigger {
            topic: Topic::CampaignLaunched,
            source: "campaign-svc".to_owned(),
            id: "evt-1".to_owned(),
        },
        created_at: at(0),
        deadline: at(900),
        trace: None,
        caused_at: None,
        resubmit_of: None,
        restarts: 0,
        attempts: Vec::new(),
        state: State::Created,
    }
}

/// The job after `provider` refused it at `second`.
fn refused(job: Job, provider: ProviderId, refusal: Refusal, second: i64) -> Job {
    let detail = "as it was asked to".to_owned();
    job.asking(
        provider,
        derive(&[b"token", &second.to_be_bytes()]),
        at(second),
    )
    .answered(Outcome::Refused {
        refusal,
        detail,
        at: at(second),
        credits: 0,
    })
}

fn asks(job: &Job, providers: &[ProviderId], second: i64) -> Next {
    next(job, providers, &[], at(second))
}

#[test]
fn each_refusal_has_one_fate() {
    let fates = |refusal: Refusal| {
        [StudioCanvas, OpenAi, ElevenLabs, Runway, Polly].map(|provider| refusal.fate(provider))
    };
    assert_eq!(fates(Refusal::Moderation), [Fate::Fail; 5]);
    assert_eq!(fates(Refusal::InvalidInput), [Fate::Fail; 5]);
    for opens in [Refusal::Auth, Refusal::Billing, Refusal::ProviderGone] {
        assert_eq!(fates(opens), [Fate::OpenTheBreaker; 5]);
    }
    for again in [
        Refusal::Transient,
        Refusal::RateLimited { retry_after: None },
    ] {
        assert_eq!(fates(again), [AskAgain; 5]);
    }
    // Canvas, OpenAI, ElevenLabs, Runway, Polly: an expensive provider never gets the same request
    // twice unknowingly.
    use Fate::{AskAgain, AskTheNext};
    assert_eq!(
        fates(Refusal::OutcomeUnknown),
        [AskAgain, AskTheNext, AskTheNext, AskTheNext, AskAgain]
    );
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
            asks(&spot, &[ElevenLabs, Polly], 1000 * attempt as i64),
            Next::Ask(ElevenLabs)
        );
        spot = refused(spot, ElevenLabs, Refusal::Transient, 1000 * attempt as i64);
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
    for provider in [OpenAi, ElevenLabs, Runway] {
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
        .answered(charged);
    let job = job
        .asking(Runway, token, at(1))
        .answered(Outcome::Made { credits: 5 });
    assert_eq!(job.credits(), 65);
}

#[test]
fn a_refused_job_no_longer_has_a_ticket() {
    let accepted = job(AssetKind::Video)
        .asking(Runway, derive(&[b"t"]), at(0))
        .accepted("task-1".to_owned());
    assert_eq!(accepted.ticket(), Some("task-1"));
    let failed = accepted.answered(Outcome::unknown("the task is gone", at(5)));
    assert_eq!(failed.ticket(), None, "nobody works on it");
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
    assert!(leases.released(job(9)).is_none());
}

proptest! {
    #[test]
    fn every_sequence_of_refusals_ends_the_job(
        refusals in proptest::collection::vec(
            prop_oneof![
                Just(Refusal::Auth), Just(Refusal::Billing), Just(Refusal::Transient), Just(Refusal::ProviderGone),
                Just(Refusal::OutcomeUnknown), Just(Refusal::Moderation), any::<Option<u32>>().prop_map(|retry_after| Refusal::RateLimited { retry_after }),
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
                        second += i64::from(seconds);
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
