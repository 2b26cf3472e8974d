//! What is paid for if a function is killed or a job is cancelled.

use super::{lost_answers::credits_are_emitted, *};

#[tokio::test(flavor = "multi_thread")]
async fn a_video_whose_upload_is_killed_is_fetched_again_and_paid_for_once() {
    const BYTES: usize = 20 * 1024 * 1024;
    let mut studio =
        Studio::start_with(|options| options.providers = providers("studio-canvas", "runway", ""))
            .await;
    studio.stack.sandbox.script(Script::posts(
        Vendor::Runway,
        Occurrence::Every,
        Behaviour::OutputOf { bytes: BYTES },
    ));
    let hits = |operation: &str, number| Matches {
        service: Some("s3".to_owned()),
        operation: Some(operation.to_owned()),
        occurrence: Occurrence::Nth(number),
        ..Matches::default()
    };
    // Before the second part, after the third part of the next try, and after the upload is
    // completed.
    for (operation, number, moment) in [
        ("UploadPart", 2, Moment::Before),
        ("UploadPart", 4, Moment::After),
        ("CompleteMultipartUpload", 1, Moment::After),
    ] {
        let action = fault_proxy::Action::KillCaller(moment);
        studio.stack.proxy.inject(Fault {
            matches: hits(operation, number),
            action,
        });
    }
    studio.publish(&campaign("tenant-1", &["video"])).await;
    let produced = studio.produced_for("tenant-1", 4).await;
    let completed = &data(&produced, Topic::RenderJobCompleted)[0];
    assert_eq!(
        fetch(&studio, completed["outputUrl"].as_str().unwrap())
            .await
            .len(),
        BYTES
    );
    let cut = studio.stack.proxy.calls();
    let cut = cut
        .iter()
        .filter(|call| call.operation.service == "s3" && call.status.is_none())
        .count();
    assert_eq!(cut, 3, "it was killed three times");
    assert_eq!(paid(&studio, Vendor::Runway).len(), 1, "asked for once");
    let attempts = attempts(&studio, completed["jobId"].as_str().unwrap()).await;
    assert!(
        matches!(
            &attempts[..],
            [Attempt {
                outcome: Some(Outcome::Made { credits: 60 }),
                ..
            }]
        ),
        "{attempts:?}"
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_video_is_cancelled_at_its_vendor_and_published_once() {
    let mut studio =
        Studio::start_with(|options| options.providers = providers("studio-canvas", "runway", ""))
            .await;
    let forever = Behaviour::TaskStatus {
        status: "RUNNING".to_owned(),
        polls: u32::MAX,
    };
    studio
        .stack
        .sandbox
        .script(Script::posts(Vendor::Runway, Occurrence::Every, forever));
    studio.publish(&campaign("tenant-1", &["video"])).await;
    let produced = studio.produced_for("tenant-1", 2).await;
    let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    let sandbox = &studio.stack.sandbox;
    until("the vendor works on it", async || {
        sandbox.calls().iter().any(|call| call.method == "GET")
    })
    .await;

    let cancel = json!({ "step": "cancel", "jobId": job });
    for _ in 0..2 {
        assert_eq!(
            studio.completion(&cancel).await,
            json!({ "status": "closed" })
        );
    }
    let deleted = studio
        .stack
        .sandbox
        .calls()
        .into_iter()
        .filter(|call| call.method == "DELETE")
        .count();
    assert_eq!(
        deleted, 2,
        "each time anew: the first request may not have reached the vendor"
    );
    let produced = studio.produced_for("tenant-1", 3).await;
    assert_eq!(produced.len(), 3, "published once");
    let failed = &data(&produced, Topic::RenderJobFailed)[0];
    assert_eq!(
        (failed["failure"].as_str(), failed["canResubmit"].as_bool()),
        (Some("cancelled"), Some(true))
    );
    let attempts = attempts(&studio, &job).await;
    assert!(
        matches!(
            &attempts[..],
            [Attempt {
                outcome: Some(Outcome::Refused { .. }),
                ..
            }]
        ),
        "{attempts:?}"
    );
    // The vendor refunds nothing of what it had begun, and repeating the step counts it once.
    let credits = attempts[0].credits();
    assert!(credits > 0, "{attempts:?}");
    credits_are_emitted(&studio, credits).await;
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_around_a_request_never_pay_twice_unnoticed() {
    let kills = cases(30, 100);
    let mut chance = Chance::of(0x5eed_2026);
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("openai,studio-canvas", "runway", "elevenlabs");
        // What dies between giving a slot away and waking its job leaves that to the sweep, which
        // `turns` tests. So no job waits for a slot here.
        let in_flight = json!({ "inFlight": { "all": 40, "perTenant": 3 } });
        options.provider_settings =
            json!({ "openai": in_flight, "runway": in_flight, "elevenlabs": in_flight });
    })
    .await;
    let vendors = [Vendor::OpenAi, Vendor::Runway, Vendor::ElevenLabs];
    let mut tenants = Vec::new();
    for number in 0..kills {
        let vendor = vendors[chance.below(3)];
        let tenant = format!("kill-{number:03}");
        let moment = [Moment::Before, Moment::After][chance.below(2)];
        if chance.below(2) == 0 {
            // Around the vendor's request.
            let script = Script::posts(vendor, Occurrence::Nth(1), Behaviour::KillCaller(moment));
            studio.stack.sandbox.script(Script {
                body_contains: Some(tenant.clone()),
                ..script
            });
        } else {
            // Around a write: of the lease, the attempt, its outcome, and later ones.
            let matches = Matches {
                service: Some("dynamodb".to_owned()),
                operation: Some("PutItem".to_owned()),
                body_contains: Some(tenant.clone()),
                occurrence: Occurrence::Nth(1 + chance.below(3) as u32),
                function: None,
            };
            studio.stack.proxy.inject(Fault {
                matches,
                action: fault_proxy::Action::KillCaller(moment),
            });
        }
        tenants.push((vendor, tenant));
    }
    for batch in tenants.chunks(20) {
        for (vendor, tenant) in batch {
            studio.publish(&event_for(*vendor, tenant)).await;
        }
        for (_, tenant) in batch {
            studio.ended(tenant).await;
        }
    }
    let calls = studio.stack.sandbox.calls();
    let killed_at_request = calls
        .iter()
        .filter(|call| call.is_paid() && call.status.is_none())
        .count();
    let killed_at_write = studio
        .stack
        .proxy
        .calls()
        .iter()
        .filter(|call| call.operation.name == "PutItem" && call.status.is_none())
        .count();
    println!("{killed_at_request} killed at the request, {killed_at_write} at a write");
    assert!(
        killed_at_request + killed_at_write >= kills * 9 / 10,
        "the faults hit no call"
    );

    // The number of requests for each attempt.
    let mut requests: BTreeMap<String, usize> = BTreeMap::new();
    for call in calls.iter().filter(|call| call.is_paid()) {
        *requests
            .entry(call.attempt.clone().expect("an attempt's token"))
            .or_default() += 1;
    }
    assert!(
        requests.values().all(|count| *count == 1),
        "an attempt with two requests"
    );
    let (mut known, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    for (_, tenant) in &tenants {
        let produced = studio.ended(tenant).await;
        let ends = [Topic::RenderJobCompleted, Topic::RenderJobFailed]
            .map(|topic| jobs_of(&produced, topic));
        assert_eq!(ends.concat().len(), 1, "{tenant} has one end");
        for attempt in attempts(&studio, &ends.concat()[0]).await {
            let is_paid = attempt.asked.is_paid();
            let token = attempt.token.to_string();
            let fresh = match attempt.outcome {
                None => panic!("{tenant}: an attempt of a closed job says nothing of its outcome"),
                Some(Outcome::Refused {
                    refusal: domain::Refusal::OutcomeUnknown,
                    ..
                }) => unknown.insert(token),
                Some(_) if is_paid => known.insert(token),
                Some(_) => true,
            };
            assert!(fresh, "{tenant}: two attempts under one token");
        }
    }
    for request in requests.keys() {
        assert!(
            known.contains(request) || unknown.contains(request),
            "a request without an attempt before it: {request}"
        );
    }
    for attempt in &known {
        assert!(
            requests.contains_key(attempt),
            "an outcome of a request that was never made: {attempt}"
        );
    }
    studio.stop().await;
}
