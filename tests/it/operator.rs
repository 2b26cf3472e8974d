//! An operator handles dead letters with the command line: no record is lost and none is handled
//! twice, even if a function is killed.

use std::{path::PathBuf, process::Stdio, time::Duration};

use contract::Topic;
use fault_proxy::{Action, Fault, Hits, Matches, Moment, Occurrence};
use local::{checkout::Checkout, environment::EnvFile};
use poller::{Connections, Mapping, Poller, StartingPosition, What};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::harness::{Studio, by_id, created, jobs_of, the_eight, topics};

pub const OPERATOR: &str = "studio-operator-local";
pub const CREATED: &str = "eventzr.event.created.v1";

/// The exit code and the output of a `studio` command.
#[derive(Debug)]
pub struct CliOutput {
    pub code: Option<i32>,
    pub text: String,
    pub error: String,
}

impl CliOutput {
    /// The output of `--json`, one value per line.
    pub fn json(&self) -> Vec<Value> {
        self.text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{self:?}")))
            .collect()
    }
}

/// Runs the real `studio` against a stack; `words` are separated by spaces.
pub async fn studio(stack: &Studio, words: &str) -> CliOutput {
    let checkout = Checkout::find().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = EnvFile::write(&stack.stack, &checkout, folder.path().join("up.env"))
        .await
        .unwrap();
    let ran = tokio::process::Command::new(binary(&checkout))
        .arg(format!("--local={}", file.path.display()))
        .args(words.split(' '))
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let said = CliOutput {
        code: ran.status.code(),
        text: text(ran.stdout),
        error: text(ran.stderr),
    };
    println!(
        "studio {words}: {:?}\n{}{}",
        said.code, said.text, said.error
    );
    said
}

fn binary(checkout: &Checkout) -> PathBuf {
    checkout.root.join("target/debug/studio")
}

/// A record in the mapping's format.
pub fn record(offset: i64, event: Option<&Value>) -> Value {
    let base64 = |bytes: &[u8]| base64_simd::STANDARD.encode_to_string(bytes);
    let content_type = "application/cloudevents+json".bytes().collect::<Vec<u8>>();
    let mut record = json!({ "topic": CREATED, "partition": 0, "offset": offset, "timestamp": 1_795_000_000_000_i64,
        "timestampType": "CREATE_TIME", "headers": [{ "content-type": content_type }] });
    if let Some(event) = event {
        record["key"] = json!(base64(
            event["data"]["tenantId"].as_str().unwrap().as_bytes()
        ));
        record["value"] = json!(base64(event.to_string().as_bytes()));
    }
    record
}

/// The on-failure envelope that AWS leaves in the bucket when a mapping drops a batch.
pub fn envelope(records: Vec<Value>) -> Value {
    let count = records.len();
    let batch = json!({ "eventSource": "aws:kafka", "bootstrapServers": "b-1:9098",
        "records": { format!("{CREATED}-0"): records } });
    json!({
        "requestContext": { "requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81", "condition": "RetryAttemptsExhausted",
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:studio-event-created-local",
            "approximateInvokeCount": 12 },
        "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
        "version": "1.0", "timestamp": "2026-11-27T00:38:06.021Z",
        "KafkaBatchInfo": { "batchSize": count, "bootstrapServers": "b-1:9098", "payloadSize": 1000 },
        "payload": batch.to_string(),
    })
}

/// Puts an envelope where AWS does.
async fn give_up(studio: &Studio, name: &str, records: Vec<Value>) {
    let envelope = envelope(records);
    let put = studio
        .stack
        .clients
        .s3
        .put_object()
        .bucket(&studio.stack.outputs.dead_letters_bucket_name);
    let put = put.key(format!("aws/lambda/b6d1f6b9/{CREATED}-0/2026/11/27/{name}"));
    put.body(envelope.to_string().into_bytes().into())
        .send()
        .await
        .unwrap();
}

/// Kills a function around one of its calls.
pub fn kill(
    studio: &Studio,
    function: &str,
    (service, operation): (&str, &str),
    moment: Moment,
) -> Hits {
    let matches = Matches {
        service: Some(service.to_owned()),
        operation: Some(operation.to_owned()),
        function: Some(function.to_owned()),
        occurrence: Occurrence::Nth(1),
        ..Matches::default()
    };
    studio.stack.proxy.inject(Fault {
        matches,
        action: Action::KillCaller(moment),
    })
}

/// The listed dead letters, as (offset, count).
async fn waiting(stack: &Studio) -> Vec<(i64, u64)> {
    let said = studio(stack, "--json dead-letters list").await;
    assert_eq!(said.code, Some(0));
    let entries = said.json()[0]["entries"].as_array().unwrap().clone();
    let mut waiting: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                entry["offset"].as_i64().unwrap(),
                entry["count"].as_u64().unwrap(),
            )
        })
        .collect();
    waiting.sort_unstable();
    waiting
}

#[tokio::test(flavor = "multi_thread")]
async fn an_on_failure_envelope_is_gathered_once_and_redriven_to_the_same_events() {
    let mut stack = Studio::start_with(|options| options.poll = false).await;
    stack.release_the_queue().await;
    let event = created("tenant-given-up", "given-up");
    give_up(
        &stack,
        "one",
        vec![record(7, Some(&event)), record(8, None)],
    )
    .await;

    // Gathering is killed before and after each of its calls.
    for (call, moment) in [
        (("s3", "GetObject"), Moment::After),
        (("s3", "PutObject"), Moment::Before),
        (("s3", "PutObject"), Moment::After),
        (("dynamodb", "UpdateItem"), Moment::Before),
        (("dynamodb", "UpdateItem"), Moment::After),
        (("s3", "DeleteObject"), Moment::Before),
        (("s3", "DeleteObject"), Moment::After),
    ] {
        let hits = kill(&stack, OPERATOR, call, moment);
        let said = studio(&stack, "dead-letters list").await;
        stack.stack.proxy.heal();
        assert_eq!(
            (hits.count(), said.code),
            (1, Some(1)),
            "{call:?} {moment:?}: {said:?}"
        );
    }
    assert_eq!(waiting(&stack).await, [(7, 1), (8, 1)]);

    // Without `--execute`, nothing changes.
    let dry = studio(&stack, "dead-letters redrive --all").await;
    assert!(
        dry.text.contains("would be redriven") && dry.text.contains("This was a dry run"),
        "{dry:?}"
    );
    assert_eq!(waiting(&stack).await, [(7, 1), (8, 1)]);

    let redriven = studio(
        &stack,
        "dead-letters redrive --topic eventzr.event.created.v1 --cause GAVE --execute",
    )
    .await;
    assert_eq!(redriven.code, Some(4), "the tombstone is left");
    assert!(
        redriven.text.contains("1 redriven, 1 failed or skipped."),
        "{redriven:?}"
    );
    assert_eq!(
        topics(&stack.produced_for("tenant-given-up", 8).await),
        the_eight()
    );
    assert_eq!(waiting(&stack).await, [(8, 2)], "what came back counts");

    // A record that comes back each time is skipped in the end, and then discarded.
    for times in [3, 4, 5, 5, 5] {
        studio(&stack, "dead-letters redrive --all --execute").await;
        assert_eq!(waiting(&stack).await, [(8, times)]);
    }
    let said = studio(&stack, "dead-letters redrive --all --execute").await;
    assert!(
        said.text.contains("stays") && said.text.contains("it was dead-lettered 5 times"),
        "{said:?}"
    );
    let id = studio(&stack, "--json dead-letters list").await.json()[0]["entries"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        studio(&stack, "dead-letters discard --cause tombstone --execute")
            .await
            .code,
        Some(0)
    );
    assert!(
        studio(&stack, "dead-letters list")
            .await
            .text
            .contains("No record waits.")
    );
    assert!(
        studio(&stack, &format!("dead-letters show {id}"))
            .await
            .text
            .contains("discarded")
    );
    assert!(
        studio(&stack, &format!("dead-letters redrive {id} --execute"))
            .await
            .text
            .contains("resolved before")
    );

    // The same batch is dropped once more, as after a replay; its event was handled already.
    give_up(&stack, "again", vec![record(7, Some(&event))]).await;
    assert_eq!(
        waiting(&stack).await,
        [(7, 1)],
        "no redrive brought it back"
    );
    assert_eq!(
        studio(&stack, "dead-letters redrive --all --execute")
            .await
            .code,
        Some(0)
    );
    assert_eq!(
        topics(&stack.produced_for("tenant-given-up", 8).await),
        the_eight()
    );
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_redrive_continues_where_it_stopped() {
    let mut stack = Studio::start_with(|options| options.poll = false).await;
    stack.release_the_queue().await;
    let events: Vec<Value> = (0..6)
        .map(|n| created("tenant-interrupted", &format!("interrupted-{n}")))
        .collect();
    let records = events
        .iter()
        .enumerate()
        .map(|(offset, event)| record(offset as i64, Some(event)))
        .collect();
    give_up(&stack, "six", records).await;
    assert_eq!(waiting(&stack).await.len(), 6);

    let consumer = "studio-event-created-local";
    let of_consumer = [
        (("dynamodb", "TransactWriteItems"), Moment::Before),
        (("dynamodb", "TransactWriteItems"), Moment::After),
        (("sqs", "SendMessageBatch"), Moment::After),
    ];
    for (call, moment) in of_consumer {
        let hits = kill(&stack, consumer, call, moment);
        let said = studio(&stack, "dead-letters redrive --all --execute").await;
        stack.stack.proxy.heal();
        assert_eq!(hits.count(), 1);
        // The record whose consumer was killed still waits; the others are done.
        assert_eq!(said.code, Some(4), "{said:?}");
        assert!(said.text.contains("not yet"), "{said:?}");
        assert_eq!(waiting(&stack).await.len(), 1);
        // More records to redrive before the next kill.
        let again = vec![record(0, Some(&events[0])), record(1, Some(&events[1]))];
        give_up(&stack, &format!("{}-{moment:?}", call.1), again).await;
        assert!(waiting(&stack).await.len() >= 2);
    }
    // If the fault concerns every record, the redrive stops early.
    give_up(
        &stack,
        "all",
        events
            .iter()
            .enumerate()
            .map(|(offset, event)| record(offset as i64, Some(event)))
            .collect(),
    )
    .await;
    assert_eq!(waiting(&stack).await.len(), 6);
    let matches = Matches {
        function: Some(consumer.to_owned()),
        service: Some("dynamodb".to_owned()),
        ..Matches::default()
    };
    let action = Action::Fail {
        status: 500,
        error: "InternalServerError".to_owned(),
    };
    stack.stack.proxy.inject(Fault { matches, action });
    let said = studio(&stack, "dead-letters redrive --all --execute").await;
    stack.stack.proxy.heal();
    assert_eq!(
        (said.code, said.text.matches("not yet").count()),
        (Some(4), 3),
        "{said:?}"
    );
    assert!(
        said.error
            .contains("3 records in a row could not be handled now"),
        "{said:?}"
    );
    for (call, moment) in [
        (("s3", "GetObject"), Moment::Before),
        (("dynamodb", "UpdateItem"), Moment::Before),
        (("dynamodb", "UpdateItem"), Moment::After),
        (("s3", "DeleteObject"), Moment::Before),
        (("s3", "DeleteObject"), Moment::After),
    ] {
        let hits = kill(&stack, OPERATOR, call, moment);
        let said = studio(&stack, "dead-letters redrive --all --execute").await;
        stack.stack.proxy.heal();
        assert_eq!(
            (hits.count(), said.code),
            (1, Some(1)),
            "{call:?} {moment:?}: {said:?}"
        );
    }
    let said = studio(&stack, "dead-letters redrive --all --execute").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(waiting(&stack).await.is_empty());
    let produced = stack.produced_for("tenant-interrupted", 48).await;
    assert_eq!(by_id(&produced).len(), 48);
    assert_eq!(jobs_of(&produced, Topic::RenderJobCompleted).len(), 12);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_only_matching_entries() {
    let stack = Studio::start_with(|options| options.poll = false).await;
    let (one, other) = (
        created("tenant-one", "one"),
        created("tenant-other", "other"),
    );
    give_up(
        &stack,
        "two",
        vec![
            record(1, Some(&one)),
            record(2, Some(&other)),
            record(3, None),
        ],
    )
    .await;
    let offsets = async |words: &str| {
        let said = studio(&stack, &format!("--json dead-letters list {words}")).await;
        let mut offsets: Vec<i64> = said.json()[0]["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["offset"].as_i64().unwrap())
            .collect();
        offsets.sort_unstable();
        offsets
    };
    assert_eq!(offsets("--until 2026-11-28").await, [1, 2, 3]);
    assert_eq!(offsets("--tenant tenant-one").await, [1]);
    assert_eq!(offsets("--tenant tenant-nobody").await, [0_i64; 0]);
    assert_eq!(
        offsets("--topic eventzr.cms.published.v1").await,
        [0_i64; 0]
    );
    assert_eq!(
        offsets("--since 2026-11-27T00:38:06.022Z").await,
        [0_i64; 0]
    );
    assert_eq!(
        offsets("--since 2026-11-27T00:38:06.021Z --until 2026-11-27T00:38:06.022Z").await,
        [1, 2, 3]
    );
    assert_eq!(offsets("--cause nothing-of-the-kind").await, [0_i64; 0]);
    // All pages together have each record once.
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = studio(&stack, &format!("--json dead-letters list --most 2{after}"))
            .await
            .json()
            .remove(0);
        seen.extend(
            page["entries"]
                .as_array()
                .unwrap()
                .iter()
                .map(|e| e["offset"].as_i64().unwrap()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        after = format!(" --after {next}");
    }
    seen.sort_unstable();
    assert_eq!(seen, [1, 2, 3]);
    let unknown = "00000000-0000-0000-0000-000000000000";
    assert_eq!(
        studio(&stack, &format!("dead-letters show {unknown}"))
            .await
            .code,
        Some(3)
    );
    assert_eq!(
        studio(&stack, "dead-letters list --after nowhere")
            .await
            .code,
        Some(3)
    );
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_waits_for_a_consumer_that_takes_long() {
    let mut stack = Studio::start_with(|options| options.poll = false).await;
    stack.release_the_queue().await;
    let event = created("tenant-slow", "slow");
    give_up(&stack, "slow", vec![record(7, Some(&event))]).await;
    assert_eq!(waiting(&stack).await, [(7, 1)]);
    // Longer than an attempt of the functions' other calls may take.
    let matches = Matches {
        service: Some("lambda".to_owned()),
        operation: Some("Invoke".to_owned()),
        function: Some(OPERATOR.to_owned()),
        occurrence: Occurrence::Nth(1),
        ..Matches::default()
    };
    let action = Action::Delay(Duration::from_secs(6));
    let hits = stack.stack.proxy.inject(Fault { matches, action });
    let said = studio(&stack, "dead-letters redrive --all --execute").await;
    assert_eq!((hits.count(), said.code), (1, Some(0)), "{said:?}");
    assert!(waiting(&stack).await.is_empty());
    assert_eq!(
        topics(&stack.produced_for("tenant-slow", 8).await),
        the_eight()
    );
    stack.stop().await;
}

/// docs/operating.md explains how to read a topic again; this test shows that it is safe.
#[tokio::test(flavor = "multi_thread")]
async fn reading_a_topic_again_publishes_nothing_new() {
    let mut stack = Studio::on_apache_kafka(|_| {}).await;
    for number in 0..5 {
        stack
            .publish(&created("tenant-replayed", &format!("replayed-{number}")))
            .await;
    }
    stack
        .stack
        .publish(CREATED, Some(b"tenant-replayed"), None, &[])
        .await
        .unwrap();
    let before = stack.produced_for("tenant-replayed", 40).await;
    assert_eq!(by_id(&before).len(), 40);

    let own = stack
        .stack
        .mappings
        .iter()
        .find(|mapping| mapping.topic == CREATED)
        .unwrap()
        .clone();
    let a_minute_ago = jiff::Timestamp::now().as_millisecond() - 60_000;
    for (name, start) in [
        ("start", StartingPosition::TrimHorizon),
        ("time", StartingPosition::AtTimestamp(a_minute_ago)),
    ] {
        let again = Mapping {
            consumer_group: format!("replay-from-{name}"),
            start,
            ..own.clone()
        };
        let connections = Connections {
            cluster: stack.stack.broker.cluster().clone(),
            bootstrap: stack.stack.broker.bootstrap().to_owned(),
            lambda: stack.stack.clients.lambda.clone(),
            s3: stack.stack.clients.s3.clone(),
        };
        let (reports, mut reported) = mpsc::unbounded_channel();
        let poller = Poller::start(again, connections, reports).unwrap();
        let mut read = 0;
        while read < 6 {
            let report = reported.recv().await.unwrap();
            if let What::Invoked { records, .. } = report.what {
                read += records;
            }
        }
        poller.stop().await;
    }
    let after = stack.produced_for("tenant-replayed", 40).await;
    assert_eq!(
        after.len(),
        before.len(),
        "not even the same events are published again"
    );
    // The tombstone was dead-lettered three times, and is one record that no redrive brought back.
    assert_eq!(
        waiting(&stack)
            .await
            .iter()
            .map(|(_, times)| *times)
            .collect::<Vec<_>>(),
        [1]
    );
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_event_is_taken_under_a_new_id_and_its_dead_letter_is_resolved() {
    let mut stack = Studio::start_with(|options| options.poll = false).await;
    stack.release_the_queue().await;
    let tenant = "tenant-corrected";
    let mut event = created(tenant, "corrected");
    event["data"]["title"] = json!(" ");
    give_up(&stack, "one", vec![record(7, Some(&event))]).await;
    let listed = studio(&stack, "--json dead-letters list").await.json();
    let id = listed[0]["entries"][0]["id"].as_str().unwrap().to_owned();

    // What is to be edited is the event as it came.
    let shown = studio(&stack, &format!("dead-letters show {id} --value")).await;
    let mut edited: Value = serde_json::from_str(&shown.text).unwrap();
    assert_eq!(edited, event);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("event.json");
    let correct = format!("--json dead-letters correct {id} {}", file.display());

    // An edit that its consumer refuses too changes nothing.
    std::fs::write(&file, edited.to_string()).unwrap();
    let refused = studio(&stack, &format!("{correct} --execute")).await;
    assert_eq!(refused.code, Some(4), "{refused:?}");
    let fate = &refused.json()[0]["fate"];
    assert_eq!(fate["is"], "refused");
    let cause = fate["cause"].as_str().unwrap();
    assert!(cause.starts_with("data.title: "), "{cause}");
    assert_eq!(waiting(&stack).await, [(7, 1)]);

    edited["data"]["title"] = json!("Lanterns on the Lake");
    std::fs::write(&file, edited.to_string()).unwrap();
    let dry = studio(&stack, &correct).await;
    assert_eq!(dry.json()[0]["fate"]["is"], "would-be-sent");
    assert_eq!(waiting(&stack).await, [(7, 1)]);
    let sent = studio(&stack, &format!("{correct} --execute")).await;
    let fate = &sent.json()[0]["fate"];
    assert_eq!((sent.code, &fate["is"]), (Some(0), &json!("sent")));
    let new_id = fate["event"].as_str().unwrap();
    let old_id = event["id"].as_str().unwrap();
    assert!(
        new_id.starts_with(&format!("{old_id}-corrected-")),
        "{new_id}"
    );
    assert!(waiting(&stack).await.is_empty());
    assert_eq!(topics(&stack.produced_for(tenant, 8).await), the_eight());
    let why = studio(&stack, &format!("--json why {tenant} {new_id}")).await;
    assert_eq!(why.json()[0]["found"][0]["outcome"]["is"], "taken");

    // Once more, it does nothing. The audit has the edits, and not what the event says.
    let again = studio(&stack, &format!("{correct} --execute")).await;
    assert_eq!(again.json()[0]["fate"]["is"], "was-resolved");
    let audit = studio(&stack, "--json audit").await;
    assert!(audit.text.contains("correct") && !audit.text.contains("Lanterns"));
    stack.stop().await;
}
