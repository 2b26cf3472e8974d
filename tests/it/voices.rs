//! Cloned voices: from the start of a training to a ready voice, and what happens if the training
//! cannot succeed.

mod erased;
mod fates;
mod forbidden;
mod history;
mod killed;
mod owner;
mod ready;
mod refused;
mod spoken;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use aws_sdk_sfn::types::ExecutionStatus;
use chaos::Chance;
use contract::Topic;
use domain::{Outcome, VoiceModel, VoiceState, Work};
use fault_proxy::{Fault, Matches, Moment, Occurrence};
use local::{
    checkout::Checkout,
    deploy::{Providers, VOICE_BUCKET},
    metrics::emitted,
};
use serde_json::{Value, json};
use uuid::Uuid;
use vendor_sandbox::{Behaviour, Call, Refusal, Script, Vendor, refusal};

use crate::{
    harness::{PATIENCE, Studio, by_id, cases, now, state_of, try_to_invoke, until},
    operator::{CliOutput, studio as cli},
    sweep::let_deadlines_pass,
};

static RECORDING: &[u8] = vendor_sandbox::SPEECH;

/// The scale of the voices' waits, which last minutes to hours on AWS.
const WAIT_SCALE: f64 = 0.02;

pub async fn studio_that_clones() -> Studio {
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
pub fn voice_id(number: u32) -> String {
    Uuid::from_u128(0x5f0f_6b1a_6f3f_4a55_9a39_0a4a_5e00_0000 + u128::from(number)).to_string()
}

/// The training of a voice of `tenant` with `samples` samples.
pub fn input(tenant: &str, method: &str, samples: usize) -> Value {
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
pub async fn upload(studio: &Studio, tenant: &str, name: &str, bytes: &[u8]) {
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

/// Uploads the samples of the training and the training itself, and starts it. Returns the
/// execution's ARN.
pub async fn train(studio: &Studio, id: &str, training: &Value) -> String {
    let tenant = training["tenantId"].as_str().unwrap();
    for number in 1..=training["samples"].as_array().map_or(0, Vec::len) {
        upload(studio, tenant, &format!("{number}.mp3"), RECORDING).await;
    }
    upload_training(studio, tenant, id, training).await;
    start(studio, id, &json!({ "tenantId": tenant })).await
}

/// Uploads a training to where the studio reads it.
pub async fn upload_training(studio: &Studio, tenant: &str, id: &str, training: &Value) {
    let put = studio.stack.clients.s3.put_object().bucket(VOICE_BUCKET);
    put.key(format!("{tenant}/voice-trainings/{id}.json"))
        .body(training.to_string().into_bytes().into())
        .send()
        .await
        .unwrap();
}

/// Starts an execution of the training of voices; returns its ARN.
pub async fn start(studio: &Studio, name: &str, input: &Value) -> String {
    let start = studio.stack.clients.sfn.start_execution().name(name);
    let started = start
        .input(input.to_string())
        .state_machine_arn(&studio.stack.outputs.voice_state_machine_arn)
        .send()
        .await
        .unwrap();
    started.execution_arn
}

/// The cause of an execution whose voice failed as `class`. The model has the reason.
fn cause_of(class: &str) -> String {
    format!("The voice failed as {class}. `studio voices show` says why.")
}

/// The reason why a voice failed, for a person.
async fn reason_of(studio: &Studio, id: &str) -> String {
    match model(studio, id).await.unwrap().state {
        VoiceState::Failed { reason, .. } => reason,
        other => panic!("{id} is {other:?}"),
    }
}

pub async fn model(studio: &Studio, id: &str) -> Option<VoiceModel> {
    let item = studio.item(&format!("voice#{id}"), "state").await?;
    Some(serde_json::from_value(state_of(&item)).unwrap())
}

/// Waits until the model's state satisfies `is`, and returns the model.
pub async fn model_that(
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

/// What `studio --json voices …` did to the voice.
fn fate(said: &CliOutput) -> String {
    let fate = &said.json()[0]["fate"]["is"];
    fate.as_str().unwrap().to_owned()
}
