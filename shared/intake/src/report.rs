//! What is reported about a batch: the answer, the log, the metrics and the span of each record.

use std::{fmt, time::Duration};

use contract::{SMOKE_TENANT, Topic};
use runtime::chain;
use telemetry::{Kind, Measured, Span, Traces};

use crate::{
    batch::{Partition, Record},
    examine::Examination,
    progress::{Fate, Progress, RecordInHand, Retry},
    record::ReadEvent,
    remarks::Times,
    response::{BatchItemFailure, BatchResponse, ItemIdentifier},
};

/// The span of a record, a child in its event's trace. Its attributes follow OpenTelemetry's
/// messaging conventions; they never hold the event's data.
pub(crate) fn span_of<'t>(
    record: &Record<'_>,
    examination: &Examination,
    topic: Topic,
    traces: &'t Traces,
) -> Span<'t> {
    let read = examination.as_ref().ok();
    let parent = read.and_then(|read| read.inbound.trace);
    let mut span = traces.begin(format_args!("process {topic}"), Kind::Consumer, parent);
    if !span.is_recorded() {
        return span;
    }
    span.set("messaging.system", "kafka");
    span.set("messaging.operation.type", "process");
    span.set("messaging.operation.name", "process");
    span.set("messaging.destination.name", record.topic.to_string());
    span.set(
        "messaging.destination.partition.id",
        record.partition.to_string(),
    );
    span.set("messaging.kafka.offset", record.offset);
    if let Some(ReadEvent {
        inbound,
        description,
    }) = read.map(|read| &**read)
    {
        span.set("cloudevents.event_id", inbound.id.clone());
        span.set("cloudevents.event_source", inbound.source.clone());
        span.set("cloudevents.event_type", topic.as_str());
        span.set("studio.tenant", description.tenant.as_str().to_owned());
    }
    span
}

/// The answer. Also logs the invocation: each failure with its causes, the records that only follow
/// a failure as a count.
pub(crate) fn respond(
    partitions: &[Partition<'_>],
    items: &mut [RecordInHand<'_>],
) -> BatchResponse {
    let mut response = BatchResponse::default();
    let mut counts = vec![Counts::default(); partitions.len()];
    let received = items.len();
    for item in items {
        if let Progress::Over(fate) = &item.progress {
            counts[item.partition].add(fate);
        }
        match &item.progress {
            Progress::Over(Fate::Done) => item.remarks.say_older(item.record),
            Progress::Over(Fate::DeadLetter) => {}
            Progress::Over(Fate::Retry(retry)) => {
                if item.span.is_recorded() {
                    item.span.fails(chain(retry));
                }
                log_retry(item, retry);
                response.batch_item_failures.push(BatchItemFailure {
                    item_identifier: ItemIdentifier {
                        partition: partitions[item.partition].name.clone(),
                        offset: item.record.offset,
                    },
                });
            }
            Progress::Described(_) | Progress::Poison(_) | Progress::Committed(_) => {
                unreachable!(
                    "each phase ends with every record committed or over, and the last one with every record over"
                )
            }
        }
    }
    let Counts {
        done,
        dead_lettered,
        retried,
    } = counts.iter().copied().fold(Counts::default(), Counts::plus);
    let by_partition = partitions
        .iter()
        .zip(&counts)
        .map(|(partition, counts)| format!("{}: {counts}", partition.name));
    let by_partition = by_partition.collect::<Vec<_>>().join("; ");
    tracing::info!(
        received,
        done,
        dead_lettered,
        retried,
        by_partition,
        "batch handled"
    );
    response
}

/// Logs why a record must be redelivered, unless it only follows another.
fn log_retry(item: &RecordInHand<'_>, retry: &Retry) {
    if matches!(retry, Retry::Follows) {
        return;
    }
    let (topic, partition, offset) = (
        &*item.record.topic,
        item.record.partition,
        item.record.offset,
    );
    tracing::error!(
        topic,
        partition,
        offset,
        "record to be delivered again: {}",
        chain(retry)
    );
}

/// The metrics of a batch, without the records of smoke checks. `None` if it has no other records.
pub(crate) fn measured(
    topic: Topic,
    items: &[RecordInHand<'_>],
    took: Duration,
) -> Option<Measured<'static>> {
    let mut counts = Counts::default();
    for item in items.iter().filter(|item| !is_smoke(item)) {
        if let Progress::Over(fate) = &item.progress {
            counts.add(fate);
        }
    }
    let Counts {
        done,
        dead_lettered,
        retried,
    } = counts;
    let received = done + dead_lettered + retried;
    (received > 0).then_some(Measured::Batch {
        topic,
        received,
        done,
        dead_lettered,
        retried,
        took,
    })
}

/// What is said of the events that are done, without those of smoke checks.
pub(crate) fn times(items: &[RecordInHand<'_>]) -> Times {
    let mut times = Times::default();
    for item in items.iter().filter(|item| !is_smoke(item)) {
        if let Progress::Over(Fate::Done) = &item.progress {
            times.add(&item.remarks);
        }
    }
    times
}

/// Whether it is a record of a smoke check.
fn is_smoke(item: &RecordInHand<'_>) -> bool {
    let content = item.record.content.as_ref();
    content.is_ok_and(|content| content.key.as_deref() == Some(SMOKE_TENANT.as_bytes()))
}

/// The number of records by fate.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    done: usize,
    dead_lettered: usize,
    retried: usize,
}

impl Counts {
    fn add(&mut self, fate: &Fate) {
        match fate {
            Fate::Done => self.done += 1,
            Fate::DeadLetter => self.dead_lettered += 1,
            Fate::Retry(_) => self.retried += 1,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            done: self.done + other.done,
            dead_lettered: self.dead_lettered + other.dead_lettered,
            retried: self.retried + other.retried,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} done, {} dead-lettered, {} retried",
            self.done, self.dead_lettered, self.retried
        )
    }
}
