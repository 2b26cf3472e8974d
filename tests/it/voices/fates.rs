//! What happens to a voice, for each behaviour of its vendor.

use super::*;

/// A case: the request, the cloning method, the vendor's behaviour, and the expected end. A voice
/// has one sample.
type Row = (&'static str, &'static str, Behaviour, String);

/// The cases of one request: `before` are the outcomes of the requests before it, `after` of those
/// after it.
fn rows(request: &'static str, method: &'static str, before: &str, after: &str) -> Vec<Row> {
    let no = |why: Refusal| refusal(Vendor::ElevenLabs, why).unwrap();
    let internal = Behaviour::AcceptThenAnswer {
        status: 500,
        body: json!({ "detail": "internal" }),
    };
    let again = |what: &str| format!("ready; {before}{what}, made{after}");
    let done = format!("ready; {before}made{after}");
    vec![
        (
            request,
            method,
            no(Refusal::Moderation),
            format!("failed: moderation; {before}moderation"),
        ),
        (
            request,
            method,
            no(Refusal::InvalidInput),
            format!("failed: invalid-input; {before}invalid-input"),
        ),
        (
            request,
            method,
            no(Refusal::RateLimited),
            again("rate-limited"),
        ),
        (
            request,
            method,
            no(Refusal::Unavailable),
            again("transient"),
        ),
        // The vendor did nothing, so the studio sees no result and repeats the request.
        (
            request,
            method,
            Behaviour::Cut(Moment::Before),
            again("outcome-unknown"),
        ),
        // The vendor did it, so the studio sees the result and does not repeat the request.
        (request, method, Behaviour::Cut(Moment::After), done.clone()),
        (request, method, internal, done),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_vendor_behaviour_gives_a_voice_the_fate_in_the_table() {
    let studio =
        studio_with(json!({ "elevenlabs": { "inFlight": { "all": 100, "perTenant": 100 } } }))
            .await;
    let mut table = rows("/voices/add", "instant", "", "");
    // The requests before and after the owner's verification. What the vendor says of itself has
    // the same fate for each, so `make test` tries only the lost answers.
    for (request, before, after) in [
        ("/voices/pvc", "", ", made, made, made"),
        ("/samples", "made, ", ", made, made"),
        ("/train", "made, made, made, ", ""),
    ] {
        let rows = rows(request, "professional", before, after);
        table.extend(rows.into_iter().skip(cases(4, 0)));
    }
    let held = Behaviour::TaskStatus {
        status: "contemplating".to_owned(),
        polls: 2,
    };
    table.push((
        "/train",
        "professional",
        held,
        "ready; made, made, made, made".to_owned(),
    ));
    // A firewall before the vendor does not like what the tenant wrote.
    let page = Behaviour::Firewall { status: 403 };
    table.push((
        "/voices/add",
        "instant",
        page,
        "failed: invalid-input; blocked".to_owned(),
    ));
    // The voice was deleted at the vendor, which says nothing about other voices.
    let gone = refusal(Vendor::ElevenLabs, Refusal::Gone).unwrap();
    table.push((
        "/samples",
        "professional",
        gone,
        "failed: invalid-input; made, invalid-input".to_owned(),
    ));
    let fails = Behaviour::TaskFails {
        code: String::new(),
        message: "too much noise".to_owned(),
    };
    table.push((
        "/train",
        "professional",
        fails,
        "failed: invalid-input; made, made, made, made".to_owned(),
    ));

    let mut voices = Vec::new();
    for (number, (request, method, behaviour, expected)) in (100..).zip(table) {
        let (id, tenant) = (voice_id(number), format!("tenant-{number}"));
        let script = Script::posts(Vendor::ElevenLabs, Occurrence::Nth(1), behaviour.clone());
        // Once there is a vendor's id, it is in the address of every request. The creating request
        // carries our id.
        let script = match request {
            "/train" => None,
            "/samples" => Some(Script {
                body_contains: Some(format!("of {tenant}.")),
                ..script
            }),
            _ => Some(Script {
                body_contains: Some(id.clone()),
                ..script
            }),
        };
        if let Some(script) = script {
            studio.stack.sandbox.script(Script {
                path_ends: Some(request.to_owned()),
                ..script
            });
        }
        train(&studio, &id, &input(&tenant, method, 1)).await;
        voices.push((id, tenant, request, method, behaviour, expected));
    }
    let mut wrong = Vec::new();
    // The first voices continue while the next ones are verified.
    for (id, tenant, request, method, behaviour, _) in &voices {
        let is_asked_for = async || {
            let model = model(&studio, id).await;
            model.is_some_and(|m| {
                m.is_closed() || matches!(m.state, VoiceState::AwaitingOwner { .. })
            })
        };
        until(&format!("{id} ends, or waits for its owner"), is_asked_for).await;
        let waiting = model(&studio, id).await.unwrap();
        if !waiting.is_closed() && *method == "professional" {
            if *request == "/train" {
                let script =
                    Script::posts(Vendor::ElevenLabs, Occurrence::Nth(1), behaviour.clone());
                let path = format!("{}/train", waiting.voice.unwrap());
                studio.stack.sandbox.script(Script {
                    path_ends: Some(path),
                    ..script
                });
            }
            assert_eq!(
                verify(&studio, id, tenant).await,
                json!({ "status": "verified" })
            );
        }
    }
    for (id, _, request, method, behaviour, expected) in &voices {
        let line = line_of(&studio, id).await;
        if line != *expected {
            wrong.push(format!(
                "{method} {request} {behaviour:?}: {line}, not {expected}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    // Each request has an attempt of its own, and no request was sent twice.
    let tokens: Vec<String> = posts(&studio)
        .into_iter()
        .map(|call| call.attempt.expect("a token"))
        .collect();
    assert_eq!(tokens.iter().collect::<BTreeSet<_>>().len(), tokens.len());
    // A failed voice leaves nothing at the vendor.
    let ready = voices
        .iter()
        .filter(|(.., expected)| expected.starts_with("ready"))
        .count();
    assert_eq!(studio.stack.sandbox.voices(), ready);

    // After a refusal of the whole studio, no request goes out until an operator closes the
    // breaker.
    for (number, why) in (200..).zip([Refusal::Auth, Refusal::Billing]) {
        studio.stack.sandbox.heal();
        let no = refusal(Vendor::ElevenLabs, why).unwrap();
        studio
            .stack
            .sandbox
            .script(Script::posts(Vendor::ElevenLabs, Occurrence::Every, no));
        train(
            &studio,
            &voice_id(number),
            &input(&format!("tenant-{number}"), "instant", 1),
        )
        .await;
        assert!(
            line_of(&studio, &voice_id(number))
                .await
                .starts_with("failed: unavailable; ")
        );
        studio.stack.sandbox.heal();
        studio.stack.sandbox.clear();
        let (waits, tenant) = (voice_id(number + 50), format!("tenant-{number}-waits"));
        train(&studio, &waits, &input(&tenant, "instant", 1)).await;
        // A step of the new voice finds the breaker open, and leaves the vendor alone for as long.
        until("it is registered", async || {
            model(&studio, &waits).await.is_some()
        })
        .await;
        let advance = json!({ "step": "advance-voice", "voiceModelId": waits });
        let answer = studio.completion(&advance).await;
        assert!(
            answer["status"] == "waiting" && answer["seconds"].as_u64() > Some(600),
            "{answer}"
        );
        assert!(posts(&studio).is_empty(), "the breaker is open");
        let waiting = model(&studio, &waits).await.unwrap();
        assert!(
            waiting.attempts.is_empty() && !waiting.is_closed(),
            "{waiting:?}"
        );
        let close = "providers close-breaker elevenlabs --execute";
        let said = cli(&studio, close).await;
        assert!(said.text.starts_with("closed  "), "{said:?}");
        assert_eq!(line_of(&studio, &waits).await, "ready; made");
    }
    studio.stop().await;
}
