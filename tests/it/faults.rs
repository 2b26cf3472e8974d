//! Trouble from outside: the caller killed, the call refused or cut, at each call that a batch makes. Whatever happens, the
//! mapping's redelivery and the state machine's retries end in the same eight events.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use events::Topic;
use local::proxy::{Action, Fault, Matches, Moment, Occurrence};

use crate::harness::{Studio, by_id, created, the_eight, topics};

/// Hits the first call of an operation.
fn first(service: &str, operation: &str, action: Action) -> Fault {
    let (service, operation) = (Some(service.to_owned()), Some(operation.to_owned()));
    let matches = Matches { service, operation, body_contains: None, occurrence: Occurrence::Nth(1) };
    Fault { matches, action }
}

/// The events of every decision in the table, by id: the bytes that were kept.
async fn kept(studio: &Studio) -> BTreeMap<String, Vec<u8>> {
    let scan = studio
        .stack
        .clients
        .dynamodb
        .scan()
        .table_name(&studio.stack.outputs.table_name)
        .consistent_read(true)
        .filter_expression("attribute_exists(events)")
        .into_paginator()
        .items()
        .send();
    let mut kept = BTreeMap::new();
    let items: Vec<_> = scan.collect::<Result<_, _>>().await.unwrap();
    for event in items.iter().flat_map(|item| item["events"].as_l().unwrap()).map(|event| event.as_m().unwrap()) {
        let AttributeValue::S(value) = &event["value"] else { panic!("a kept value is text") };
        let event: serde_json::Value = serde_json::from_str(value).unwrap();
        kept.insert(event["id"].as_str().unwrap().to_owned(), value.clone().into_bytes());
    }
    kept
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_killed_between_its_write_and_its_publish_leaves_the_same_eight_events() {
    let mut studio = Studio::start().await;
    let kill = Action::KillCaller(Moment::After);
    studio.stack.proxy.inject(first("dynamodb", "TransactWriteItems", kill));
    studio.publish(&created("tenant-killed", "killed")).await;
    let produced = studio.produced_for("tenant-killed", 8).await;
    assert_eq!(topics(&produced), the_eight());
    // What came out are, byte for byte, the events that the killed process had kept.
    assert_eq!(by_id(&produced), kept(&studio).await);
    // It was killed: the decision was written once, and found by the next delivery.
    let calls = studio.stack.proxy.calls();
    let writers: Vec<_> = calls
        .iter()
        .filter(|call| call.operation.name == "TransactWriteItems" && call.operation.service == "dynamodb")
        .map(|call| (call.process_id, call.status))
        .collect();
    assert_eq!(writers[0].1, None, "the first writer never had an answer");
    assert_eq!(writers[1].1, Some(400), "the second found the decision there");
    assert_ne!(writers[0].0, writers[1].0, "another process took over");
    studio.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_may_be_refused_cut_or_the_last_of_its_caller() {
    let mut studio = Studio::start().await;
    let calls = [
        ("dynamodb", "TransactWriteItems"), // keep, in the consumer
        ("dynamodb", "UpdateItem"),         // mark told
        ("states", "StartExecution"),
        ("dynamodb", "GetItem"), // the job, in the completion function
        ("dynamodb", "PutItem"), // the job, submitted
        ("s3", "PutObject"),     // the asset
    ];
    let actions = [
        Action::Fail { status: 500, error: "InternalServerError".to_owned() },
        Action::Cut(Moment::After),
        Action::KillCaller(Moment::Before),
        Action::KillCaller(Moment::After),
    ];
    for (number, (service, operation)) in calls.into_iter().enumerate() {
        for (kind, action) in actions.iter().enumerate() {
            studio.stack.proxy.heal();
            studio.stack.proxy.inject(first(service, operation, action.clone()));
            let tenant = format!("tenant-{number}-{kind}");
            studio.publish(&created(&tenant, &tenant)).await;
            let produced = studio.produced_for(&tenant, 8).await;
            assert_eq!(topics(&produced), the_eight(), "{service} {operation} {action:?}");
        }
    }
    // Nothing that was ever told differs from what was kept, and nothing that was kept went untold.
    let mut told = BTreeMap::new();
    for (number, kind) in (0..calls.len()).flat_map(|number| (0..actions.len()).map(move |kind| (number, kind))) {
        told.extend(by_id(&studio.produced_for(&format!("tenant-{number}-{kind}"), 8).await));
    }
    assert_eq!(told, kept(&studio).await);
    studio.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_delays_and_loses_nothing() {
    let mut studio = Studio::start().await;
    studio.publish(&created("tenant-before", "before")).await;
    assert_eq!(topics(&studio.produced_for("tenant-before", 8).await), the_eight());
    // Kept, and then nobody to tell: the second write of the table's is when the broker goes.
    studio.publish(&created("tenant-during", "during")).await;
    assert!(studio.stack.broker.kill());
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    studio.stack.broker.restart().await.unwrap();
    studio.publish(&created("tenant-after", "after")).await;
    assert_eq!(topics(&studio.produced_for("tenant-during", 8).await), the_eight());
    assert_eq!(topics(&studio.produced_for("tenant-after", 8).await), the_eight());
    studio.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_rendered_for_long_fails_with_a_reason_and_its_attempts() {
    let mut studio = Studio::start_with(|options| options.wait_scale = 0.0).await;
    let refused = Action::Fail { status: 503, error: "SlowDown".to_owned() };
    let mut fault = first("s3", "PutObject", refused);
    fault.matches.occurrence = Occurrence::Every;
    studio.stack.proxy.inject(fault);
    studio.publish(&created("tenant-failed", "failed")).await;
    let produced = studio.produced_for("tenant-failed", 6).await;
    let failed: Vec<_> = produced.iter().filter(|record| record.topic == Topic::RenderJobFailed.as_str()).collect();
    assert_eq!(failed.len(), 2);
    for record in failed {
        let data = record.event()["data"].take();
        assert_eq!(data["failure"], "unavailable");
        assert_eq!(data["attempts"], 6, "once, and five times again");
        assert_eq!(data["canResubmit"], true);
        assert!(data["reason"].as_str().unwrap().ends_with("Submit it again later."));
    }
    studio.stack.stop().await;
}
