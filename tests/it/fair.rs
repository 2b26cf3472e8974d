//! Fairness: a tenant with a few pictures does not wait for another's thousands. The emulator's
//! queue is fair by our reading of AWS's page (infra/local/stack/emulator).

use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use contract::Topic;
use local::records::Produced;
use serde_json::json;

use crate::harness::{Studio, created, is_nightly};

/// How many pictures the large tenant and the small one ask for.
const LARGE: usize = 5_000;
const SMALL: usize = 3;

/// How long two busy cores may take for each step with all of them.
const WITHIN: Duration = Duration::from_secs(30 * 60);

#[tokio::test(flavor = "multi_thread")]
async fn with_message_groups_a_small_tenant_does_not_wait_for_a_large_ones_backlog() {
    if !is_nightly() {
        println!("not tried, because only `make nightly` has time for ten thousand pictures");
        return;
    }
    let mut studio = Studio::start_with(|options| options.render_concurrency = 2).await;
    let with_groups = share_drawn_before_the_small_tenant(&mut studio, true).await;
    let without = share_drawn_before_the_small_tenant(&mut studio, false).await;
    println!("with groups {with_groups}, without {without}");
    // Two batches of ten are in flight before the large tenant is known as noisy.
    assert!(with_groups < 0.05, "{with_groups}");
    assert!(without > 0.9, "{without}");
    studio.stop().await;
}

/// Which share of the large tenant's pictures is drawn before the last one of the small tenant,
/// whose messages stand behind all of the other's. Its pictures wait that share of the time that
/// all take.
async fn share_drawn_before_the_small_tenant(studio: &mut Studio, has_groups: bool) -> f64 {
    let which = if has_groups { "fair" } else { "unfair" };
    let tenants = [("large", LARGE), ("small", SMALL)]
        .map(|(size, pictures)| (format!("tenant-{size}-{which}"), pictures));
    studio.hold_the_queue().await;
    let mut bodies = Vec::new();
    for (tenant, pictures) in &tenants {
        ask_for(studio, tenant, *pictures).await;
        if !has_groups {
            bodies.extend(studio.receive_messages().await);
        }
    }
    send_without_groups(studio, &bodies).await;
    assert_eq!(studio.queue_depth().await, (LARGE + SMALL) as u64);

    studio.release_the_queue().await;
    let all_drawn = |seen: &[Produced]| {
        tenants.iter().all(|(tenant, pictures)| {
            times_of(seen, Topic::RenderJobCompleted, tenant).len() == *pictures
        })
    };
    let seen = studio
        .produced_until("all pictures are drawn", WITHIN, all_drawn)
        .await;
    let [large, small] =
        tenants.map(|(tenant, _)| times_of(seen, Topic::RenderJobCompleted, &tenant));
    let last = small.into_iter().max().unwrap();
    let before = large.iter().filter(|at| **at < last).count();
    before as f64 / large.len() as f64
}

/// Publishes events that each ask for one picture, and waits until all jobs are open and their
/// messages sent.
async fn ask_for(studio: &mut Studio, tenant: &str, pictures: usize) {
    for number in 0..pictures {
        let mut event = created(tenant, &format!("{tenant}-{number}"));
        event["data"]["assets"] = json!(["poster"]);
        studio.publish(&event).await;
    }
    let all_open =
        |seen: &[Produced]| times_of(seen, Topic::RenderJobCreated, tenant).len() == pictures;
    studio
        .produced_until("all jobs are open", WITHIN, all_open)
        .await;
}

/// The times of a tenant's records of a topic, in milliseconds.
fn times_of(records: &[Produced], topic: Topic, tenant: &str) -> Vec<i64> {
    let is_one = |record: &&Produced| {
        record.topic == topic.as_str() && record.key.as_deref() == Some(tenant.as_bytes())
    };
    let its = records.iter().filter(is_one);
    its.map(|record| record.timestamp.unwrap()).collect()
}

async fn send_without_groups(studio: &Studio, bodies: &[String]) {
    for ten in bodies.chunks(10) {
        let send = studio.stack.clients.sqs.send_message_batch();
        let mut send = send.queue_url(&studio.stack.outputs.render_queue_url);
        for (number, body) in ten.iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder();
            let entry = entry.id(number.to_string()).message_body(body);
            send = send.entries(entry.build().unwrap());
        }
        let sent = send.send().await.unwrap();
        assert!(sent.failed().is_empty(), "{:?}", sent.failed());
    }
}
