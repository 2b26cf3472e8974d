//! What was committed is published, whatever a later function's clock says of its time: once it is
//! older than the studio looks back, and if the function that committed it was ahead.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use contract::{Time, Topic};
use domain::{CLOCKS_DIFFER_SECONDS, HORIZON_SECONDS, ProviderRouting};
use jiff::{SignedDuration, Timestamp};
use kafka::Authentication;
use local::dead_letters::dead_letters;
use outbox::{Config, Outbox};
use serde_json::{Value, json};
use store::{OutboxEntry, Store};

use crate::{
    harness::{Studio, by_id, created, invoke},
    operator::record,
};

/// A batch of these events, as the mapping delivers them.
fn batch(events: &[&Value]) -> Value {
    let records = (0..)
        .zip(events)
        .map(|(offset, event)| record(offset, Some(event)));
    let partition = format!("{}-0", Topic::EventCreated);
    json!({ "eventSource": "aws:kafka", "records": { partition: records.collect::<Vec<_>>() } })
}

fn created_at(id: &str, time: Timestamp) -> Value {
    let mut event = created("tenant-clocks", id);
    event["time"] = json!(Time::new(time).to_string());
    event
}

/// The outbox of a function that dies before it publishes.
fn outbox(studio: &Studio) -> Outbox {
    let credentials = studio.stack.root.clone();
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .endpoint_url(format!("http://{}", studio.stack.proxy.address()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    let config = Config {
        queue: queue::Config { url: String::new() },
        render_deadline_seconds: 900,
        routing: ProviderRouting::parse("studio-canvas", "", "").unwrap(),
        kafka: kafka::Config {
            bootstrap_servers: studio.stack.broker.bootstrap().to_owned(),
            authentication: Authentication::None,
        },
    };
    let table = studio.stack.outputs.table_name.clone();
    Outbox::new(config, Store::new(table, &aws), &aws).unwrap()
}

/// Commits `event` as a function does whose clock says `clock`.
async fn commit(outbox: &Outbox, event: &Value, clock: Timestamp) -> OutboxEntry {
    let batch = batch(&[event]).to_string();
    let mut examined =
        intake::examine(Topic::EventCreated, event_created::describe, &batch).unwrap();
    let read = examined.remove(0).examination.unwrap();
    let clock = Time::new(clock);
    let committed = outbox
        .commit(&read.inbound, &read.description, None, clock)
        .await;
    committed.unwrap().entry
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_is_published_though_its_time_is_refused_now() {
    let mut studio = Studio::on_apache_kafka(|options| options.poll = false).await;
    let now = Timestamp::now();
    let seconds = |seconds: u32| SignedDuration::from_secs(seconds.into());
    // Each was young, or not ahead, by the clock that it was committed by; now none is.
    let minute = SignedDuration::from_mins(1);
    let old = now - seconds(HORIZON_SECONDS) - minute;
    let ahead = now + seconds(CLOCKS_DIFFER_SECONDS) + 5 * minute;
    let outbox = outbox(&studio);
    let (too_old, too_far) = (created_at("old", old), created_at("ahead", ahead));
    let mut committed = Vec::new();
    for (event, clock) in [(&too_old, now - 2 * minute), (&too_far, ahead)] {
        let entry = commit(&outbox, event, clock).await;
        assert!(!entry.published && entry.events.len() == 4, "{entry:?}");
        committed.extend(entry.events);
    }

    // Beside them are events of the same times: two that were never committed, and two that say
    // something else under the committed ids.
    let mut others = [too_old.clone(), too_far.clone()];
    for other in &mut others {
        other["data"]["title"] = json!("Something else under the same id");
    }
    let unknown = [
        created_at("old-unknown", old),
        created_at("ahead-unknown", ahead),
    ];
    let events = [
        &too_old,
        &too_far,
        &others[0],
        &others[1],
        &unknown[0],
        &unknown[1],
    ];
    let consumer = studio.stack.consumer(Topic::EventCreated).unwrap();
    // Twice, because a redelivery must change nothing: the jobs are open, so the same bytes are
    // published again.
    for _ in 0..2 {
        let answer = invoke(&studio.stack, consumer, &batch(&events)).await;
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
    }

    let produced = studio.produced_for("tenant-clocks", 8).await;
    let bytes = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let mut published: Vec<_> = by_id(&produced)
        .values()
        .map(|value| bytes(value))
        .collect();
    let mut expected: Vec<_> = committed
        .iter()
        .map(|event| event.value.to_string())
        .collect();
    published.sort();
    expected.sort();
    assert_eq!(published, expected, "as it was committed");
    let letters = dead_letters(
        &studio.stack.clients.dynamodb,
        &studio.stack.outputs.table_name,
    )
    .await
    .unwrap();
    let mut causes: Vec<_> = letters
        .iter()
        .map(|letter| (letter.offset, letter.cause.as_str()))
        .collect();
    causes.sort_unstable();
    let reused =
        "id reused: an event with this source and id was handled before and said something else";
    let time = |event: &Value| {
        event["time"]
            .as_str()
            .unwrap()
            .parse::<Timestamp>()
            .unwrap()
    };
    assert_eq!(
        causes,
        [
            (2, reused),
            (3, reused),
            (
                4,
                &*format!(
                    "`time` is {}, more than 97 days ago: it may have been handled and forgotten",
                    time(&too_old)
                )
            ),
            (
                5,
                &*format!(
                    "`time` is {}, more than 5 minutes ahead of the studio's clock",
                    time(&too_far)
                )
            ),
        ]
    );
    studio.stop().await;
}
