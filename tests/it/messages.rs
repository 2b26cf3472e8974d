//! Messages of the render queue, written and delivered by hand: from outside, so that the tests hold
//! what stands in them, and not the code that writes it.

use std::time::Instant;

use aws_sdk_sqs::types::MessageSystemAttributeName;
use domain::{EntityKey, Job, TenantKey};
use fault_proxy::Call;
use serde_json::{Value, json};

use crate::harness::{Studio, state_of, try_to_invoke, until};

pub const RENDER: &str = "studio-render-local";

/// A job as it stands in the table.
pub async fn job(studio: &Studio, id: &str) -> Job {
    let item = studio.item(&format!("job#{id}"), "state").await.unwrap();
    serde_json::from_value(state_of(&item)).unwrap()
}

/// The message about these jobs of one entity, as a consumer sends it.
pub async fn message_of(studio: &Studio, jobs: &[String]) -> Value {
    let job = job(studio, &jobs[0]).await;
    let entity = EntityKey::new(&job.tenant, &job.entity).to_string();
    json!({ "v": 1, "entity": entity, "jobs": jobs, "tries": 0 })
}

/// The group of a job's messages: its tenant's.
pub async fn group_of(studio: &Studio, id: &str) -> String {
    TenantKey::new(&job(studio, id).await.tenant).to_string()
}

/// The group of a message, by the first of its jobs that there is.
async fn group_by(studio: &Studio, body: &str) -> String {
    let message: Value = serde_json::from_str(body).unwrap_or_default();
    for id in message["jobs"].as_array().into_iter().flatten() {
        let id = id.as_str().unwrap();
        if studio.item(&format!("job#{id}"), "state").await.is_some() {
            return group_of(studio, id).await;
        }
    }
    "2c1c5e2e-6f0d-5d0c-9a0b-4f7f3f1e0a11".to_owned()
}

/// The id of a message by its place in the batch.
pub fn message_id(place: usize) -> String {
    format!("059f36b4-87a3-44ab-83d2-6619{place:08}")
}

/// The record of a message that was not received before.
fn record(place: usize, body: &str, group: &str) -> Value {
    let now = jiff::Timestamp::now().as_millisecond().to_string();
    json!({
        "messageId": message_id(place), "receiptHandle": format!("handle-{place}"), "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1", "SentTimestamp": now, "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": now, "MessageGroupId": group,
        },
        "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs", "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:studio-render-local",
    })
}

/// Delivers these bodies in one batch, and returns what the function answers: the messages that it
/// keeps, or how it died.
pub async fn deliver(studio: &Studio, bodies: &[String]) -> Result<Value, Value> {
    let mut records = Vec::new();
    for (place, body) in bodies.iter().enumerate() {
        let group = group_by(studio, body).await;
        records.push(record(place, body, &group));
    }
    let event = json!({ "Records": records });
    let (answer, log) = try_to_invoke(&studio.stack, RENDER, &event).await;
    println!("{log}");
    answer
}

/// The answer to a batch of which no message comes again.
pub fn none_kept() -> Result<Value, Value> {
    Ok(json!({ "batchItemFailures": [] }))
}

/// A message that the test took out of the queue.
#[derive(Debug)]
pub struct Taken {
    pub body: String,
    /// How often it was received, including this time.
    pub receives: u32,
}

impl Taken {
    /// What it says.
    pub fn says(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Takes so many messages out of the queue, in no particular order: they are lost, unless the test
/// delivers them.
pub async fn take(studio: &Studio, count: usize) -> Vec<Taken> {
    let (sqs, url) = (
        &studio.stack.clients.sqs,
        &studio.stack.outputs.render_queue_url,
    );
    let mut taken = Vec::new();
    until(&format!("{count} messages are received"), async || {
        let receive = sqs
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let received = receive.send().await.unwrap();
        for message in received.messages() {
            let receives = &message.attributes().unwrap()
                [&MessageSystemAttributeName::ApproximateReceiveCount];
            taken.push(Taken {
                body: message.body().unwrap().to_owned(),
                receives: receives.parse().unwrap(),
            });
            let delete = sqs.delete_message().queue_url(url);
            let delete = delete.receipt_handle(message.receipt_handle().unwrap());
            delete.send().await.unwrap();
        }
        taken.len() >= count
    })
    .await;
    assert_eq!(taken.len(), count, "{taken:?}");
    taken
}

/// A message that a function sent.
#[derive(Debug)]
pub struct Sending {
    pub at: Instant,
    pub function: String,
    pub group: String,
    /// Seconds.
    pub delay: u64,
    pub message: Value,
}

/// The messages that functions sent, in their order, once [`keep_sendings`] was called.
pub fn sendings(studio: &Studio) -> Vec<Sending> {
    studio
        .stack
        .proxy
        .calls()
        .iter()
        .filter(|call| call.operation.name == "SendMessageBatch")
        .flat_map(sent_by)
        .collect()
}

/// Has the bodies of the messages be kept.
pub fn keep_sendings(studio: &Studio) {
    studio.stack.proxy.keep_bodies("sqs", "SendMessageBatch");
}

fn sent_by(call: &Call) -> Vec<Sending> {
    // The rest of the call may still be on its way.
    let Some(body) = call.body.as_deref() else {
        return Vec::new();
    };
    let body: Value = serde_json::from_str(body).unwrap();
    let sent = body["Entries"].as_array().unwrap().iter().map(|entry| {
        let text = |name: &str| entry[name].as_str().unwrap();
        Sending {
            at: call.started,
            function: call.function.as_deref().unwrap_or_default().to_owned(),
            group: text("MessageGroupId").to_owned(),
            delay: entry["DelaySeconds"].as_u64().unwrap_or_default(),
            message: serde_json::from_str(text("MessageBody")).unwrap(),
        }
    });
    sent.collect()
}
