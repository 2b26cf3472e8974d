//! Counts how often a consumer function waits on the network for one batch. It measures from
//! outside, with a delay added to every call.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use base64_simd::STANDARD;
use contract::Topic;
use fault_proxy::{Call, Operation};
use processes::peak_resident_bytes;
use serde_json::{Value, json};

use crate::broker::PARTITIONS;
use crate::deploy::CLUSTER_ARN;
use crate::stack::{self, Options, Stack};

/// How many messages a call of SendMessageBatch has at most; each event's jobs are one message.
const MESSAGES_OF_A_CALL: u32 = 10;

/// The result of a measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Waits {
    /// The number of events in the batch, all of them first seen.
    pub events: u32,
    /// The delay that was added to each call.
    pub delay: Duration,
    /// The time from the invocation to its answer.
    pub elapsed: Duration,
    /// The function's calls by operation, in the order of each operation's first call.
    pub operations: Vec<OperationCalls>,
    /// The longest chain of calls in which each call began after the one before had ended.
    pub longest_chain: usize,
    /// The longest chain that counts each operation once. It leaves out the waits for a free slot.
    pub different_in_a_row: usize,
    /// The largest resident set that the function's process ever had, in bytes.
    pub peak_resident_bytes: Option<u64>,
}

/// The calls of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationCalls {
    /// The operation.
    pub operation: Operation,
    /// The number of calls.
    pub calls: usize,
    /// The largest number of calls in flight at the same time.
    pub at_once: usize,
    /// The longest chain of these calls.
    pub in_a_row: usize,
}

/// Why the measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stack failed.
    #[error(transparent)]
    Stack(#[from] stack::Error),
    /// The example event is missing, or is not JSON.
    #[error("cannot read {path}")]
    Example {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        #[source]
        source: io::Error,
    },
    /// Lambda refused the invocation.
    #[error("the function cannot be invoked: {0}")]
    Invoke(String),
    /// The function did not process the whole batch.
    #[error("the function did not process the whole batch: {0}")]
    NotDone(String),
    /// The function made no calls.
    #[error("the function made no call through the proxy")]
    NoCalls,
}

/// Deploys a stack, warms up the consumer of `eventzr.event.created.v1`, and gives it one batch
/// with a delay added to every call.
pub async fn measure(options: &Options, events: u32, delay: Duration) -> Result<Waits, Error> {
    let path = options.checkout.example(Topic::EventCreated);
    let example = fs::read(&path)
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).map_err(io::Error::other));
    let example = example.map_err(|source| Error::Example { path, source })?;
    // Without pollers nothing is drawn, which would compete for the processors with the function
    // under measurement.
    let stack = Stack::start(&Options {
        poll: false,
        ..options.clone()
    })
    .await?;

    let function = warm_up(&stack, &example).await?;
    stack.proxy.clear();
    stack.proxy.set_delay(delay);
    let started = Instant::now();
    invoke(&stack, &batch(&example, "measured", events)).await?;
    let elapsed = started.elapsed();
    let waits = waits(&stack.proxy.calls(), function, events, delay, elapsed)?;
    stack.stop().await;
    Ok(waits)
}

/// Invokes the function once, and returns its process.
async fn warm_up(stack: &Stack, example: &Value) -> Result<u32, Error> {
    invoke(stack, &batch(example, "warm", 1)).await?;
    let calls = stack.proxy.calls();
    calls
        .iter()
        .find_map(|call| call.process_id)
        .ok_or(Error::NoCalls)
}

fn waits(
    calls: &[Call],
    function: u32,
    events: u32,
    delay: Duration,
    elapsed: Duration,
) -> Result<Waits, Error> {
    let calls: Vec<Call> = calls
        .iter()
        .filter(|call| call.process_id == Some(function))
        .cloned()
        .collect();
    // A dead-lettered event needs fewer calls and would distort the result.
    let sent = calls
        .iter()
        .filter(|call| call.operation.name == "SendMessageBatch")
        .count();
    if sent < events.div_ceil(MESSAGES_OF_A_CALL) as usize {
        return Err(Error::NotDone(format!(
            "it sent only {sent} batches of messages for {events} events"
        )));
    }
    let spans: Vec<Span> = calls.iter().filter_map(Span::of).collect();
    let chains = chains(&calls, function);
    Ok(Waits {
        events,
        delay,
        elapsed,
        operations: by_operation(&spans),
        longest_chain: chains.longest,
        different_in_a_row: chains.different,
        peak_resident_bytes: peak_resident_bytes(function),
    })
}

async fn invoke(stack: &Stack, batch: &Value) -> Result<(), Error> {
    let payload = Blob::new(batch.to_string());
    let function = stack
        .consumer(Topic::EventCreated)
        .ok_or_else(|| Error::Invoke("no deployed function consumes the topic".to_owned()))?;
    let answer = stack
        .clients
        .lambda
        .invoke()
        .function_name(function)
        .payload(payload)
        .send()
        .await;
    let answer = answer.map_err(|error| Error::Invoke(DisplayErrorContext(error).to_string()))?;
    let body = answer
        .payload()
        .map(|payload| String::from_utf8_lossy(payload.as_ref()).into_owned())
        .unwrap_or_default();
    let response: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
    let is_done = response["batchItemFailures"]
        .as_array()
        .is_some_and(Vec::is_empty);
    if answer.function_error().is_some() || !is_done {
        Err(Error::NotDone(body))
    } else {
        Ok(())
    }
}

/// The lengths of chains of calls that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chains {
    /// The longest chain.
    pub longest: usize,
    /// The longest chain that counts each operation once. It leaves out the waits for a free slot.
    pub different: usize,
}

/// The chains among the calls of a process that have ended.
#[must_use]
pub fn chains(calls: &[Call], process_id: u32) -> Chains {
    let spans: Vec<Span> = calls
        .iter()
        .filter(|call| call.process_id == Some(process_id))
        .filter_map(Span::of)
        .collect();
    Chains {
        longest: longest_chain(spans.iter()),
        different: different_in_a_row(&spans),
    }
}

/// A batch as the mapping sends it, with this number of events spread over all partitions. Each
/// event is about a new entity.
#[must_use]
pub fn batch(example: &Value, name: &str, events: u32) -> Value {
    let topic = Topic::EventCreated.as_str();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    let now = u64::try_from(now).unwrap_or(u64::MAX);
    let mut records: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for number in 0..events {
        let mut event = example.clone();
        event["id"] = json!(format!("evt-{name}-{number}"));
        event["time"] = json!(jiff::Timestamp::now().to_string());
        event["data"]["eventId"] = json!(format!("event-{name}-{number}"));
        let partition = number % PARTITIONS.unsigned_abs();
        records.entry(format!("{topic}-{partition}")).or_default().push(json!({
            "topic": topic,
            "partition": partition,
            "offset": number / PARTITIONS.unsigned_abs(),
            "timestamp": now,
            "timestampType": "CREATE_TIME",
            "key": STANDARD.encode_to_string(event["data"]["tenantId"].as_str().unwrap_or_default()),
            "value": STANDARD.encode_to_string(event.to_string()),
            "headers": [],
        }));
    }
    json!({
        "eventSource": "aws:kafka",
        "eventSourceArn": CLUSTER_ARN,
        "bootstrapServers": "local",
        "records": records,
    })
}

/// A call that has ended.
#[derive(Debug, Clone)]
struct Span {
    operation: Operation,
    started: Instant,
    ended: Instant,
}

impl Span {
    fn of(call: &Call) -> Option<Self> {
        Some(Self {
            operation: call.operation.clone(),
            started: call.started,
            ended: call.ended?,
        })
    }
}

fn by_operation(spans: &[Span]) -> Vec<OperationCalls> {
    let mut operations: Vec<OperationCalls> = Vec::new();
    for span in spans {
        if operations
            .iter()
            .any(|seen| seen.operation == span.operation)
        {
            continue;
        }
        let same: Vec<&Span> = spans
            .iter()
            .filter(|other| other.operation == span.operation)
            .collect();
        // The number of calls in flight is largest just after a call begins.
        let running_at = |at: Instant| {
            same.iter()
                .filter(|one| one.started <= at && at < one.ended)
                .count()
        };
        operations.push(OperationCalls {
            operation: span.operation.clone(),
            calls: same.len(),
            at_once: same
                .iter()
                .map(|one| running_at(one.started))
                .max()
                .unwrap_or(0),
            in_a_row: longest_chain(same.iter().copied()),
        });
    }
    operations
}

/// The length of the longest chain. The greedy choice is optimal: the call that ends first leaves
/// the most room for the rest.
fn longest_chain<'a>(spans: impl Iterator<Item = &'a Span>) -> usize {
    let mut by_end: Vec<&Span> = spans.collect();
    by_end.sort_by_key(|span| span.ended);
    let mut length = 0;
    let mut free_from = None;
    for span in by_end {
        if free_from.is_none_or(|free_from| span.started >= free_from) {
            length += 1;
            free_from = Some(span.ended);
        }
    }
    length
}

/// The longest chain of operations. One operation waits for another if none of its calls began
/// before the other's first call had ended. Calls that only wait for a free slot do not make the
/// chain longer.
fn different_in_a_row(spans: &[Span]) -> usize {
    let mut first: BTreeMap<&Operation, Span> = BTreeMap::new();
    for span in spans {
        let wave = first.entry(&span.operation).or_insert_with(|| span.clone());
        wave.started = wave.started.min(span.started);
        wave.ended = wave.ended.min(span.ended);
    }
    longest_chain(first.values())
}

impl std::fmt::Display for Waits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "One invocation, {} first-seen events, every call delayed by {} ms.\n",
            self.events,
            self.delay.as_millis()
        )?;
        writeln!(
            f,
            "  {:<32} {:>7} {:>9} {:>9}",
            "operation", "calls", "at once", "in a row"
        )?;
        for one in &self.operations {
            let name = one.operation.to_string();
            writeln!(
                f,
                "  {name:<32} {:>7} {:>9} {:>9}",
                one.calls, one.at_once, one.in_a_row
            )?;
        }
        let calls: usize = self.operations.iter().map(|one| one.calls).sum();
        let ratio = self.elapsed.as_secs_f64() / self.delay.as_secs_f64().max(f64::EPSILON);
        writeln!(f, "\n  {:<32} {calls:>7}", "calls")?;
        writeln!(f, "  {:<32} {:>7}", "longest chain", self.longest_chain)?;
        writeln!(
            f,
            "  {:<32} {:>7}   apart from queueing; publishing to Kafka is one more",
            "waits one after another", self.different_in_a_row
        )?;
        writeln!(
            f,
            "  {:<32} {:>4} ms   {ratio:.1} delays",
            "elapsed",
            self.elapsed.as_millis()
        )?;
        match self.peak_resident_bytes {
            Some(bytes) => {
                write!(
                    f,
                    "  {:<32} {:>4.1} MB",
                    "peak memory of the function",
                    bytes as f64 / 1_000_000.0
                )
            }
            None => write!(f, "  {:<32} not known here", "peak memory of the function"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls as (operation, start, end) in milliseconds.
    fn spans(calls: &[(&str, u64, u64)]) -> Vec<Span> {
        let zero = Instant::now();
        let at = |millis| zero + Duration::from_millis(millis);
        let operation = |name: &str| Operation {
            service: "service".to_owned(),
            name: name.to_owned(),
        };
        calls
            .iter()
            .map(|(name, from, to)| Span {
                operation: operation(name),
                started: at(*from),
                ended: at(*to),
            })
            .collect()
    }

    #[test]
    fn queueing_makes_the_chain_longer_but_not_the_waits() {
        // Three keeps on two slots, then a start and a mark in parallel.
        let spans = spans(&[
            ("Keep", 0, 100),
            ("Keep", 1, 101),
            ("Keep", 100, 200),
            ("Start", 210, 310),
            ("Mark", 215, 320),
        ]);
        assert_eq!(longest_chain(spans.iter()), 3);
        assert_eq!(different_in_a_row(&spans), 2);
        let rows = by_operation(&spans);
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    row.operation.name.as_str(),
                    row.calls,
                    row.at_once,
                    row.in_a_row,
                )
            })
            .collect();
        assert_eq!(
            rows,
            [("Keep", 3, 2, 2), ("Start", 1, 1, 1), ("Mark", 1, 1, 1)]
        );
    }

    #[test]
    fn a_mark_after_its_start_counts_as_another_wait() {
        let spans = spans(&[
            ("Keep", 0, 100),
            ("Start", 100, 200),
            ("Start", 105, 205),
            ("Mark", 200, 300),
        ]);
        assert_eq!(
            (longest_chain(spans.iter()), different_in_a_row(&spans)),
            (3, 3)
        );
        assert_eq!((longest_chain([].iter()), different_in_a_row(&[])), (0, 0));
    }

    #[test]
    fn a_batch_spreads_over_partitions_and_names_each_event_once() {
        let batch = batch(
            &json!({"id": "x", "data": {"tenantId": "t", "eventId": "y"}}),
            "n",
            6,
        );
        let sizes: Vec<usize> = (0..4)
            .map(|n| {
                batch["records"][format!("eventzr.event.created.v1-{n}")]
                    .as_array()
                    .map_or(0, Vec::len)
            })
            .collect();
        assert_eq!(sizes, [2, 2, 1, 1]);
        let value = batch["records"]["eventzr.event.created.v1-1"][1]["value"]
            .as_str()
            .expect("text");
        let mut value: Value =
            serde_json::from_slice(&STANDARD.decode_to_vec(value).expect("base64")).expect("JSON");
        let time: jiff::Timestamp = value["time"]
            .take()
            .as_str()
            .expect("text")
            .parse()
            .expect("a time");
        assert!(
            time.duration_until(jiff::Timestamp::now()) < jiff::SignedDuration::from_mins(1),
            "the time of now"
        );
        assert_eq!(
            value,
            json!({"id": "evt-n-5", "time": null, "data": {"tenantId": "t", "eventId": "event-n-5"}})
        );
    }
}
