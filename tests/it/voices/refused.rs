//! A training that cannot begin.

use super::*;

/// A case: its name, its change of a training, and the expected reason.
type Unfit = (&'static str, fn(&mut Value), &'static str);

/// The reason if no provider clones voices, or the one that does has no key.
const NOT_SET_UP: &str = "No provider is set up to clone voices here.";

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_training_fails_at_once_with_a_reason() {
    let mut studio =
        studio_with(json!({ "elevenlabs": { "voices": { "professionalSeconds": 5 } } })).await;
    let unfit: [Unfit; 12] = [
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
            |input| input["samples"] = json!(["s3://another-bucket/1.mp3"]),
            "may not read s3://another-bucket/1.mp3: a tenant's own files lie under `{tenantId}/`",
        ),
        (
            "another",
            |input| input["samples"] = json!([format!("s3://{VOICE_BUCKET}/long/1.mp3")]),
            "/long/1.mp3: a tenant's own files lie under `{tenantId}/`",
        ),
        (
            "another-none",
            |input| input["samples"] = json!([format!("s3://{VOICE_BUCKET}/long/none.mp3")]),
            "/long/none.mp3: a tenant's own files lie under `{tenantId}/`",
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
        (
            "of-another",
            |input| input["tenantId"] = json!("tenant-other"),
            "names another tenant",
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
        let id = voice_id(number);
        upload_training(&studio, tenant, &id, &input).await;
        let execution = start(&studio, &id, &json!({ "tenantId": tenant })).await;
        executions.push((id, execution));
    }
    let mut wrong = Vec::new();
    for ((id, execution), (tenant, _, expected)) in executions.iter().zip(&unfit) {
        let (status, cause) = end_of(&studio, execution).await;
        let model = model(&studio, id).await.unwrap();
        let VoiceState::Failed { reason, .. } = &model.state else {
            panic!("{tenant} is not failed")
        };
        let is_named = cause == cause_of("invalid-input");
        if status != ExecutionStatus::Failed || !reason.contains(expected) || !is_named {
            wrong.push(format!("{tenant}: {reason} {cause}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    // Without a tenant or a valid id there is no model to record the failure, so only the execution
    // reports it. An input with more than ids is refused: Step Functions keeps it.
    let named = json!({ "tenantId": "named" });
    for (name, given, expected) in [
        (voice_id(30), json!({}), "is `tenantId` alone"),
        (
            voice_id(34),
            json!({ "tenantId": 1 }),
            "is `tenantId` alone",
        ),
        (
            voice_id(32),
            input("named", "instant", 1),
            "is `tenantId` alone",
        ),
        ("my-voice".to_owned(), named.clone(), "a UUID in lower case"),
    ] {
        let execution = start(&studio, &name, &given).await;
        let (status, cause) = end_of(&studio, &execution).await;
        assert!(
            status == ExecutionStatus::Failed && cause.contains(expected),
            "{cause}"
        );
        assert!(model(&studio, &name).await.is_none());
    }
    // The training was never uploaded.
    let execution = start(&studio, &voice_id(33), &named).await;
    let (status, cause) = end_of(&studio, &execution).await;
    assert_eq!(
        (status, cause),
        (ExecutionStatus::Failed, cause_of("invalid-input"))
    );
    assert!(
        reason_of(&studio, &voice_id(33))
            .await
            .starts_with("There is no training at s3://")
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
        (status, cause),
        (ExecutionStatus::Failed, cause_of("not-configured"))
    );
    assert_eq!(reason_of(&studio, &voice_id(31)).await, NOT_SET_UP);

    assert!(
        posts(&studio).is_empty(),
        "no vendor was asked for anything"
    );
    let heard = studio
        .produced_until("all is read", PATIENCE, |_| true)
        .await;
    assert!(
        heard.is_empty(),
        "no event tells of a refused training: {heard:#?}"
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_taken_only_under_a_name_of_its_voice() {
    let studio = studio_that_clones().await;
    let (id, other) = (voice_id(1), voice_id(2));
    for (id, tenant) in [(&id, "tenant-own"), (&other, "tenant-other")] {
        train(&studio, id, &input(tenant, "professional", 1)).await;
        model_that(&studio, id, "waits for its owner", |s| {
            matches!(s, VoiceState::AwaitingOwner { .. })
        })
        .await;
    }
    let versions = async || {
        let mut versions = Vec::new();
        for id in [&id, &other] {
            versions.push(model(&studio, id).await.unwrap().version);
        }
        versions
    };
    let before = versions().await;
    let start = async |name: &str, input: Value| {
        let execution = start(&studio, name, &input).await;
        let (status, cause) = end_of(&studio, &execution).await;
        assert_eq!(status, ExecutionStatus::Failed, "{name}");
        cause
    };
    for name in [
        "my-voice".to_owned(),
        voice_id(3),
        format!("{other}-1"),
        format!("{id}-x"),
        format!("{id}-01"),
        // Before it was refused, its task token replaced the voice's own: nothing had restarted it.
        format!("{id}-1"),
    ] {
        let cause = start(&name, json!({ "voiceModelId": id })).await;
        assert!(cause.contains("is none of the voice model"), "{cause}");
    }
    // With a tenant it is no restart, and its name is the id. The voice in the input once failed
    // with such an execution, and was deleted at its vendor.
    for name in [voice_id(4), format!("{id}-2")] {
        start(&name, json!({ "voiceModelId": id, "tenantId": 1 })).await;
    }
    assert_eq!(versions().await, before, "no voice changed");
    assert_eq!(studio.stack.sandbox.voices(), 2, "both are at the vendor");
    let completion = &studio.stack.outputs.completion_function_name;
    for (mut step, refused) in [
        (json!({ "step": "advance-voice" }), true),
        (
            json!({ "step": "await-owner", "taskToken": "of-tenant-a" }),
            true,
        ),
        // Its execution is told to fail, as if there were no such voice.
        (
            json!({ "step": "fail-voice", "error": "States.Timeout" }),
            false,
        ),
    ] {
        step["voiceModelId"] = json!(id);
        step["name"] = json!(format!("{id}-1"));
        let (answer, _) = try_to_invoke(&studio.stack, completion, &step).await;
        assert_eq!(answer.is_err(), refused, "{step}: {answer:?}");
    }
    assert_eq!(versions().await, before, "no voice changed");
    assert!(model(&studio, &voice_id(3)).await.is_none());
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_that_clones_voices_a_training_fails_at_once() {
    let studio = Studio::start().await;
    let execution = train(&studio, &voice_id(1), &input("tenant-1", "professional", 1)).await;
    let (status, cause) = end_of(&studio, &execution).await;
    assert_eq!(
        (status, cause),
        (ExecutionStatus::Failed, cause_of("not-configured"))
    );
    assert_eq!(reason_of(&studio, &voice_id(1)).await, NOT_SET_UP);
    studio.stop().await;
}
