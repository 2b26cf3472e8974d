//! The queue of what is drawn at once: whatever happens to a message, each of its jobs has one end,
//! and none of its neighbours pays for it.

mod closed;
mod long;
mod order;
mod outages;
mod poison;
mod repeated;

use contract::Topic;
use domain::EntityState;
use serde_json::{Value, json};

use crate::{
    harness::{Studio, created, jobs_of, state_of, until},
    messages::RENDER,
};

/// An event of `tenant` that asks for a poster.
fn poster(tenant: &str) -> Value {
    let mut event = created(tenant, tenant);
    event["data"]["assets"] = json!(["poster"]);
    event
}

/// Publishes an event of `tenant` while the queue is held, and returns the jobs that wait in it.
/// The tenant has produced `count` events then.
async fn queued(studio: &mut Studio, event: &Value, count: usize) -> Vec<String> {
    studio.hold_the_queue().await;
    studio.publish(event).await;
    let tenant = event["data"]["tenantId"].as_str().unwrap();
    let produced = studio.produced_for(tenant, count).await;
    let studio = &*studio;
    until("its message is in the queue", async || {
        !studio.queue_is_empty().await
    })
    .await;
    jobs_of(&produced, Topic::RenderJobCreated)
}

/// How often the function that draws has called `operation`.
fn calls(studio: &Studio, operation: &str) -> usize {
    let calls = studio.stack.proxy.calls();
    let calls = calls.iter().filter(|call| {
        call.operation.name == operation && call.function.as_deref() == Some(RENDER)
    });
    calls.count()
}

/// The entity of a job as it stands in the table, by the message of the job.
async fn entity(studio: &Studio, message: &Value) -> EntityState {
    let key = format!("entity#{}", message["entity"].as_str().unwrap());
    let item = studio.item(&key, "state").await.unwrap();
    serde_json::from_value(state_of(&item)).unwrap()
}
