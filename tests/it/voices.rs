//! Cloned voices: from the start of a training to a ready voice, and what happens if the training
//! cannot succeed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use aws_sdk_sfn::types::ExecutionStatus;
use chaos::Chance;
use contract::Topic;
use domain::{Outcome, VoiceModel, VoiceState};
use local::{
    checkout::Checkout,
    deploy::{Providers, VOICE_BUCKET},
    metrics::emitted,
    proxy::{self, Fault, Matches, Moment, Occurrence},
    sandbox::{Behaviour, Call, Refusal, Script, Vendor, refusal},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    harness::{Studio, by_id, now, until},
    sweep::let_deadlines_pass,
};

static RECORDING: &[u8] = include_bytes!("../../infra/local/fixtures/two-seconds.mp3");

/// The scale of the voices' waits, which last minutes to hours on AWS.
const WAIT_SCALE: f64 = 0.02;

async fn studio_that_clones() -> Studio {
    studio_with(json!({})).await
}

async fn studio_with(settings: Value) -> Studio {
    Studio::start_with(|options| {
        options.providers = Providers {
            voice: "elevenlabs".to_owned(),
            ..Providers::default()
        };
        options.provider_settings = settings;
        options.wait_scale = WAIT_SCALE;
    })
    .await
}

/// The id of the voice model number `number`.
fn voice_id(number: u32) -> String {
    Uuid::from_u128(0x5f0f_6b1a_6f3f_4a55_9a39_0a4a_5e00_0000 + u128::from(number)).to_string()
}

/// The input that starts the training of a voice of `tenant` with `samples` samples.
fn input(tenant: &str, method: &str, samples: usize) -> Value {
    let example = include_str!("../../events/voice-training/example.json");
    let mut input: Value = serde_json::from_str(example).unwrap();
    input["tenantId"] = json!(tenant);
    input["method"] = json!(method);
    input["consent"]["givenAt"] = json!(now());
    let samples = (1..=samples).map(|number| format!("s3://{VOICE_BUCKET}/{tenant}/{number}.mp3"));
    input["samples"] = samples.collect::<Vec<_>>().into();
    input
}

/// Uploads a file to a tenant's folder. The file ends with the tenant's name, so that a test can
/// recognise a request that carries it.
async fn upload(studio: &Studio, tenant: &str, name: &str, bytes: &[u8]) {
    let put = studio
        .stack
        .clients
        .s3
        .put_object()
        .bucket(VOICE_BUCKET)
        .key(format!("{tenant}/{name}"));
    put.body([bytes, b" of ", tenant.as_bytes(), b"."].concat().into())
        .send()
        .await
        .unwrap();
}

/// Uploads the samples of the input and starts the training. Returns the execution's ARN.
async fn train(studio: &Studio, id: &str, input: &Value) -> String {
    let tenant = input["tenantId"].as_str().unwrap_or("nobody");
    for number in 1..=input["samples"].as_array().map_or(0, Vec::len) {
        upload(studio, tenant, &format!("{number}.mp3"), RECORDING).await;
    }
    let start = studio
        .stack
        .clients
        .sfn
        .start_execution()
        .name(id)
        .input(input.to_string());
    let started = start
        .state_machine_arn(&studio.stack.outputs.voice_state_machine_arn)
        .send()
        .await
        .unwrap();
    started.execution_arn
}

async fn model(studio: &Studio, id: &str) -> Option<VoiceModel> {
    let item = studio.item(&format!("voice#{id}"), "state").await?;
    Some(serde_json::from_str(item["state"].as_s().unwrap()).unwrap())
}

/// Waits until the model's state satisfies `is`, and returns the model.
async fn model_that(
    studio: &Studio,
    id: &str,
    what: &str,
    is: impl Fn(&VoiceState) -> bool,
) -> VoiceModel {
    until(&format!("{id} {what}"), async || {
        let model = model(studio, id).await;
        if let Some(VoiceModel {
            state: VoiceState::Failed { failure, reason },
            ..
        }) = &model
        {
            assert!(
                is(&model.as_ref().unwrap().state),
                "{id} failed: {reason} {failure:?}"
            );
        }
        model.is_some_and(|model| is(&model.state))
    })
    .await;
    model(studio, id).await.unwrap()
}

/// Waits for the end of an execution; returns its status and cause.
async fn end_of(studio: &Studio, execution: &str) -> (ExecutionStatus, String) {
    let describe = || {
        studio
            .stack
            .clients
            .sfn
            .describe_execution()
            .execution_arn(execution)
            .send()
    };
    until("the execution has ended", async || {
        *describe().await.unwrap().status() != ExecutionStatus::Running
    })
    .await;
    let described = describe().await.unwrap();
    (
        described.status().clone(),
        described.cause().unwrap_or_default().to_owned(),
    )
}

/// Uploads the owner's recording and asks for the verification.
async fn verify(studio: &Studio, id: &str, tenant: &str) -> Value {
    upload(studio, tenant, "recording.mp3", RECORDING).await;
    let recording = format!("s3://{VOICE_BUCKET}/{tenant}/recording.mp3");
    let step = json!({ "step": "verify-voice", "voiceModelId": id, "tenantId": tenant, "recording": recording });
    studio.completion(&step).await
}

fn posts(studio: &Studio) -> Vec<Call> {
    studio
        .stack
        .sandbox
        .calls()
        .into_iter()
        .filter(Call::is_paid)
        .collect()
}

/// How often each path was requested with a change, without the ids in the paths.
fn asked(studio: &Studio) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in posts(studio) {
        let path: Vec<&str> = call
            .path
            .split('/')
            .filter(|part| !part.starts_with("sandboxvoice"))
            .collect();
        *counts.entry(path.join("/")).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_professional_voice_goes_from_registration_to_ready() {
    let mut studio = studio_that_clones().await;
    let (id, tenant) = (voice_id(1), "tenant-asha");
    let sent = input(tenant, "professional", 3);
    let execution = train(&studio, &id, &sent).await;
    let waiting = model_that(&studio, &id, "waits for its owner", |s| {
        matches!(s, VoiceState::AwaitingOwner { .. })
    })
    .await;
    let VoiceState::AwaitingOwner {
        captcha: Some(captcha),
        ..
    } = waiting.state
    else {
        panic!("nothing to read")
    };
    let object = studio
        .stack
        .clients
        .s3
        .get_object()
        .bucket(&studio.stack.outputs.assets_bucket_name)
        .key(&captcha);
    let picture = object
        .send()
        .await
        .unwrap()
        .body
        .collect()
        .await
        .unwrap()
        .to_vec();
    assert!(
        captcha == format!("voices/{id}/captcha.png") && picture.starts_with(b"\x89PNG"),
        "{captcha}"
    );

    // A verification needs a recording, and another tenant cannot verify this voice.
    let step =
        |tenant: &str| json!({ "step": "verify-voice", "voiceModelId": id, "tenantId": tenant });
    assert_eq!(
        studio.completion(&step(tenant)).await["status"],
        "not-verified"
    );
    let function = studio.stack.outputs.completion_function_name.clone();
    let invoke = studio
        .stack
        .clients
        .lambda
        .invoke()
        .function_name(&function);
    let answer = invoke
        .payload(step("tenant-other").to_string().into_bytes().into())
        .send()
        .await
        .unwrap();
    assert!(answer.function_error().is_some(), "another tenant's");
    // Another tenant cannot take its id either: its registration fails, and this voice goes on.
    let register = json!({ "step": "register-voice", "name": id, "input": input("tenant-other", "professional", 3) });
    let invoke = studio
        .stack
        .clients
        .lambda
        .invoke()
        .function_name(&function);
    let answer = invoke
        .payload(register.to_string().into_bytes().into())
        .send()
        .await
        .unwrap();
    let answer = String::from_utf8_lossy(answer.payload().unwrap().as_ref()).into_owned();
    assert!(answer.contains("Studio.IdReused"), "{answer}");
    let fail = json!({ "step": "fail-voice", "voiceModelId": id, "error": "Studio.IdReused", "cause": answer });
    assert_eq!(studio.completion(&fail).await["status"], "voice-failed");
    let waiting = model(&studio, &id).await.unwrap();
    assert!(
        matches!(waiting.state, VoiceState::AwaitingOwner { .. }),
        "{:?}",
        waiting.state
    );

    assert_eq!(
        verify(&studio, &id, tenant).await,
        json!({ "status": "verified" })
    );
    let produced = studio.produced_for(tenant, 2).await;
    let of = |topic: Topic| {
        produced
            .iter()
            .find(|r| r.topic == topic.as_str())
            .unwrap()
            .event()["data"]
            .clone()
    };
    let (created, ready) = (of(Topic::VoiceModelCreated), of(Topic::VoiceModelReady));
    assert_eq!(by_id(&produced).len(), 2);
    for event in [&created, &ready] {
        assert_eq!(
            (event["voiceModelId"].as_str(), event["name"].as_str()),
            (Some(id.as_str()), Some("Asha, warm"))
        );
        assert_eq!(
            (event["provider"].as_str(), event["method"].as_str()),
            (Some("elevenlabs"), Some("professional"))
        );
    }
    assert!(
        produced[0].timestamp <= produced[1].timestamp && ready["durationMs"].as_u64().unwrap() > 0
    );
    assert_eq!(
        end_of(&studio, &execution).await.0,
        ExecutionStatus::Succeeded
    );

    let expected = [
        ("/voices/pvc", 1),
        ("/voices/pvc/captcha", 1),
        ("/voices/pvc/samples", 3),
        ("/voices/pvc/train", 1),
    ];
    assert_eq!(
        asked(&studio),
        expected
            .map(|(path, count)| (path.to_owned(), count))
            .into()
    );
    let model = model(&studio, &id).await.unwrap();
    // The alarms see the credits of a voice as they see those of a job.
    let emitted = emitted(&studio.stack.clients).await.unwrap();
    let sum = |name: &str| -> f64 {
        emitted
            .iter()
            .filter(|(m, _)| m.name == name)
            .flat_map(|(_, values)| values)
            .sum()
    };
    assert_eq!(
        sum("ProviderCredits"),
        f64::from(u32::try_from(model.credits()).unwrap())
    );
    assert!(
        model.credits() > 0 && sum("ProviderCalls") >= 7.0,
        "{}",
        sum("ProviderCalls")
    );
    assert_eq!(model.attempts.len(), posts(&studio).len());
    assert_eq!(
        (ready["creditsUsed"].as_u64(), model.credits()),
        (Some(500), 500)
    );
    // The vendor gets no name of the voice or its owner.
    assert!(
        posts(&studio)
            .iter()
            .all(|call| !String::from_utf8_lossy(&call.body).contains("Asha"))
    );

    // A second execution of the same name is refused, because it is the same training.
    let again = studio
        .stack
        .clients
        .sfn
        .start_execution()
        .name(&id)
        .input(input(tenant, "professional", 3).to_string());
    let again = again
        .state_machine_arn(&studio.stack.outputs.voice_state_machine_arn)
        .send()
        .await;
    assert!(again.is_err(), "the execution exists");
    let register = json!({ "step": "register-voice", "name": id, "input": sent });
    assert_eq!(studio.completion(&register).await["status"], "closed");
    studio.stop().await;
}

/// A case: its name, its change of an input, and the expected reason.
type Unfit = (&'static str, fn(&mut Value), &'static str);

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_training_fails_at_once_with_a_reason() {
    let mut studio =
        studio_with(json!({ "elevenlabs": { "voices": { "professionalSeconds": 5 } } })).await;
    let without: fn(&mut Value, &str) =
        |input, name| drop(input.as_object_mut().unwrap().remove(name));
    let unfit: [Unfit; 9] = [
        (
            "no-consent",
            |input| drop(input.as_object_mut().unwrap().remove("consent")),
            "missing field `consent`",
        ),
        (
            "no-time",
            |input| drop(input["consent"].as_object_mut().unwrap().remove("givenAt")),
            "input.consent: missing field",
        ),
        (
            "to-come",
            |input| input["consent"]["givenAt"] = json!("2099-01-01T00:00:00Z"),
            "2099-01-01T00:00:00Z, which is still to come",
        ),
        (
            "no-sample",
            |input| input["samples"] = json!([]),
            "there is no sample of the voice",
        ),
        (
            "long",
            |input| {
                input["samples"] =
                    json!(["1", "2", "3"].map(|n| format!("s3://{VOICE_BUCKET}/long/{n}.mp3")))
            },
            "6 seconds long; at most 5 are taken",
        ),
        (
            "elsewhere",
            |input| input["samples"] = json!(["s3://somebody-elses/1.mp3"]),
            "may not read the bucket of s3://somebody-elses/1.mp3",
        ),
        (
            "missing",
            |input| input["samples"] = json!([format!("s3://{VOICE_BUCKET}/missing/none.mp3")]),
            "There is nothing at",
        ),
        (
            "no-sound",
            |input| input["samples"] = json!([format!("s3://{VOICE_BUCKET}/no-sound/text.mp3")]),
            "is no MP3, WAV or FLAC file",
        ),
        (
            "by-url",
            |input| input["samples"] = json!(["https://example.com/1.mp3"]),
            "is not an address in S3",
        ),
    ];
    upload(
        &studio,
        "no-sound",
        "text.mp3",
        b"Lorem ipsum dolor sit amet",
    )
    .await;
    for number in 1..=3 {
        upload(&studio, "long", &format!("{number}.mp3"), RECORDING).await;
    }
    let mut executions = Vec::new();
    for (number, (tenant, change, _)) in (10..).zip(&unfit) {
        let mut input = input(tenant, "professional", 1);
        upload(&studio, tenant, "1.mp3", RECORDING).await;
        change(&mut input);
        let start = studio
            .stack
            .clients
            .sfn
            .start_execution()
            .name(voice_id(number))
            .input(input.to_string());
        let start = start
            .state_machine_arn(&studio.stack.outputs.voice_state_machine_arn)
            .send()
            .await
            .unwrap();
        executions.push((voice_id(number), start.execution_arn));
    }
    let mut wrong = Vec::new();
    for ((id, execution), (tenant, _, expected)) in executions.iter().zip(&unfit) {
        let (status, cause) = end_of(&studio, execution).await;
        let model = model(&studio, id).await.unwrap();
        let VoiceState::Failed { reason, .. } = &model.state else {
            panic!("{tenant} is not failed")
        };
        if status != ExecutionStatus::Failed || !reason.contains(expected) || cause != *reason {
            wrong.push(format!("{tenant}: {reason} {cause}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    // Without a tenant or a valid id there is no model to record the failure, so only the execution
    // reports it.
    let start = async |name: &str, input: Value| {
        let start = studio
            .stack
            .clients
            .sfn
            .start_execution()
            .name(name)
            .input(input.to_string());
        let start = start
            .state_machine_arn(&studio.stack.outputs.voice_state_machine_arn)
            .send()
            .await
            .unwrap();
        end_of(&studio, &start.execution_arn).await
    };
    let mut nobodys = input("nobodys", "instant", 1);
    without(&mut nobodys, "tenantId");
    let (status, cause) = start(&voice_id(30), nobodys).await;
    assert_eq!(
        (status, cause.as_str()),
        (ExecutionStatus::Failed, "input: missing field `tenantId`")
    );
    let (status, cause) = start("my-voice", input("named", "instant", 1)).await;
    assert!(
        status == ExecutionStatus::Failed && cause.contains("a UUID in lower case"),
        "{cause}"
    );

    // The vendor's key is missing.
    let delete = studio
        .stack
        .clients
        .secrets
        .delete_secret()
        .secret_id("studio/local/elevenlabs");
    delete
        .force_delete_without_recovery(true)
        .send()
        .await
        .unwrap();
    let execution = train(&studio, &voice_id(31), &input("no-key", "instant", 1)).await;
    let (status, cause) = end_of(&studio, &execution).await;
    assert_eq!(
        (status, cause.as_str()),
        (
            ExecutionStatus::Failed,
            "Nobody is set up to clone voices here."
        )
    );

    assert!(posts(&studio).is_empty(), "nobody was asked for anything");
    assert!(
        studio.produced_for("no-consent", 0).await.is_empty(),
        "nobody heard of it"
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_that_clones_voices_a_training_fails_at_once() {
    let studio = Studio::start().await;
    let execution = train(&studio, &voice_id(1), &input("tenant-1", "professional", 1)).await;
    let (status, cause) = end_of(&studio, &execution).await;
    assert_eq!(
        (status, cause.as_str()),
        (
            ExecutionStatus::Failed,
            "Nobody is set up to clone voices here."
        )
    );
    studio.stop().await;
}

/// The end of a voice in one line: `ready` or `failed: <class>`, then the outcome of each request.
async fn line_of(studio: &Studio, id: &str) -> String {
    until(&format!("{id} has ended"), async || {
        model(studio, id)
            .await
            .is_some_and(|model| model.is_closed())
    })
    .await;
    let model = model(studio, id).await.unwrap();
    let end = match &model.state {
        VoiceState::Ready { .. } => "ready".to_owned(),
        VoiceState::Failed { failure, .. } => {
            format!(
                "failed: {}",
                serde_json::to_value(failure.class)
                    .unwrap()
                    .as_str()
                    .unwrap()
            )
        }
        other => panic!("{id} is {other:?}"),
    };
    let outcomes = model.attempts.iter().map(|attempt| match &attempt.outcome {
        None => "nothing said".to_owned(),
        Some(Outcome::Accepted) => "accepted".to_owned(),
        Some(Outcome::Made { .. }) => "made".to_owned(),
        Some(Outcome::Refused { refusal, .. }) => serde_json::to_value(refusal).unwrap()["class"]
            .as_str()
            .unwrap()
            .to_owned(),
    });
    format!("{end}; {}", outcomes.collect::<Vec<_>>().join(", "))
}

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
    // The requests before and after the owner's verification.
    table.extend(rows(
        "/voices/pvc",
        "professional",
        "",
        ", made, made, made",
    ));
    table.extend(rows("/samples", "professional", "made, ", ", made, made"));
    table.extend(rows("/train", "professional", "made, made, made, ", ""));
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
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(posts(&studio).is_empty(), "the breaker is open");
        studio
            .completion(&json!({ "step": "close-breaker", "provider": "elevenlabs" }))
            .await;
        assert_eq!(line_of(&studio, &waits).await, "ready; made");
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instant_voice_waits_until_its_vendor_has_verified_it() {
    let studio = studio_that_clones().await;
    let wants = Script::posts(Vendor::ElevenLabs, Occurrence::Every, Behaviour::WantsOwner);
    studio.stack.sandbox.script(wants);
    let (id, tenant) = (voice_id(1), "tenant-instant");
    train(&studio, &id, &input(tenant, "instant", 2)).await;
    model_that(&studio, &id, "waits for its owner", |s| {
        matches!(s, VoiceState::AwaitingOwner { .. })
    })
    .await;
    // The vendor verifies an instant voice with its owner, so the studio sends nothing.
    let said = verify(&studio, &id, tenant).await;
    assert_eq!(
        said["reason"],
        "The owner of an instant voice is verified at the provider itself."
    );
    assert_eq!(
        asked(&studio),
        BTreeMap::from([("/voices/add".to_owned(), 1)])
    );
    studio.stack.sandbox.verify_voices();
    let look = json!({ "step": "verify-voice", "voiceModelId": id, "tenantId": tenant });
    assert_eq!(
        studio.completion(&look).await,
        json!({ "status": "verified" })
    );
    assert_eq!(line_of(&studio, &id).await, "ready; made");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_concurrent_verifications_send_one_recording() {
    let studio = studio_that_clones().await;
    let (id, tenant) = (voice_id(1), "tenant-twice");
    train(&studio, &id, &input(tenant, "professional", 1)).await;
    model_that(&studio, &id, "waits for its owner", |s| {
        matches!(s, VoiceState::AwaitingOwner { .. })
    })
    .await;
    let slow = Script::posts(
        Vendor::ElevenLabs,
        Occurrence::Nth(1),
        Behaviour::Slow(Duration::from_secs(5)),
    );
    studio.stack.sandbox.script(slow);
    let second = async {
        until("the first is sent", async || {
            asked(&studio).contains_key("/voices/pvc/captcha")
        })
        .await;
        verify(&studio, &id, tenant).await
    };
    let (first, second) = futures::join!(verify(&studio, &id, tenant), second);
    assert_eq!(first, json!({ "status": "verified" }));
    assert_eq!(
        second["reason"],
        "A request for it is on its way. Ask again in a few minutes."
    );
    assert_eq!(asked(&studio)["/voices/pvc/captcha"], 1);
    assert_eq!(line_of(&studio, &id).await, "ready; made, made, made, made");
    studio.stop().await;
}

/// Shortens the owner's days in the deployed state machine to seconds.
async fn let_owners_have(studio: &Studio, seconds: u32) {
    let sfn = &studio.stack.clients.sfn;
    let arn = &studio.stack.outputs.voice_state_machine_arn;
    let described = sfn
        .describe_state_machine()
        .state_machine_arn(arn)
        .send()
        .await
        .unwrap();
    let mut machine: Value = serde_json::from_str(described.definition()).unwrap();
    machine["States"]["AwaitOwner"]["TimeoutSeconds"] = json!(seconds);
    sfn.update_state_machine()
        .state_machine_arn(arn)
        .definition(machine.to_string())
        .send()
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_fails_if_its_owner_never_verifies_it() {
    let studio = studio_that_clones().await;
    let_owners_have(&studio, 3).await;
    let (id, tenant) = (voice_id(1), "tenant-late");
    let execution = train(&studio, &id, &input(tenant, "professional", 1)).await;
    let (status, cause) = end_of(&studio, &execution).await;
    assert_eq!(status, ExecutionStatus::Failed);
    assert!(
        cause.starts_with(
            "Its owner was asked 0 days ago to show that the voice is theirs, and did not"
        ),
        "{cause}"
    );
    assert!(
        line_of(&studio, &id)
            .await
            .starts_with("failed: timeout; made, made")
    );
    assert_eq!(
        studio.stack.sandbox.voices(),
        0,
        "nothing is left at the vendor"
    );
    assert_eq!(verify(&studio, &id, tenant).await["status"], "voice-failed");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_continues_a_voice_whose_execution_was_aborted() {
    let mut studio = studio_that_clones().await;
    let (id, tenant) = (voice_id(1), "tenant-aborted");
    let execution = train(&studio, &id, &input(tenant, "professional", 2)).await;
    model_that(&studio, &id, "waits for its owner", |s| {
        matches!(s, VoiceState::AwaitingOwner { .. })
    })
    .await;
    studio
        .stack
        .clients
        .sfn
        .stop_execution()
        .execution_arn(&execution)
        .send()
        .await
        .unwrap();
    let_deadlines_pass(&studio).await;
    let swept = studio.completion(&json!({ "step": "sweep" })).await;
    assert_eq!(swept["restarted"], 1, "{swept}");
    until("it waits again", async || {
        model(&studio, &id).await.unwrap().restarts == 1
    })
    .await;
    until("it is verified", async || {
        verify(&studio, &id, tenant).await["status"] == "verified"
    })
    .await;
    assert_eq!(
        line_of(&studio, &id).await,
        "ready; made, made, made, made, made"
    );
    assert_eq!(
        studio.produced_for(tenant, 2).await.len(),
        2,
        "published once"
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_voice_leaves_only_its_tombstone() {
    let mut studio = studio_that_clones().await;
    // One voice waits for its owner, the other is ready.
    for (number, ready) in [(1, false), (2, true)] {
        let (id, tenant) = (voice_id(number), format!("tenant-erased-{number}"));
        let execution = train(&studio, &id, &input(&tenant, "professional", 2)).await;
        model_that(&studio, &id, "waits for its owner", |s| {
            matches!(s, VoiceState::AwaitingOwner { .. })
        })
        .await;
        if ready {
            verify(&studio, &id, &tenant).await;
            line_of(&studio, &id).await;
        }
        studio.produced_for(&tenant, 1 + usize::from(ready)).await;

        let erase =
            |tenant: &str| json!({ "step": "erase-voice", "voiceModelId": id, "tenantId": tenant });
        let invoke = studio
            .stack
            .clients
            .lambda
            .invoke()
            .payload(erase("tenant-other").to_string().into_bytes().into());
        let invoked = invoke
            .function_name(&studio.stack.outputs.completion_function_name)
            .send()
            .await
            .unwrap();
        assert!(invoked.function_error().is_some(), "another tenant's");
        for _ in 0..2 {
            assert_eq!(
                studio.completion(&erase(&tenant)).await,
                json!({ "status": "voice-erased" })
            );
        }
        assert_eq!(
            end_of(&studio, &execution).await.0,
            ExecutionStatus::Succeeded,
            "it ended by itself"
        );
        assert_eq!(studio.stack.sandbox.voices(), 0);

        let erased = model(&studio, &id).await.unwrap();
        let VoiceState::Erased { erased, .. } = &erased.state else {
            panic!("{:?}", erased.state)
        };
        // Two samples, the captcha, and for the ready voice the recording.
        assert_eq!(
            (erased.voices, erased.objects, erased.events),
            (1, 3 + usize::from(ready), 1 + usize::from(ready))
        );
        let list = studio
            .stack
            .clients
            .s3
            .list_objects_v2()
            .bucket(VOICE_BUCKET)
            .prefix(format!("{tenant}/"));
        assert!(list.send().await.unwrap().contents().is_empty());
        let list = studio
            .stack
            .clients
            .s3
            .list_objects_v2()
            .bucket(&studio.stack.outputs.assets_bucket_name);
        assert!(
            list.prefix("voices/")
                .send()
                .await
                .unwrap()
                .contents()
                .is_empty()
        );
        let table = studio.table().await;
        for part in [
            "Asha",
            "consent-7781",
            "user-asha-rao",
            "reading",
            &format!("{tenant}/"),
        ] {
            assert!(!table.contains(part), "{part} in {table}");
        }
        // Registering the same training again finds the tombstone.
        let register = json!({ "step": "register-voice", "name": id, "input": input(&tenant, "professional", 2) });
        let invoke = studio
            .stack
            .clients
            .lambda
            .invoke()
            .payload(register.to_string().into_bytes().into());
        let invoked = invoke
            .function_name(&studio.stack.outputs.completion_function_name)
            .send()
            .await
            .unwrap();
        let answer = String::from_utf8_lossy(invoked.payload().unwrap().as_ref()).into_owned();
        assert!(
            answer.contains("id reused"),
            "another consent, another content: {answer}"
        );
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_erased_during_its_creation_is_deleted_at_the_vendor() {
    let studio = studio_that_clones().await;
    let slow = Script::posts(
        Vendor::ElevenLabs,
        Occurrence::Nth(1),
        Behaviour::Slow(Duration::from_secs(5)),
    );
    studio.stack.sandbox.script(slow);
    let (id, tenant) = (voice_id(1), "tenant-meanwhile");
    train(&studio, &id, &input(tenant, "instant", 1)).await;
    until("it is asked for", async || !posts(&studio).is_empty()).await;
    let erase = json!({ "step": "erase-voice", "voiceModelId": id, "tenantId": tenant });
    assert_eq!(
        studio.completion(&erase).await,
        json!({ "status": "voice-erasing" })
    );
    let is_deleted = |call: &Call| call.method == "DELETE" && call.status == Some(200);
    until("it is made, and deleted", async || {
        studio.stack.sandbox.calls().iter().any(is_deleted)
    })
    .await;
    assert_eq!(studio.stack.sandbox.voices(), 0);
    // The function that created the voice may have died. The last look at the vendor comes when
    // that function must have ended.
    assert_eq!(
        studio.completion(&erase).await,
        json!({ "status": "voice-erasing" })
    );
    let long_ago =
        |model: &mut Value| model["attempts"][0]["at"] = json!("2026-11-27T00:00:00.000Z");
    studio.change_state(&format!("voice#{id}"), long_ago).await;
    assert_eq!(
        studio.completion(&erase).await,
        json!({ "status": "voice-erased" })
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn voices_whose_function_is_killed_around_each_request_ask_for_nothing_twice() {
    const VOICES: u32 = 16;
    let mut chance = Chance::of(0x0a5a_2026);
    let studio =
        studio_with(json!({ "elevenlabs": { "inFlight": { "all": 100, "perTenant": 100 } } }))
            .await;
    for number in 0..VOICES {
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
                    action: proxy::Action::KillCaller(moment),
                });
            }
        }
        train(&studio, &id, &input(&tenant, "professional", 1)).await;
    }
    let mut attempts = BTreeMap::new();
    for number in 0..VOICES {
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
    for number in 0..VOICES {
        let line = line_of(&studio, &voice_id(number)).await;
        assert!(line.starts_with("ready; "), "{number}: {line}");
        for attempt in model(&studio, &voice_id(number)).await.unwrap().attempts {
            let fresh = attempts.insert(
                attempt.token.to_string(),
                attempt.outcome.expect("an outcome, known or not"),
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
        killed + at_writes >= VOICES as usize,
        "the faults hit nobody"
    );
    let mut requests = BTreeSet::new();
    for call in posts(&studio) {
        let token = call.attempt.expect("a token");
        assert!(
            attempts.contains_key(&token),
            "a request that nobody wrote down: {}",
            call.path
        );
        assert!(
            requests.insert(token),
            "an attempt with two requests: {}",
            call.path
        );
    }
    // Each request took effect once at the vendor: one voice per training, with its sample.
    assert_eq!(studio.stack.sandbox.voices(), VOICES as usize);
    studio.stop().await;
}

#[test]
fn an_owner_has_seven_days() {
    let path = Checkout::find()
        .unwrap()
        .root
        .join("infra/statemachines/voice-training.asl.json");
    let machine: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(
        machine["States"]["AwaitOwner"]["TimeoutSeconds"],
        7 * 24 * 60 * 60
    );
}
