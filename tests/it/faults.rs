//! Faults from outside, at each call that a batch makes: the caller is killed, or the call is
//! refused or cut. For every fault, the mapping's redelivery and the state machine's retries end in
//! the same eight events.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use contract::Topic;
use fault_proxy::{Action, Fault, Matches, Moment, Occurrence};
use poller::What;
use serde_json::json;

use crate::{
    harness::{
        Studio, by_id, created, created_comes_before_the_end, invoke, jobs_of, the_eight, topics,
        until,
    },
    operator::record,
};

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
        .filter_expression("attribute_exists(events)")
        .into_paginator()
        .items()
        .send();
    let mut kept = BTreeMap::new();
    let items: Vec<_> = scan.collect::<Result<_, _>>().await.unwrap();
    for event in items
        .iter()
        .flat_map(|item| item["events"].as_l().unwrap())
        .map(|event| event.as_m().unwrap())
    {
        let AttributeValue::S(value) = &event["value"] else {
            panic!("a kept value is text")
        };
        let event: serde_json::Value = serde_json::from_str(value).unwrap();
        kept.insert(
            event["id"].as_str().unwrap().to_owned(),
            value.clone().into_bytes(),
        );
    }
    kept
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
        let calls = calls.iter().filter(|call| call.operation.name == name);
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

#[tokio::test(flavor = "multi_thread")]
async fn every_call_may_be_refused_or_cut_or_its_caller_killed() {
    let mut studio = Studio::on_apache_kafka(|_| {}).await;
    let refused = || Action::Fail {
        status: 500,
        error: "InternalServerError".to_owned(),
    };
    let kills = [
        Action::KillCaller(Moment::Before),
        Action::KillCaller(Moment::After),
    ];
    // The calls of one event, by operation: first the consumer's, then those of the completion
    // function.
    let calls = [
        ("dynamodb", "BatchGetItem", "", 1), // the look at the table, in the consumer
        ("dynamodb", "TransactWriteItems", "", 1), // commit, in the consumer
        ("dynamodb", "TransactWriteItems", "", 2), // an end, in the completion function
        ("dynamodb", "UpdateItem", "", 1),   // mark an end published, in the completion function
        ("dynamodb", "UpdateItem", "", 2),
        ("states", "StartExecution", "", 1),
        ("dynamodb", "GetItem", "job#", 1), // the job; not the read that connects a function
        ("dynamodb", "PutItem", "", 1),     // the recorded attempt
        ("s3", "PutObject", "", 1),         // the asset
    ];
    let mut rounds: Vec<(Fault, &str)> = Vec::new();
    for (service, operation, body, which) in calls {
        let hit = |occurrence, action: Action| {
            let mut fault = first(service, operation, action);
            fault.matches.body_contains = Some(body.to_owned()).filter(|body| !body.is_empty());
            fault.matches.occurrence = occurrence;
            (fault, operation)
        };
        rounds.extend(
            kills
                .iter()
                .map(|kill| hit(Occurrence::Nth(which), kill.clone())),
        );
        rounds.push(hit(Occurrence::Nth(which), Action::Cut(Moment::After)));
        if which == 1 {
            // As many failures as the SDK makes tries, so that the function sees the error.
            rounds.push(hit(Occurrence::First(3), refused()));
        }
    }
    let mut published = BTreeMap::new();
    for (number, (fault, operation)) in rounds.into_iter().enumerate() {
        studio.stack.proxy.heal();
        studio.stack.proxy.clear();
        let hits = studio.stack.proxy.inject(fault.clone());
        let tenant = format!("tenant-{number}");
        studio.publish(&created(&tenant, &tenant)).await;
        let produced = studio.produced_for(&tenant, 8).await;
        assert_eq!(topics(&produced), the_eight(), "{fault:?}");
        created_comes_before_the_end(&produced);
        let calls = studio.stack.proxy.calls();
        let hit = calls.iter().find(|call| {
            call.operation.name == operation && matches!(call.status, None | Some(500))
        });
        assert!(
            hits.count() > 0 && hit.is_some_and(|call| call.process_id.is_some()),
            "the fault hit no function: {fault:?}"
        );
        published.extend(by_id(&produced));
    }
    // Every published event equals its outbox entry, and every entry was published.
    assert_eq!(published, kept(&studio).await);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uncommitted_record_is_redelivered_with_the_rest_of_its_partition() {
    let mut studio = Studio::start_with(|options| options.poll = false).await;
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
    let deliver = async |studio: &Studio| {
        let answer = invoke(&studio.stack, &function, &batch).await;
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
    };
    studio.let_executions_do_nothing().await;
    for _ in 0..2 {
        deliver(&studio).await;
    }
    let produced = studio.produced_for(tenant, 4).await;
    assert_eq!((produced.len(), by_id(&produced).len()), (8, 4));
    // One job ends, and then the other. Each end is two events.
    let jobs = jobs_of(&produced, Topic::RenderJobCreated);
    for (job, distinct, all) in [(&jobs[0], 6, 8 + 2 + 4), (&jobs[1], 8, 8 + 2 + 4 + 2)] {
        for step in ["submit", "finish"] {
            let step = json!({ "step": step, "jobId": job });
            studio.completion(&step).await;
        }
        deliver(&studio).await;
        let produced = studio.produced_for(tenant, distinct).await;
        assert_eq!(produced.len(), all, "{:?}", topics(&produced));
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
    let mut studio = Studio::start_with(|options| options.wait_scale = 0.0).await;
    let refused = Action::Fail {
        status: 503,
        error: "SlowDown".to_owned(),
    };
    let mut fault = first("s3", "PutObject", refused);
    fault.matches.occurrence = Occurrence::Every;
    let hits = studio.stack.proxy.inject(fault);
    // `retries.rs` holds that the deployed machine goes on for hours.
    studio.let_executions_try_again(7).await;
    studio.publish(&created("tenant-failed", "failed")).await;
    let produced = studio.produced_for("tenant-failed", 6).await;
    let failed: Vec<_> = produced
        .iter()
        .filter(|record| record.topic == Topic::RenderJobFailed.as_str())
        .collect();
    assert_eq!(failed.len(), 2);
    // More often than one provider is asked.
    assert!(hits.count() >= 2 * 8, "{}", hits.count());
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
