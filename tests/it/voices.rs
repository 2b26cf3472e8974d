//! Cloned voices: from what starts a training to the voice that speaks, and what becomes of it when it cannot.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_sfn::types::ExecutionStatus;
use events::Topic;
use jobs::{Outcome, VoiceModel, VoiceRequest, VoiceState};
use local::{
    deploy::{Providers, VOICE_BUCKET},
    proxy::{Moment, Occurrence},
    sandbox::{Behaviour, Call, Refusal, Script, Vendor, refusal},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Studio, by_id, invoke_and_log, now, until};

static RECORDING: &[u8] = include_bytes!("../../infra/local/fixtures/two-seconds.mp3");

async fn studio_that_clones() -> Studio {
    Studio::start_with(|options| {
        options.providers = Providers { voice: "elevenlabs".to_owned(), ..Providers::default() };
        options.wait_scale = 0.01;
    })
    .await
}

/// The id of the voice model number `number`.
fn voice_id(number: u32) -> String {
    Uuid::from_u128(0x5f0f_6b1a_6f3f_4a55_9a39_0a4a_5e00_0000 + u128::from(number)).to_string()
}

/// What starts the training of a voice of `tenant`'s, of as many samples.
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

async fn upload(studio: &Studio, tenant: &str, name: &str, bytes: &'static [u8]) {
    let put = studio.stack.clients.s3.put_object().bucket(VOICE_BUCKET).key(format!("{tenant}/{name}"));
    put.body(bytes.to_vec().into()).send().await.unwrap();
}

/// Starts a training; the samples that its input names are there. Returns the execution's ARN.
async fn train(studio: &Studio, id: &str, input: &Value) -> String {
    let tenant = input["tenantId"].as_str().unwrap_or("nobody");
    for number in 1..=input["samples"].as_array().map_or(0, Vec::len) {
        upload(studio, tenant, &format!("{number}.mp3"), RECORDING).await;
    }
    let start = studio.stack.clients.sfn.start_execution().name(id).input(input.to_string());
    let started = start.state_machine_arn(&studio.stack.outputs.voice_state_machine_arn).send().await.unwrap();
    started.execution_arn
}

async fn model(studio: &Studio, id: &str) -> Option<VoiceModel> {
    let item = studio.item(&format!("voice#{id}"), "state").await?;
    Some(serde_json::from_str(item["state"].as_s().unwrap()).unwrap())
}

/// The model once its state is what is asked for.
async fn model_that(studio: &Studio, id: &str, what: &str, is: impl Fn(&VoiceState) -> bool) -> VoiceModel {
    until(&format!("{id} {what}"), async || {
        let model = model(studio, id).await;
        if let Some(VoiceModel { state: VoiceState::Failed { failure, reason }, .. }) = &model {
            assert!(is(&model.as_ref().unwrap().state), "{id} failed: {reason} {failure:?}");
        }
        model.is_some_and(|model| is(&model.state))
    })
    .await;
    model(studio, id).await.unwrap()
}

/// How an execution ended, and why.
async fn end_of(studio: &Studio, execution: &str) -> (ExecutionStatus, String) {
    let describe = || studio.stack.clients.sfn.describe_execution().execution_arn(execution).send();
    until("the execution has ended", async || *describe().await.unwrap().status() != ExecutionStatus::Running).await;
    let described = describe().await.unwrap();
    (described.status().clone(), described.cause().unwrap_or_default().to_owned())
}

/// Has the owner read aloud what they were to.
async fn verify(studio: &Studio, id: &str, tenant: &str) -> Value {
    upload(studio, tenant, "recording.mp3", RECORDING).await;
    let recording = format!("s3://{VOICE_BUCKET}/{tenant}/recording.mp3");
    let step = json!({ "step": "verify-voice", "voiceModelId": id, "tenantId": tenant, "recording": recording });
    studio.completion(&step).await
}

fn posts(studio: &Studio) -> Vec<Call> {
    studio.stack.sandbox.calls().into_iter().filter(Call::is_paid).collect()
}

/// The paths of the requests that change something, with how often each was made; ids left out.
fn asked(studio: &Studio) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in posts(studio) {
        let path: Vec<&str> = call.path.split('/').filter(|part| !part.starts_with("sandboxvoice")).collect();
        *counts.entry(path.join("/")).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_professional_voice_is_announced_given_its_samples_verified_by_its_owner_trained_and_ready() {
    let mut studio = studio_that_clones().await;
    let (id, tenant) = (voice_id(1), "tenant-asha");
    let execution = train(&studio, &id, &input(tenant, "professional", 3)).await;
    let waiting =
        model_that(&studio, &id, "waits for its owner", |s| matches!(s, VoiceState::AwaitingOwner { .. })).await;
    let VoiceState::AwaitingOwner { captcha: Some(captcha), .. } = waiting.state else { panic!("nothing to read") };
    let object = studio.stack.clients.s3.get_object().bucket(&studio.stack.outputs.assets_bucket_name).key(&captcha);
    let picture = object.send().await.unwrap().body.collect().await.unwrap().to_vec();
    assert!(captcha == format!("voices/{id}/captcha.png") && picture.starts_with(b"\x89PNG"), "{captcha}");

    // Nobody else's voice can be verified, and without a recording there is nothing to compare.
    let step = |tenant: &str| json!({ "step": "verify-voice", "voiceModelId": id, "tenantId": tenant });
    assert_eq!(studio.completion(&step(tenant)).await["status"], "not-verified");
    let function = studio.stack.outputs.completion_function_name.clone();
    let invoke = studio.stack.clients.lambda.invoke().function_name(&function);
    let answer = invoke.payload(step("tenant-other").to_string().into_bytes().into()).send().await.unwrap();
    assert!(answer.function_error().is_some(), "another tenant's");

    assert_eq!(verify(&studio, &id, tenant).await, json!({ "status": "verified" }));
    let produced = studio.produced_for(tenant, 2).await;
    let of = |topic: Topic| produced.iter().find(|r| r.topic == topic.as_str()).unwrap().event()["data"].clone();
    let (created, ready) = (of(Topic::VoiceModelCreated), of(Topic::VoiceModelReady));
    assert_eq!(by_id(&produced).len(), 2);
    for told in [&created, &ready] {
        assert_eq!((told["voiceModelId"].as_str(), told["name"].as_str()), (Some(id.as_str()), Some("Asha, warm")));
        assert_eq!((told["provider"].as_str(), told["method"].as_str()), (Some("elevenlabs"), Some("professional")));
    }
    assert!(produced[0].timestamp <= produced[1].timestamp && ready["durationMs"].as_u64().unwrap() > 0);
    assert_eq!(end_of(&studio, &execution).await.0, ExecutionStatus::Succeeded);

    let expected =
        [("/voices/pvc", 1), ("/voices/pvc/captcha", 1), ("/voices/pvc/samples", 3), ("/voices/pvc/train", 1)];
    assert_eq!(asked(&studio), expected.map(|(path, count)| (path.to_owned(), count)).into());
    let model = model(&studio, &id).await.unwrap();
    assert_eq!(model.attempts.len(), posts(&studio).len());
    assert_eq!((ready["creditsUsed"].as_u64(), model.credits()), (Some(500), 500));
    // The vendor learns the voice and nobody's name.
    assert!(posts(&studio).iter().all(|call| !String::from_utf8_lossy(&call.body).contains("Asha")));

    // The same name again is the same training.
    let again =
        studio.stack.clients.sfn.start_execution().name(&id).input(input(tenant, "professional", 3).to_string());
    let again = again.state_machine_arn(&studio.stack.outputs.voice_state_machine_arn).send().await;
    assert!(again.is_err(), "the execution exists");
    let register = json!({ "step": "register-voice", "name": id, "input": model.training });
    assert_eq!(studio.completion(&register).await["status"], "closed");
    studio.stop().await;
}
