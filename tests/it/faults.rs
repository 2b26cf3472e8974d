//! Faults from outside, at each call that a batch makes: the caller is killed, or the call is
//! refused or cut. For every fault, the mappings' redelivery and the state machine's retries end in
//! the same events.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use contract::Topic;
use fault_proxy::{Action, Fault, Matches, Moment, Occurrence};
use poller::What;
use serde_json::{Value, json, value::RawValue};

use crate::{
    campaigns::{campaign, providers},
    harness::{
        Studio, by_id, created, created_comes_before_the_end, invoke, jobs_of, text_of, the_eight,
        topics, until,
    },
    messages::{RENDER, deliver, message_of, none_kept},
    operator::record,
};

const CONSUMER: &str = "studio-event-created-local";
const LAUNCHED: &str = "studio-campaign-launched-local";
const COMPLETION: &str = "studio-completion-local";

/// A fault that hits the first call of an operation.
fn first(service: &str, operation: &str, action: Action) -> Fault {
    let (service, operation) = (Some(service.to_owned()), Some(operation.to_owned()));
    let matches = Matches {
        service,
        operation,
        occurrence: Occurrence::Nth(1),
        ..Matches::default()
    };
    Fault { matches, action }
}

/// The events of every decision in the table, by id: the committed bytes.
async fn kept(studio: &Studio) -> BTreeMap<String, Vec<u8>> {
    let scan = studio
        .stack
        .clients
        .dynamodb
        .scan()
        .table_name(&studio.stack.outputs.table_name)
        .consistent_read(true)
        .filter_expression("attribute_exists(events) OR attribute_exists(packed)")
        .into_paginator()
        .items()
        .send();
    let mut kept = BTreeMap::new();
    let items: Vec<_> = scan.collect::<Result<_, _>>().await.unwrap();
    for value in items.iter().flat_map(values) {
        let event: Value = serde_json::from_str(&value).unwrap();
        kept.insert(event["id"].as_str().unwrap().to_owned(), value.into_bytes());
    }
    kept
}

/// The values of an entry's events, byte by byte.
fn values(item: &HashMap<String, AttributeValue>) -> Vec<String> {
    let Some(packed) = item.get("packed") else {
        let events = item["events"].as_l().unwrap().iter();
        let values = events.map(|event| event.as_m().unwrap()["value"].as_s().unwrap());
        return values.cloned().collect();
    };
    let packed = text_of(packed);
    let entry: BTreeMap<String, &RawValue> = serde_json::from_str(&packed).unwrap();
    let events = entry["events"].get();
    let events: Vec<BTreeMap<String, &RawValue>> = serde_json::from_str(events).unwrap();
    let values = events.iter().map(|event| event["value"].get());
    values.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_killed_between_commit_and_publish_leaves_the_same_events() {
    let mut studio = Studio::on_apache_kafka(|_| {}).await;
    let kill = Action::KillCaller(Moment::After);
    studio
        .stack
        .proxy
        .inject(first("dynamodb", "TransactWriteItems", kill));
    studio.publish(&created("tenant-killed", "killed")).await;
    let produced = studio.produced_for("tenant-killed", 8).await;
    assert_eq!(topics(&produced), the_eight());
    // The published events are, byte for byte, those that the killed process had committed.
    assert_eq!(by_id(&produced), kept(&studio).await);
    // The killed process wrote the decision, and the next one found it and wrote none.
    let calls = studio.stack.proxy.calls();
    let made = |name: &str| {
        let calls = calls.iter().filter(|call| {
            call.operation.name == name && call.function.as_deref() == Some(CONSUMER)
        });
        calls
            .map(|call| (call.process_id, call.status))
            .collect::<Vec<_>>()
    };
    let (writers, readers) = (made("TransactWriteItems"), made("BatchGetItem"));
    assert_eq!(writers[0].1, None, "the first writer never had an answer");
    let next = readers.last().unwrap().0;
    assert_ne!(writers[0].0, next, "another process took over");
    assert!(
        writers.iter().all(|(process, _)| *process != next),
        "{writers:?}"
    );
    studio.stop().await;
}

/// A call: the function that makes it, the service, the operation, a text in its body, and the
/// number of the call.
type CallOf = (&'static str, &'static str, &'static str, &'static str, u32);

/// Each call's faults: its caller is killed before or after it, its answer is cut off, or it is
/// refused.
fn faults(calls: &[CallOf]) -> Vec<Fault> {
    let refused = || Action::Fail {
        status: 500,
        error: "InternalServerError".to_owned(),
    };
    let mut faults = Vec::new();
    for &(function, service, operation, body, which) in calls {
        let hit = |occurrence, action| {
            let mut fault = first(service, operation, action);
            fault.matches.function = Some(function.to_owned());
            fault.matches.body_contains = Some(body.to_owned()).filter(|body| !body.is_empty());
            fault.matches.occurrence = occurrence;
            fault
        };
        let once = Occurrence::Nth(which);
        faults.extend([
            hit(once, Action::KillCaller(Moment::Before)),
            hit(once, Action::KillCaller(Moment::After)),
            hit(once, Action::Cut(Moment::After)),
        ]);
        if which == 1 {
            // As many failures as the SDK makes tries, so that the function sees the error.
            faults.push(hit(Occurrence::First(3), refused()));
        }
    }
    faults
}

/// Publishes an event for each fault, and lets the fault hit: all that follows comes, and in order.
async fn each_is_survived(
    studio: &mut Studio,
    faults: Vec<Fault>,
    event: impl Fn(&str) -> Value,
    all: &BTreeMap<String, usize>,
) {
    let mut published = BTreeMap::new();
    for (number, fault) in faults.into_iter().enumerate() {
        studio.stack.proxy.heal();
        studio.stack.proxy.clear();
        let hits = studio.stack.proxy.inject(fault.clone());
        let tenant = format!("tenant-{number}");
        studio.publish(&event(&tenant)).await;
        let produced = studio.produced_for(&tenant, all.values().sum()).await;
        assert_eq!(topics(&produced), *all, "{fault:?}");
        created_comes_before_the_end(&produced);
        let calls = studio.stack.proxy.calls();
        let hit = calls.iter().find(|call| call.is_hit);
        assert!(
            hits.count() > 0 && hit.is_some_and(|call| call.process_id.is_some()),
            "the fault hit no function: {fault:?}"
        );
        published.extend(by_id(&produced));
    }
    // Every published event equals its outbox entry, and every entry was published.
    assert_eq!(published, kept(studio).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_may_be_refused_or_cut_or_its_caller_killed() {
    let mut studio = Studio::on_apache_kafka(|_| {}).await;
    let faults = faults(&[
        (CONSUMER, "dynamodb", "BatchGetItem", "", 1), // the look at the table
        (CONSUMER, "dynamodb", "TransactWriteItems", "", 1), // commit
        (CONSUMER, "sqs", "SendMessageBatch", "", 1),
        (RENDER, "dynamodb", "BatchGetItem", "", 1), // the jobs and their entity
        (RENDER, "s3", "PutObject", "", 1),          // the first asset, and the second
        (RENDER, "s3", "PutObject", "", 2),
        (RENDER, "dynamodb", "TransactWriteItems", "", 1), // the ends of both
    ]);
    let event = |tenant: &str| created(tenant, tenant);
    each_is_survived(&mut studio, faults, event, &the_eight()).await;
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_for_a_vendors_job_may_be_refused_or_cut_or_its_caller_killed() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("studio-canvas", "", "polly");
    })
    .await;
    let faults = faults(&[
        (LAUNCHED, "sqs", "SendMessageBatch", "", 1),
        (RENDER, "dynamodb", "BatchGetItem", "", 1),
        (RENDER, "states", "StartExecution", "", 1),
        (COMPLETION, "dynamodb", "GetItem", "job#", 1), // not the read that connects a function
        (COMPLETION, "dynamodb", "PutItem", "", 1),     // the lease
        (COMPLETION, "dynamodb", "PutItem", "", 2),     // the attempt
        (COMPLETION, "dynamodb", "TransactWriteItems", "", 1), // the end
        (COMPLETION, "dynamodb", "UpdateItem", "", 1),  // the end's mark
    ]);
    let event = |tenant: &str| campaign(tenant, &["audio-spot"]);
    let topics = the_eight().into_keys();
    let four: BTreeMap<String, usize> = topics.map(|topic| (topic, 1)).collect();
    let jobs = faults.len();
    each_is_survived(&mut studio, faults, event, &four).await;
    // Each has one execution, however often its message was delivered.
    let machine = &studio.stack.outputs.render_state_machine_arn;
    let executions = studio.stack.clients.sfn.list_executions();
    let executions = executions.state_machine_arn(machine).max_results(1000);
    let executions = executions.send().await.unwrap();
    assert_eq!(executions.executions().len(), jobs);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uncommitted_record_is_redelivered_with_the_rest_of_its_partition() {
    let mut studio = Studio::start_with(|options| options.poll = false).await;
    studio.release_the_queue().await;
    let function = studio
        .stack
        .consumer(Topic::EventCreated)
        .unwrap()
        .to_owned();
    let topic = Topic::EventCreated.as_str();
    let record = |partition: usize, offset: usize| {
        let tenant = format!("tenant-{partition}-{offset}");
        let base64 = |text: &str| base64_simd::STANDARD.encode_to_string(text);
        json!({
            "topic": topic, "partition": partition, "offset": offset, "timestamp": 1, "timestampType": "CREATE_TIME",
            "key": base64(&tenant), "value": base64(&created(&tenant, &tenant).to_string()), "headers": [],
        })
    };
    let records = |partition| {
        (10..13)
            .map(|offset| record(partition, offset))
            .collect::<Vec<_>>()
    };
    let batch = json!({ "records": { format!("{topic}-0"): records(0), format!("{topic}-1"): records(1) } });

    // One record cancels the transaction of all six, and then its own.
    let mut fault = first(
        "dynamodb",
        "TransactWriteItems",
        Action::Fail {
            status: 400,
            error: "TransactionCanceledException".to_owned(),
        },
    );
    fault.matches.occurrence = Occurrence::Every;
    fault.matches.body_contains = Some("tenant-0-11".to_owned());
    studio.stack.proxy.inject(fault);
    let again = |offset| json!({ "itemIdentifier": { "partition": format!("{topic}-0"), "offset": offset } });
    let answer = invoke(&studio.stack, &function, &batch).await;
    assert_eq!(
        answer,
        json!({ "batchItemFailures": [again(11), again(12)] })
    );
    // The records before it and those of the other partition are done. The record after it is
    // committed, but not published before it.
    for tenant in ["tenant-0-10", "tenant-1-10", "tenant-1-11", "tenant-1-12"] {
        assert_eq!(
            topics(&studio.produced_for(tenant, 8).await),
            the_eight(),
            "{tenant}"
        );
    }
    assert!(studio.produced_for("tenant-0-12", 0).await.is_empty());

    studio.stack.proxy.heal();
    assert_eq!(
        invoke(&studio.stack, &function, &batch).await,
        json!({ "batchItemFailures": [] })
    );
    for tenant in ["tenant-0-11", "tenant-0-12"] {
        assert_eq!(
            topics(&studio.produced_for(tenant, 8).await),
            the_eight(),
            "{tenant}"
        );
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_transaction_is_not_followed_by_one_for_each_record() {
    let mut studio = Studio::start_with(|options| options.poll = false).await;
    studio.release_the_queue().await;
    let consumer = studio.stack.consumer(Topic::EventCreated);
    let function = consumer.unwrap().to_owned();
    let topic = Topic::EventCreated.as_str();
    let base64 = |text: &str| base64_simd::STANDARD.encode_to_string(text);
    let record = |offset: usize| {
        let event = created("tenant-throttled", &format!("throttled-{offset}")).to_string();
        json!({
            "topic": topic, "partition": 0, "offset": offset, "timestamp": 1, "timestampType": "CREATE_TIME",
            "key": base64("tenant-throttled"), "value": base64(&event), "headers": [],
        })
    };
    let records: Vec<_> = (0..3).map(record).collect();
    let batch = json!({ "records": { format!("{topic}-0"): records } });
    let throttled = Action::Fail {
        status: 400,
        error: "ThrottlingException".to_owned(),
    };
    let mut fault = first("dynamodb", "TransactWriteItems", throttled);
    fault.matches.occurrence = Occurrence::Every;
    let hits = studio.stack.proxy.inject(fault);
    let answer = invoke(&studio.stack, &function, &batch).await;
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 3);
    assert_eq!(
        hits.count(),
        3,
        "one transaction, which the SDK tries three times"
    );

    studio.stack.proxy.heal();
    let answer = invoke(&studio.stack, &function, &batch).await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    let produced = studio.produced_for("tenant-throttled", 24).await;
    assert_eq!(by_id(&produced).len(), 24);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redelivered_event_is_published_again_with_the_same_bytes_until_its_jobs_end() {
    let mut studio = Studio::start_with(|options| options.poll = false).await;
    let consumer = studio.stack.consumer(Topic::EventCreated);
    let function = consumer.unwrap().to_owned();
    let tenant = "tenant-again";
    let event = created(tenant, "again");
    let batch = json!({ "records": { "eventzr.event.created.v1-0": [record(0, Some(&event))] } });
    let redeliver = async |studio: &Studio| {
        let answer = invoke(&studio.stack, &function, &batch).await;
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
    };
    let sends = |studio: &Studio| {
        let calls = studio.stack.proxy.calls();
        let sends = calls
            .iter()
            .filter(|call| call.operation.name == "SendMessageBatch");
        sends.count()
    };
    for _ in 0..2 {
        redeliver(&studio).await;
    }
    let produced = studio.produced_for(tenant, 4).await;
    assert_eq!((produced.len(), by_id(&produced).len()), (8, 4));
    assert_eq!(sends(&studio), 2);
    // One job ends, and then the other. Each end is two events.
    let jobs = jobs_of(&produced, Topic::RenderJobCreated);
    for (job, distinct, all, sent) in [(&jobs[0], 6, 8 + 2 + 4, 3), (&jobs[1], 8, 8 + 2 + 4 + 2, 3)]
    {
        let message = message_of(&studio, std::slice::from_ref(job)).await;
        assert_eq!(deliver(&studio, &[message.to_string()]).await, none_kept());
        redeliver(&studio).await;
        let produced = studio.produced_for(tenant, distinct).await;
        assert_eq!(produced.len(), all, "{:?}", topics(&produced));
        assert_eq!(sends(&studio), sent);
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_broker_outage_loses_no_event() {
    let mut studio = Studio::on_apache_kafka(|_| {}).await;
    studio.publish(&created("tenant-before", "before")).await;
    assert_eq!(
        topics(&studio.produced_for("tenant-before", 8).await),
        the_eight()
    );

    // The broker goes away while the consumer commits: the outbox entry exists, but its events
    // cannot be published.
    studio.stack.proxy.clear();
    studio.stack.proxy.inject(first(
        "dynamodb",
        "TransactWriteItems",
        Action::Delay(Duration::from_secs(2)),
    ));
    studio.publish(&created("tenant-during", "during")).await;
    let proxy = &studio.stack.proxy;
    until("the consumer keeps", async || {
        proxy
            .calls()
            .iter()
            .any(|call| call.operation.name == "TransactWriteItems")
    })
    .await;
    assert!(studio.stack.broker.kill().await);
    tokio::time::sleep(Duration::from_secs(20)).await;
    studio.stack.broker.restart().await.unwrap();
    studio.publish(&created("tenant-after", "after")).await;
    assert_eq!(
        topics(&studio.produced_for("tenant-during", 8).await),
        the_eight()
    );
    assert_eq!(
        topics(&studio.produced_for("tenant-after", 8).await),
        the_eight()
    );
    let mut retried = false;
    while let Ok(report) = studio.stack.reports.try_recv() {
        retried |= matches!(report.what, What::Retrying { .. });
    }
    assert!(retried, "what could not be published was delivered again");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_rendered_fails_with_a_reason_and_its_attempts() {
    // The deployed function goes on for hours; `deployed.rs` holds how many.
    let mut studio = Studio::start_with(|options| {
        options.render_patience = Duration::from_secs(3);
    })
    .await;
    let refused = Action::Fail {
        status: 503,
        error: "SlowDown".to_owned(),
    };
    let mut fault = first("s3", "PutObject", refused);
    fault.matches.occurrence = Occurrence::Every;
    let hits = studio.stack.proxy.inject(fault);
    studio.publish(&created("tenant-failed", "failed")).await;
    let produced = studio.produced_for("tenant-failed", 6).await;
    let failed: Vec<_> = produced
        .iter()
        .filter(|record| record.topic == Topic::RenderJobFailed.as_str())
        .collect();
    assert_eq!(failed.len(), 2);
    // The function was called again at least once, and the SDK tries a call three times.
    assert!(hits.count() >= 2 * 3, "{}", hits.count());
    for record in failed {
        let data = record.event()["data"].take();
        assert_eq!(data["failure"], "unavailable");
        assert_eq!(data["attempts"], 1, "trouble of ours uses up no attempts");
        assert_eq!(data["canResubmit"], true);
        assert!(
            data["reason"]
                .as_str()
                .unwrap()
                .ends_with("Submit it again later.")
        );
    }
    studio.stop().await;
}
