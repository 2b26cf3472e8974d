//! A voice whose function is killed.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn voices_whose_function_is_killed_around_each_request_ask_for_nothing_twice() {
    let voices = cases(8, 16) as u32;
    let mut chance = Chance::of(0x0a5a_2026);
    let studio =
        studio_with(json!({ "elevenlabs": { "inFlight": { "all": 100, "perTenant": 100 } } }))
            .await;
    for number in 0..voices {
        let (id, tenant) = (voice_id(number), format!("tenant-{number:02}"));
        let moment = [Moment::Before, Moment::After][chance.below(2)];
        let script = Script::posts(
            Vendor::ElevenLabs,
            Occurrence::Nth(1),
            Behaviour::KillCaller(moment),
        );
        match chance.below(3) {
            0 => studio.stack.sandbox.script(Script {
                body_contains: Some(id.clone()),
                ..script
            }),
            1 => studio.stack.sandbox.script(Script {
                body_contains: Some(format!("of {tenant}.")),
                ..script
            }),
            // A write of a lease, of an attempt or of its outcome, before the wait for the owner.
            _ => {
                studio.stack.proxy.inject(Fault {
                    matches: Matches {
                        service: Some("dynamodb".to_owned()),
                        operation: Some("PutItem".to_owned()),
                        body_contains: Some(id.clone()),
                        occurrence: Occurrence::Nth(1 + chance.below(5) as u32),
                        function: None,
                    },
                    action: fault_proxy::Action::KillCaller(moment),
                });
            }
        }
        train(&studio, &id, &input(&tenant, "professional", 1)).await;
    }
    let mut attempts = BTreeMap::new();
    for number in 0..voices {
        let (id, tenant) = (voice_id(number), format!("tenant-{number:02}"));
        model_that(&studio, &id, "waits for its owner", |s| {
            matches!(s, VoiceState::AwaitingOwner { .. })
        })
        .await;
        if chance.below(2) == 0 {
            let path = format!(
                "{}/train",
                model(&studio, &id).await.unwrap().voice.unwrap()
            );
            let moment = [Moment::Before, Moment::After][chance.below(2)];
            let script = Script::posts(
                Vendor::ElevenLabs,
                Occurrence::Nth(1),
                Behaviour::KillCaller(moment),
            );
            studio.stack.sandbox.script(Script {
                path_ends: Some(path),
                ..script
            });
        }
        assert_eq!(
            verify(&studio, &id, &tenant).await,
            json!({ "status": "verified" })
        );
    }
    for number in 0..voices {
        let line = line_of(&studio, &voice_id(number)).await;
        assert!(line.starts_with("ready; "), "{number}: {line}");
        for attempt in &model(&studio, &voice_id(number)).await.unwrap().attempts {
            let fresh = attempts.insert(
                attempt.token.to_string(),
                attempt.outcome.clone().expect("an outcome, known or not"),
            );
            assert!(fresh.is_none(), "two attempts under one token");
        }
    }
    let killed = posts(&studio)
        .iter()
        .filter(|call| call.status.is_none())
        .count();
    let at_writes = studio
        .stack
        .proxy
        .calls()
        .iter()
        .filter(|call| call.operation.name == "PutItem" && call.status.is_none())
        .count();
    println!("{killed} killed at a request, {at_writes} at a write");
    assert!(
        killed + at_writes >= voices as usize,
        "the faults hit no call"
    );
    let mut requests = BTreeSet::new();
    for call in posts(&studio) {
        let token = call.attempt.expect("a token");
        assert!(
            attempts.contains_key(&token),
            "a request without an attempt before it: {}",
            call.path
        );
        assert!(
            requests.insert(token),
            "an attempt with two requests: {}",
            call.path
        );
    }
    // Each request took effect once at the vendor: one voice per training, with its sample.
    assert_eq!(studio.stack.sandbox.voices(), voices as usize);
    studio.stop().await;
}
