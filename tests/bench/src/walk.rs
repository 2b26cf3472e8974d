//! The time from a published event to its finished picture, as its user experiences it: the whole
//! local stack, with its mappings polling, on Apache Kafka.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use contract::Topic;
use local::broker::Broker;
use local::checkout::Checkout;
use local::records::{From, Produced, Reader};
use local::stack::{self, Options, Stack};
use serde_json::{Value, json};

use crate::report::{Row, Unit, quantile};

/// The interval between two events. A shorter one would exceed the emulator's capacity and measure
/// its queue.
const EVERY: Duration = Duration::from_millis(250);

/// The longest wait for the last picture.
const PATIENCE: Duration = Duration::from_secs(120);

/// The measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The example cannot be read.
    #[error("reading the example event")]
    Example(#[from] io::Error),
    /// The reader's threads failed.
    #[error("closing the reader")]
    Close(#[from] tokio::task::JoinError),
    /// The stack failed.
    #[error(transparent)]
    Stack(#[from] stack::Error),
    /// The produced records cannot be read.
    #[error("reading what the functions produced")]
    Read(#[from] kafka_client::Error),
    /// Pictures are missing.
    #[error("{completed} of {published} pictures were finished within {} s of the last event", PATIENCE.as_secs())]
    Missing {
        /// How many were finished.
        completed: usize,
        /// How many were expected.
        published: usize,
    },
}

/// The times of one event, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    published: f64,
    created: Option<f64>,
    completed: Option<f64>,
    seen: Option<f64>,
}

/// Publishes `events` events, each about one poster, to a stack with the functions in `release`,
/// and waits for all pictures.
pub async fn measure(
    checkout: &Checkout,
    release: &Path,
    events: usize,
) -> Result<Vec<Row>, Error> {
    let example: Value = serde_json::from_slice(&fs::read(checkout.example(Topic::EventCreated))?)
        .map_err(io::Error::other)?;
    let mut options = Options::new(Checkout {
        binaries: release.to_owned(),
        ..checkout.clone()
    });
    options.broker = Broker::Apache;
    let stack = Stack::start(&options).await?;
    let topics = [Topic::RenderJobCreated, Topic::RenderJobCompleted].map(Topic::as_str);
    let mut reader = Reader::start(stack.broker.cluster(), &topics, From::Beginning).await?;
    // The first events start processes, and are not measured.
    let mut warm = BTreeMap::new();
    for number in 0..8 {
        publish(&stack, &example, &format!("warm-{number}"), &mut warm).await?;
    }
    until_all_are_seen(&mut reader, &mut warm).await?;

    let mut times = BTreeMap::new();
    let mut ticks = tokio::time::interval(EVERY);
    for number in 0..events {
        // Records are read as they arrive, because that is when a consumer would see them.
        loop {
            tokio::select! {
                _ = ticks.tick() => break,
                record = reader.next() => note(&record?, &mut times),
            }
        }
        publish(&stack, &example, &format!("walk-{number}"), &mut times).await?;
    }
    until_all_are_seen(&mut reader, &mut times).await?;
    stack.stop().await;
    Ok(rows(times.into_values()))
}

async fn publish(
    stack: &Stack,
    example: &Value,
    tenant: &str,
    times: &mut BTreeMap<String, Times>,
) -> Result<(), Error> {
    let topic = Topic::EventCreated.as_str();
    let mut event = example.clone();
    event["id"] = json!(format!("evt-{tenant}"));
    event["time"] = json!(jiff::Timestamp::now().to_string());
    event["subject"] = json!(tenant);
    event["data"]["tenantId"] = json!(tenant);
    event["data"]["assets"] = json!(["poster"]);
    let headers = [(
        "content-type",
        Some(&b"application/cloudevents+json; charset=UTF-8"[..]),
    )];
    times.insert(
        tenant.to_owned(),
        Times {
            published: now(),
            ..Times::default()
        },
    );
    stack
        .publish(
            topic,
            Some(tenant.as_bytes()),
            Some(event.to_string().as_bytes()),
            &headers,
        )
        .await?;
    Ok(())
}

async fn until_all_are_seen(
    reader: &mut Reader,
    times: &mut BTreeMap<String, Times>,
) -> Result<(), Error> {
    let all_are_seen = async {
        while times.values().any(|times| times.seen.is_none()) {
            note(&reader.next().await?, times);
        }
        Ok(())
    };
    match tokio::time::timeout(PATIENCE, all_are_seen).await {
        Ok(read) => read,
        Err(_) => {
            let completed = times.values().filter(|times| times.seen.is_some()).count();
            Err(Error::Missing {
                completed,
                published: times.len(),
            })
        }
    }
}

/// Notes the times of a record. The record's timestamp is the time at which the function produced
/// it. Of a repeated record only the first counts.
fn note(record: &Produced, times: &mut BTreeMap<String, Times>) {
    let tenant = record
        .key
        .as_deref()
        .and_then(|key| std::str::from_utf8(key).ok());
    let Some(times) = tenant.and_then(|tenant| times.get_mut(tenant)) else {
        return;
    };
    let at = record.timestamp.map(|at| at as f64);
    if record.topic == Topic::RenderJobCreated.as_str() {
        times.created = times.created.or(at);
    } else {
        times.completed = times.completed.or(at);
        times.seen = times.seen.or(Some(now()));
    }
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
        * 1000.0
}

fn rows(times: impl Iterator<Item = Times>) -> Vec<Row> {
    let mut parts: [Vec<f64>; 4] = Default::default();
    let [whole, kept, drawn, read] = &mut parts;
    for Times {
        published,
        created,
        completed,
        seen,
    } in times
    {
        let (Some(created), Some(completed), Some(seen)) = (created, completed, seen) else {
            continue;
        };
        whole.push(seen - published);
        kept.push(created - published);
        drawn.push(completed - created);
        read.push(seen - completed);
    }
    let names = [
        "whole",
        "until its job is published",
        "until its picture is",
        "until that is read",
    ];
    let how =
        "an event each 250 ms, a poster each; with the waits of the mapping and of the emulator";
    let row = |what: &str, share| {
        let figures = names
            .iter()
            .zip(parts.clone())
            .map(|(name, part)| ((*name).to_owned(), quantile(part, share)));
        Row::new(what, how, Unit::Milliseconds, figures.collect())
    };
    let of = format!("of {}", parts[0].len());
    vec![
        row(&format!("Published to completed, p50 {of}"), 0.5),
        row(
            &format!("Published to completed, p99 {of}; each part's own"),
            0.99,
        ),
    ]
}
