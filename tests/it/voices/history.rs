//! What Step Functions keeps for 90 days of an execution: its history. It has ids alone.

use aws_sdk_sfn::types::HistoryEvent;
use local::deploy::LOGO_BUCKET;

use super::*;
use crate::{
    campaigns::providers,
    harness::{created, jobs_of},
};

/// Each text that a history event may carry of an execution's data.
fn texts(event: &HistoryEvent) -> Vec<&str> {
    let mut texts = vec![
        event
            .execution_started_event_details()
            .and_then(|started| started.input()),
        event
            .state_entered_event_details()
            .and_then(|entered| entered.input()),
        event
            .state_exited_event_details()
            .and_then(|exited| exited.output()),
        event
            .task_scheduled_event_details()
            .map(|scheduled| scheduled.parameters()),
        event
            .task_submitted_event_details()
            .and_then(|submitted| submitted.output()),
        event
            .task_succeeded_event_details()
            .and_then(|succeeded| succeeded.output()),
        event
            .execution_succeeded_event_details()
            .and_then(|succeeded| succeeded.output()),
    ];
    let failed = event.task_failed_event_details();
    texts.extend(failed.map(|failed| failed.cause()));
    let failed = event.execution_failed_event_details();
    texts.extend(failed.map(|failed| failed.cause()));
    texts.into_iter().flatten().collect()
}

/// The whole history of an execution that has ended.
async fn history(studio: &Studio, execution: &str) -> String {
    end_of(studio, execution).await;
    let history = studio.stack.clients.sfn.get_execution_history();
    let history = history
        .execution_arn(execution)
        .include_execution_data(true)
        .into_paginator()
        .items();
    let events: Result<Vec<HistoryEvent>, _> = history.send().collect().await;
    let events = events.unwrap();
    assert!(events.len() > 3, "{events:?}");
    let texts: Vec<&str> = events.iter().flat_map(texts).collect();
    texts.join("\n")
}

/// Fails if a history has a text of `content`, apart from those in `ids`.
fn has_ids_alone(history: &str, content: &Value, ids: &[&str]) {
    let mut content = strings(content);
    content.retain(|text| !ids.contains(text));
    assert!(content.len() > 5, "{content:?}");
    for text in content {
        assert!(!history.contains(text), "{text} in {history}");
    }
    for word in ["Asha", "asha", "consent", "s3://"] {
        assert!(!history.contains(word), "{word} in {history}");
    }
}

/// Each text in a JSON value.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(members) => members.values().flat_map(strings).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_a_training_has_ids_alone() {
    let studio = studio_that_clones().await;
    // One is ready, one has a sample of another tenant's, one fails at its vendor.
    let (id, tenant) = (voice_id(1), "tenant-ready");
    let training = input(tenant, "professional", 2);
    let ready = train(&studio, &id, &training).await;
    model_that(&studio, &id, "waits for its owner", |s| {
        matches!(s, VoiceState::AwaitingOwner { .. })
    })
    .await;
    verify(&studio, &id, tenant).await;
    let kept = history(&studio, &ready).await;
    assert!(kept.contains(tenant) && kept.contains("unverified"));
    has_ids_alone(&kept, &training, &[tenant, "professional"]);

    let (id, tenant) = (voice_id(2), "tenant-unfit");
    let mut unfit = input(tenant, "professional", 1);
    unfit["samples"] = json!([format!("s3://{VOICE_BUCKET}/tenant-ready/asha-1.mp3")]);
    let refused = train(&studio, &id, &unfit).await;
    let kept = history(&studio, &refused).await;
    assert!(reason_of(&studio, &id).await.contains("asha-1.mp3"));
    has_ids_alone(&kept, &unfit, &[tenant, "professional"]);

    let (id, tenant) = (voice_id(3), "tenant-refused");
    let training = input(tenant, "instant", 1);
    let behaviour = Behaviour::Answer {
        status: 400,
        headers: Vec::new(),
        body: json!({ "detail": { "status": "invalid_sample", "message": "Asha Rao is hoarse" } }),
    };
    let script = Script::posts(Vendor::ElevenLabs, Occurrence::Every, behaviour);
    studio.stack.sandbox.script(script);
    let failed = train(&studio, &id, &training).await;
    let kept = history(&studio, &failed).await;
    assert!(line_of(&studio, &id).await.starts_with("failed: "));
    assert!(!kept.contains("hoarse"), "{kept}");
    has_ids_alone(&kept, &training, &[tenant, "instant"]);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_a_render_has_ids_alone() {
    let mut studio =
        Studio::start_with(|options| options.providers = providers("openai", "", "")).await;
    for (tenant, logo) in [
        ("tenant-drawn", None),
        ("tenant-logo", Some("tenant-logo/asha.png")),
        ("tenant-not-its-own", Some("tenant-logo/asha.png")),
    ] {
        let mut event = created(tenant, tenant);
        event["data"]["assets"] = json!(["poster"]);
        event["data"]["organizer"] = json!("Asha Rao");
        if let Some(key) = logo {
            let address = format!("s3://{LOGO_BUCKET}/{key}");
            event["data"]["brand"] = json!({ "primaryColor": "#1b3a57", "logo": address });
        }
        studio.publish(&event).await;
        let produced = studio.produced_for(tenant, 3).await;
        let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
        let machine = &studio.stack.outputs.render_state_machine_arn;
        let execution = machine.replacen(":stateMachine:", ":execution:", 1);
        let kept = history(&studio, &format!("{execution}:{job}")).await;
        assert!(kept.contains(&job), "{kept}");
        has_ids_alone(&kept, &event["data"], &[tenant, "poster"]);
    }
    studio.stop().await;
}
