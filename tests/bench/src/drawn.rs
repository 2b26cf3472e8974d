//! The cost of finished pictures: `render` draws what a consumer has sent to the queue, ten messages
//! in a batch.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::error::DisplayErrorContext;
use aws_sdk_dynamodb::types::AttributeValue;
use hyper::body::Bytes;
use local::waits::chains;
use serde_json::{Value, json};

use crate::bed::Bed;
use crate::error::Error;
use crate::report::{Row, Unit, median};
use crate::subject::Subject;

/// The messages of a batch, which is the template's batch size; an event's jobs are one message.
pub const MESSAGES: usize = 10;

/// The delay of each call where waits are counted.
const DELAY: Duration = Duration::from_millis(5);

/// The cost of a batch of ten messages with two pictures each.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// The processor time, in seconds.
    pub processor: f64,
    /// The calls to AWS, by operation.
    pub calls: BTreeMap<String, f64>,
    /// Calls to AWS that wait for each other.
    pub longest_chain: usize,
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
    pub written_by_render: f64,
    /// Read units to end both jobs.
    pub read_by_render: f64,
    /// Of the written units, those under the tenant's own key in the index `by-tenant`.
    pub under_the_tenant: f64,
}

impl Units {
    /// All write units of an event.
    pub fn written(&self) -> f64 {
        self.written_by_consumer + self.written_by_render
    }
}

/// Has `consumer` commit this many batches of ten events, and `render` draw all their pictures.
pub async fn measure(
    bed: &Bed,
    consumer: &Subject,
    render: &Subject,
    batches: usize,
) -> Result<(Drawn, Units), Error> {
    let before = items(bed).await?;
    let before: BTreeSet<_> = before.iter().map(key).collect();
    bed.stack.proxy.clear();
    bed.stack.proxy.keep_bodies("sqs", "SendMessageBatch");
    // One batch more warms up, and another is for the waits.
    let events = (batches + 2) * MESSAGES;
    {
        let mut running = consumer.start(&bed.environment).await?;
        running.first_next().await?;
        let batch = bed.batch("pictures", events as u32);
        running.invoke(&batch).await?;
    }
    let calls = bed.stack.proxy.calls();
    let bodies = calls.iter().filter_map(|call| call.body.as_deref());
    let sent: Vec<Value> = bodies.flat_map(messages).collect();
    if sent.len() != events {
        return Err(Error::NotDone {
            name: consumer.name.clone(),
            answer: format!("it sent {} messages of {events}", sent.len()),
        });
    }
    let mut payloads = sent.chunks(MESSAGES).map(payload);
    let mut payload = || payloads.next().unwrap_or_default();
    let mut running = render.start(&bed.environment).await?;
    running.first_next().await?;
    running.invoke(&payload()).await?;
    // The calls for connecting belong to no picture.
    bed.stack.proxy.clear();
    let (mut processor, mut logged) = (Vec::new(), Vec::new());
    for _ in 0..batches {
        let (cpu, log) = (running.cpu(), running.logged());
        running.invoke(&payload()).await?;
        processor.push(running.cpu().saturating_sub(cpu).as_secs_f64());
        logged.push((running.logged() - log) as f64);
    }
    let mut calls = BTreeMap::new();
    let all = bed.stack.proxy.calls();
    for call in all
        .iter()
        .filter(|call| call.process_id == Some(running.id()))
    {
        *calls.entry(call.operation.name.clone()).or_insert(0.0) += 1.0 / batches as f64;
    }
    let memory = running.peak_memory() as f64;
    bed.stack.proxy.clear();
    bed.delay(DELAY);
    let slow = running.invoke(&payload()).await;
    bed.delay(Duration::ZERO);
    slow?;
    let chains = chains(&bed.stack.proxy.calls(), running.id());
    let drawn = Drawn {
        processor: median(processor),
        calls,
        longest_chain: chains.longest,
        logged: median(logged),
        memory,
    };
    let is_new = |item: &&Item| !before.contains(&key(item));
    let now = items(bed).await?;
    Ok((drawn, units(now.iter().filter(is_new), events as f64)))
}

/// The entries of a call that sends messages, from its body.
fn messages(body: &str) -> Vec<Value> {
    let request: Value = serde_json::from_str(body).unwrap_or_default();
    let entries = request["Entries"].as_array();
    entries.cloned().unwrap_or_default()
}

/// The event of a batch of messages, as Lambda makes it.
fn payload(entries: &[Value]) -> Bytes {
    let now = jiff::Timestamp::now().as_millisecond().to_string();
    let record = |(number, entry): (usize, &Value)| {
        json!({
            "messageId": format!("059f36b4-87a3-44ab-83d2-6619{number:08}"),
            "receiptHandle": format!("handle-{number}"),
            "body": entry["MessageBody"],
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": now,
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": now,
                "MessageGroupId": entry["MessageGroupId"],
            },
            "messageAttributes": {},
            "md5OfBody": "",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:studio-render-local",
            "awsRegion": "us-east-1",
        })
    };
    let records: Vec<Value> = entries.iter().enumerate().map(record).collect();
    Bytes::from(json!({ "Records": records }).to_string())
}

/// The rows about drawing.
pub fn rows(drawn: &Drawn, pictures_of_a_message: f64) -> Vec<Row> {
    let figure = |figure| vec![("render".to_owned(), figure)];
    let pictures = MESSAGES as f64 * pictures_of_a_message;
    let how = "in batches of ten messages, each a poster and an invitation; processor time of all threads, median";
    let calls = drawn
        .calls
        .iter()
        .map(|(operation, count)| (operation.clone(), *count))
        .collect();
    vec![
        Row::new(
            "A picture from its message to its event",
            how,
            Unit::Milliseconds,
            figure(drawn.processor * 1000.0 / pictures),
        ),
        Row::new(
            "Calls to AWS for a batch of ten messages",
            "seen by the proxy",
            Unit::Count,
            calls,
        ),
        Row::new(
            "Longest chain of calls, a batch of ten messages",
            "each call to AWS delayed by 5 ms. Kafka is one more",
            Unit::Count,
            figure(drawn.longest_chain as f64),
        ),
        Row::new(
            "Memory of a batch of ten messages",
            "largest resident set, by the kernel",
            Unit::Bytes,
            figure(drawn.memory),
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
/// `render` reads the entity and the jobs, and puts them and the jobs' ends in a transaction
/// ([`Drawn::calls`] has the same calls); it marks nothing. The indexes hold keys alone: an entry of
/// `by-tenant` is written once, and a job's of `open` written once and removed once. A job that the
/// canvas draws has none in `open-by-tenant`, and its end none in `open`. What a job leads to, its end
/// and the decision that opened it, has none in `by-tenant`.
fn units<'a>(items: impl Iterator<Item = &'a Item>, events: f64) -> Units {
    let mut units = Units::default();
    for item in items {
        let size = size(item);
        let (write, read) = ((size / 1024.0).ceil(), (size / 4096.0).ceil());
        let listed = f64::from(item.contains_key("listed"));
        units.under_the_tenant += listed;
        match key(item) {
            (pk, _) if pk.starts_with("inbound#") => {
                units.written_by_consumer += 2.0 * write + listed;
            }
            (pk, _) if pk.starts_with("entity#") => {
                units.read_by_consumer += 1.0;
                units.written_by_consumer += 2.0 * write + listed;
                // Once for both of its jobs.
                units.written_by_render += 2.0 * write;
                units.read_by_render += read;
            }
            (_, "end") => units.written_by_render += 2.0 * write + listed,
            (pk, _) if pk.starts_with("job#") => {
                units.written_by_consumer += 2.0 * write + listed + 1.0;
                units.written_by_render += 2.0 * write + 1.0;
                units.read_by_render += read;
            }
            _ => {}
        }
    }
    Units {
        written_by_consumer: units.written_by_consumer / events,
        read_by_consumer: units.read_by_consumer / events,
        written_by_render: units.written_by_render / events,
        read_by_render: units.read_by_render / events,
        under_the_tenant: units.under_the_tenant / events,
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
        assert_eq!(units.written_by_render, 2.0 + (2.0 + 1.0) + 2.0);
        assert_eq!(units.read_by_render, 1.0 + 1.0);
        assert_eq!(units.written(), 9.0 + 7.0);
        assert_eq!(units.under_the_tenant, 0.0);
    }

    #[test]
    fn what_is_listed_costs_a_unit_under_the_tenants_key() {
        let mut end = item("job#1", "end", 100);
        let is_listed = AttributeValue::S("outbox#1".to_owned());
        end.insert("listed".to_owned(), is_listed);
        let units = units([&end].into_iter(), 1.0);
        assert_eq!(units.written_by_render, 2.0 + 1.0);
        assert_eq!(units.under_the_tenant, 1.0);
    }

    #[test]
    fn the_payload_of_a_batch_has_each_message_with_its_group() {
        let entry = json!({ "Id": "0", "MessageBody": "{}", "MessageGroupId": "group-1" });
        let event: Value = serde_json::from_slice(&payload(&[entry.clone(), entry])).unwrap();
        assert_eq!(event["Records"].as_array().unwrap().len(), 2);
        assert_eq!(event["Records"][1]["body"], "{}");
        assert_eq!(
            event["Records"][1]["attributes"]["MessageGroupId"],
            "group-1"
        );
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
