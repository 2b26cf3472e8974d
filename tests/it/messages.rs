//! Messages of the render queue, written and delivered by hand: from outside, so that the tests hold
//! what stands in them, and not the code that writes it.

use domain::{EntityKey, Job, TenantKey};
use serde_json::{Value, json};

use crate::harness::{Studio, try_to_invoke};

pub const RENDER: &str = "studio-render-local";

/// A job as it stands in the table.
pub async fn job(studio: &Studio, id: &str) -> Job {
    let item = studio.item(&format!("job#{id}"), "state").await.unwrap();
    serde_json::from_str(item["state"].as_s().unwrap()).unwrap()
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

/// The event of an invocation with these bodies, none of which was received before.
pub fn event(bodies: &[String]) -> Value {
    let now = jiff::Timestamp::now().as_millisecond().to_string();
    let record = |(number, body): (usize, &String)| {
        json!({
            "messageId": format!("059f36b4-87a3-44ab-83d2-6619{number:08}"),
            "receiptHandle": format!("handle-{number}"),
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "1", "SentTimestamp": now, "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": now, "MessageGroupId": "by-hand",
            },
            "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs", "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:studio-render-local",
        })
    };
    let records: Vec<Value> = bodies.iter().enumerate().map(record).collect();
    json!({ "Records": records })
}

/// Delivers these bodies in one batch, and returns what the function answers: the messages that it
/// keeps, or how it died.
pub async fn deliver(studio: &Studio, bodies: &[String]) -> Result<Value, Value> {
    let (answer, log) = try_to_invoke(&studio.stack, RENDER, &event(bodies)).await;
    println!("{log}");
    answer
}

/// The answer to a batch of which no message comes again.
pub fn none_kept() -> Result<Value, Value> {
    Ok(json!({ "batchItemFailures": [] }))
}
