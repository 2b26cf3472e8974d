//! The cost of a finished picture: the completion function takes both steps of each job that a
//! consumer opened, one job after the other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::error::DisplayErrorContext;
use aws_sdk_dynamodb::types::AttributeValue;
use hyper::body::Bytes;
use serde_json::json;

use crate::bed::Bed;
use crate::error::Error;
use crate::report::{Row, Unit, median};
use crate::subject::Subject;

/// The cost of a picture's job.
#[derive(Debug, Clone)]
pub struct PerJob {
    /// The processor time of both steps, in seconds.
    pub processor: f64,
    /// The calls to AWS of both steps, by operation. Each waits for the one before.
    pub calls: BTreeMap<String, f64>,
    /// The bytes logged.
    pub logged: f64,
    /// The largest resident set, in bytes.
    memory: f64,
}

/// The DynamoDB units of a created event with its two pictures, from the sizes of the items that
/// the table holds at the end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Units {
    /// Write units to commit the decision, the entity and the jobs.
    pub written_by_consumer: f64,
    /// Read units to find out that the entity is new.
    pub read_by_consumer: f64,
    /// Write units to end both jobs.
    pub written_by_completion: f64,
    /// Read units to end both jobs.
    pub read_by_completion: f64,
}

/// Has `consumer` commit this many events, and `completion` finish all their pictures.
pub async fn measure(
    bed: &Bed,
    consumer: &Subject,
    completion: &Subject,
    events: u32,
) -> Result<(PerJob, Units), Error> {
    let before = items(bed).await?;
    let before: BTreeSet<_> = before.iter().map(key).collect();
    {
        let mut running = consumer.start(&bed.environment).await?;
        running.first_next().await?;
        running.invoke(&bed.batch("pictures", events)).await?;
    }
    let is_new = |item: &&Item| !before.contains(&key(item));
    let kept = items(bed).await?;
    let jobs: Vec<String> = kept
        .iter()
        .filter(is_new)
        .filter_map(|item| Some(key(item).0.strip_prefix("job#")?.to_owned()))
        .collect();

    if jobs.is_empty() {
        return Err(Error::NotDone {
            name: consumer.name.clone(),
            answer: "it kept no job".to_owned(),
        });
    }
    let mut running = completion.start(&bed.environment).await?;
    running.first_next().await?;
    let (mut processor, mut logged) = (Vec::new(), Vec::new());
    // The calls for connecting belong to no picture.
    bed.stack.proxy.clear();
    for job in &jobs {
        let (cpu, log) = (running.cpu(), running.logged());
        for step in ["submit", "finish"] {
            let payload = json!({ "step": step, "jobId": job, "name": job }).to_string();
            let (answer, _) = running.ask(&Bytes::from(payload)).await?;
            if !matches!(answer["status"].as_str(), Some("stored" | "closed")) {
                return Err(Error::NotDone {
                    name: completion.name.clone(),
                    answer: answer.to_string(),
                });
            }
        }
        processor.push(running.cpu().saturating_sub(cpu).as_secs_f64());
        logged.push((running.logged() - log) as f64);
    }
    let mut calls = BTreeMap::new();
    for call in bed
        .stack
        .proxy
        .calls()
        .iter()
        .filter(|call| call.process_id == Some(running.id()))
    {
        *calls.entry(call.operation.name.clone()).or_insert(0.0) += 1.0 / jobs.len() as f64;
    }
    let per_job = PerJob {
        processor: median(processor),
        calls,
        logged: median(logged),
        memory: running.peak_memory() as f64,
    };
    let now = items(bed).await?;
    Ok((per_job, units(now.iter().filter(is_new), f64::from(events))))
}

/// The rows about both steps.
pub fn rows(per_job: &PerJob) -> Vec<Row> {
    let figure = |figure| vec![("completion".to_owned(), figure)];
    let how =
        "submit and finish of a poster or an invitation; processor time of all threads, median";
    let calls = per_job
        .calls
        .iter()
        .map(|(operation, count)| (operation.clone(), *count))
        .collect();
    vec![
        Row::new(
            "A picture from its job to its event",
            how,
            Unit::Milliseconds,
            figure(per_job.processor * 1000.0),
        ),
        Row::new(
            "Calls to AWS for it",
            "seen by the proxy",
            Unit::Count,
            calls,
        ),
        Row::new(
            "Memory of the completion function",
            "largest resident set, by the kernel",
            Unit::Bytes,
            figure(per_job.memory),
        ),
    ]
}

type Item = HashMap<String, AttributeValue>;

fn key(item: &Item) -> (&str, &str) {
    let text = |name: &str| {
        item.get(name)
            .and_then(|value| value.as_s().ok())
            .map_or("", String::as_str)
    };
    (text("pk"), text("sk"))
}

async fn items(bed: &Bed) -> Result<Vec<Item>, Error> {
    let table = &bed.stack.outputs.table_name;
    let pages = bed
        .stack
        .clients
        .dynamodb
        .scan()
        .table_name(table)
        .consistent_read(true)
        .into_paginator()
        .items()
        .send();
    let items: Result<Vec<Item>, _> = pages.collect().await;
    items.map_err(|error| Error::NotDone {
        name: "a scan of the table".to_owned(),
        answer: DisplayErrorContext(error).to_string(),
    })
}

/// The units of one of `events` events: a transaction costs two units per KiB of each item, any
/// other write one unit per KiB, and a consistent read one unit per four KiB.
///
/// The consumer reads the entity, which is not there: one unit. It puts decision, entity and jobs in
/// a transaction.
/// Completion reads a job to submit it, and puts it when it records the attempt and when the
/// picture is stored. To finish, it reads job and entity, puts job, entity and end in a
/// transaction, and then updates the end ([`PerJob::calls`] has the same calls). The indexes hold
/// keys alone: an entry of `by-tenant` is written once, one of `open` written once and removed
/// once. A job that the canvas draws has none in `open-by-tenant`.
fn units<'a>(items: impl Iterator<Item = &'a Item>, events: f64) -> Units {
    let mut units = Units::default();
    for item in items {
        let size = size(item);
        let (write, read) = ((size / 1024.0).ceil(), (size / 4096.0).ceil());
        let listed = f64::from(item.contains_key("listed"));
        match key(item) {
            (pk, _) if pk.starts_with("inbound#") => {
                units.written_by_consumer += 2.0 * write + listed
            }
            (pk, _) if pk.starts_with("entity#") => {
                units.read_by_consumer += 1.0;
                units.written_by_consumer += 2.0 * write + listed;
                // For each of the entity's two jobs.
                units.written_by_completion += 2.0 * 2.0 * write;
                units.read_by_completion += 2.0 * read;
            }
            (_, "end") => units.written_by_completion += 3.0 * write + 2.0 + listed,
            (pk, _) if pk.starts_with("job#") => {
                units.written_by_consumer += 2.0 * write + listed + 1.0;
                units.written_by_completion += 4.0 * write + 1.0;
                units.read_by_completion += 2.0 * read;
            }
            _ => {}
        }
    }
    Units {
        written_by_consumer: units.written_by_consumer / events,
        read_by_consumer: units.read_by_consumer / events,
        written_by_completion: units.written_by_completion / events,
        read_by_completion: units.read_by_completion / events,
    }
}

/// The size of an item as DynamoDB counts it: names and values in UTF-8; a list or map has three
/// bytes more, and each of its elements one (DynamoDB Developer Guide, "DynamoDB item sizes and
/// formats").
fn size(item: &Item) -> f64 {
    item.iter()
        .map(|(name, value)| name.len() + of_value(value))
        .sum::<usize>() as f64
}

fn of_value(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        // At most 21 bytes; two digits take one byte.
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        AttributeValue::L(values) => {
            3 + values
                .iter()
                .map(|value| 1 + of_value(value))
                .sum::<usize>()
        }
        AttributeValue::M(values) => {
            3 + values
                .iter()
                .map(|(name, value)| 1 + name.len() + of_value(value))
                .sum::<usize>()
        }
        AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => {
            texts.iter().map(String::len).sum()
        }
        AttributeValue::Bs(blobs) => blobs.iter().map(|blob| blob.as_ref().len()).sum(),
        // A future SDK may have more types.
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(pk: &str, sk: &str, state: usize) -> Item {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        HashMap::from([
            ("pk".to_owned(), text(pk)),
            ("sk".to_owned(), text(sk)),
            ("state".to_owned(), text(&"x".repeat(state))),
        ])
    }

    #[test]
    fn the_units_of_an_event_are_those_of_its_transactions_and_writes() {
        let items = [
            item("inbound#1", "outbox", 1500),
            item("entity#1", "state", 900),
            item("job#1", "state", 100),
            item("job#1", "end", 100),
            item("tenant#1", "erased", 100),
        ];
        let units = units(items.iter(), 1.0);
        assert_eq!(units.written_by_consumer, 2.0 * 2.0 + 2.0 + (2.0 + 1.0));
        assert_eq!(units.read_by_consumer, 1.0);
        assert_eq!(units.written_by_completion, 4.0 + (4.0 + 1.0) + (3.0 + 2.0));
        assert_eq!(units.read_by_completion, 4.0);
    }

    #[test]
    fn a_maps_size_is_its_names_and_values_plus_overhead() {
        let map = AttributeValue::M(HashMap::from([(
            "ab".to_owned(),
            AttributeValue::Bool(true),
        )]));
        assert_eq!(
            (
                of_value(&map),
                of_value(&AttributeValue::N("12345".to_owned()))
            ),
            (3 + 1 + 2 + 1, 4)
        );
    }
}
