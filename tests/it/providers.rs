//! The media vendors, played by the sandbox: the media that they make, what happens to a job that
//! they refuse, and what is paid for.

mod fates;
mod kept;
mod languages;
mod lost_answers;
mod media;
mod our_trouble;
mod paid_once;
mod paintings;
mod separation;
mod turns;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chaos::Chance;
use contract::Topic;
use domain::{Attempt, Outcome, ProviderId};
use fault_proxy::{Fault, Hits, Matches, Moment, Occurrence};
use local::{
    deploy::{KEY, LOGO_BUCKET},
    metrics::emitted,
    records::Produced,
};
use serde_json::{Value, json};
use vendor_sandbox::{Behaviour, Call, Refusal, Sandbox, Script, Vendor, refusal};

pub use crate::campaigns::{campaign, providers};
use crate::{
    harness::{
        Studio, cases, created, fetch, invoke_and_log, jobs_of, size_of, state_of, try_to_invoke,
        until,
    },
    messages::{deliver, none_kept, take},
    operator::studio as cli,
    sweep::let_deadlines_pass,
};

/// An event of `tenant` that asks for a poster.
fn poster(tenant: &str) -> Value {
    let mut event = created(tenant, tenant);
    event["data"]["assets"] = json!(["poster"]);
    event
}

/// The data of a topic's events.
fn data(produced: &[Produced], topic: Topic) -> Vec<Value> {
    produced
        .iter()
        .filter(|record| record.topic == topic.as_str())
        .map(|record| record.event()["data"].clone())
        .collect()
}

/// The attempts of a job in the table.
async fn attempts(studio: &Studio, job: &str) -> Vec<Attempt<ProviderId>> {
    let item = studio.item(&format!("job#{job}"), "state").await.unwrap();
    let state = state_of(&item);
    serde_json::from_value(state["attempts"].clone()).unwrap()
}

fn paid(studio: &Studio, vendor: Vendor) -> Vec<Call> {
    studio
        .stack
        .sandbox
        .calls()
        .into_iter()
        .filter(|call| call.vendor == vendor && call.is_paid())
        .collect()
}

fn calls_of(service: &str, operation: &str, occurrence: Occurrence) -> Matches {
    Matches {
        service: Some(service.to_owned()),
        operation: Some(operation.to_owned()),
        occurrence,
        ..Matches::default()
    }
}

fn fails(status: u16, error: &str) -> fault_proxy::Action {
    fault_proxy::Action::Fail {
        status,
        error: error.to_owned(),
    }
}

/// The keys of the objects in a job's folder.
async fn files_of(studio: &Studio, job: &str) -> Vec<String> {
    let list = studio
        .stack
        .clients
        .s3
        .list_objects_v2()
        .bucket(&studio.stack.outputs.assets_bucket_name)
        .prefix(studio.folder_of(job).await);
    let listed = list.send().await.unwrap();
    let keys = listed.contents().iter().filter_map(|object| object.key());
    keys.map(str::to_owned).collect()
}

/// An event of `tenant` that causes one request to `vendor`, with the tenant in the request.
fn event_for(vendor: Vendor, tenant: &str) -> Value {
    let mut event = match vendor {
        Vendor::OpenAi => poster(tenant),
        Vendor::Runway => campaign(tenant, &["video"]),
        Vendor::ElevenLabs | Vendor::Polly => campaign(tenant, &["audio-spot"]),
    };
    let title = if vendor == Vendor::OpenAi {
        "title"
    } else {
        "headline"
    };
    event["data"][title] = json!(tenant);
    event
}

/// The end of a job in one line: `completed by <provider>` or `failed: <class>`, then the outcome
/// of each attempt.
async fn end_of(studio: &mut Studio, tenant: &str) -> String {
    let produced = studio.ended(tenant).await;
    let completed = data(&produced, Topic::RenderJobCompleted)
        .into_iter()
        .next();
    let failed = data(&produced, Topic::RenderJobFailed).into_iter().next();
    let (end, job) = match (completed, failed) {
        (Some(data), None) => (
            format!("completed by {}", data["provider"].as_str().unwrap()),
            data["jobId"].clone(),
        ),
        (None, Some(data)) => {
            let again = if data["canResubmit"] == true {
                ", may be submitted again"
            } else {
                ""
            };
            (
                format!("failed: {}{again}", data["failure"].as_str().unwrap()),
                data["jobId"].clone(),
            )
        }
        other => panic!("{tenant} has not one end: {other:?}"),
    };
    let attempts = attempts(studio, job.as_str().unwrap()).await;
    // If the test fails, its output shows every attempt.
    println!("{tenant}: {attempts:?}");
    let outcomes = attempts.into_iter().map(|attempt| match attempt.outcome {
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
