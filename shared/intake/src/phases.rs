//! A batch in phases: everything is read, then committed, then published, then started. In each
//! phase all records go at once; between two phases a partition is cut at its first record to be
//! retried, so that nothing is published out of turn.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant, SystemTime},
};

use contract::{SMOKE_TENANT, Time, Topic};
use domain::{Description, EntityKey, InboundEvent, JobId};
use futures::{
    StreamExt as _,
    future::try_join,
    stream::{self, FuturesUnordered},
};
use journal::{DeadLetter, DeadLetterError, Journal, OutboxEntry, StartError, StoreError};
use kafka::{MESSAGE_TIMEOUT, PublishError};
use runtime::chain;
use serde::de::DeserializeOwned;
use telemetry::{Kind, Measured, Span, Telemetry, Traces};
use tokio::time::timeout;

use crate::{
    batch::{self, BatchError, Partition, Record},
    examine::{Examination, dead_letter, examine_record},
    response::{BatchItemFailure, BatchResponse, ItemIdentifier},
};

/// Records in flight at once in one phase. Each call needs a connection of its own (AWS speaks
/// HTTP/1.1), and a new connection costs more than a turn in the queue.
const RECORDS_IN_FLIGHT: usize = 32;

/// The least a phase needs to begin: one call that is answered at its last moment, or every
/// acknowledgement.
const COMMIT_TIME: Duration = Duration::from_secs(6);
const PUBLISH_TIME: Duration = MESSAGE_TIMEOUT.saturating_add(Duration::from_secs(1));
const START_TIME: Duration = Duration::from_secs(6);

/// How long before its end a phase stops, so that what it did counts.
const SLACK: Duration = Duration::from_secs(1);

/// Where a record is on its way.
enum Progress {
    /// Read: what it says.
    Described(Box<(InboundEvent, Description)>),
    /// It can never succeed, and is to be dead-lettered.
    Poison(Box<DeadLetter>),
    /// Its decision stands.
    Committed(OutboxEntry),
    /// There is nothing more to do for it.
    Over(Fate),
}

/// How a record ends in this invocation.
#[derive(Debug)]
enum Fate {
    /// Everything that follows from it is committed, published and started.
    Done,
    /// It can never succeed, and stands in the bucket.
    DeadLetter,
    /// The mapping is to deliver it again.
    Retry(Retry),
}

/// Why a record is to be delivered again.
#[derive(Debug, thiserror::Error)]
enum Retry {
    #[error(transparent)]
    Commit(StoreError),
    #[error(transparent)]
    DeadLetter(DeadLetterError),
    #[error(transparent)]
    Publish(PublishError),
    #[error(transparent)]
    Start(StartError),
    #[error("marking an outbox entry published")]
    Mark(#[source] StoreError),
    #[error("no time is left to {0} it")]
    NoTime(&'static str),
    #[error("it comes after one to be delivered again")]
    Follows,
}

/// A record on its way.
struct Item<'a> {
    partition: usize,
    record: &'a Record<'a>,
    progress: Progress,
    span: Span<'a>,
}

/// Handles one batch of `topic`, whose events `describe` reads, until `deadline`.
///
/// # Errors
/// A [`BatchError`] if the payload is not a batch, so that no record of it can be named.
pub(crate) async fn handle<D: DeserializeOwned>(
    topic: Topic,
    describe: impl Fn(D) -> Description,
    (journal, telemetry): (&Journal, &Telemetry),
    payload: &str,
    deadline: SystemTime,
) -> Result<BatchResponse, BatchError> {
    let begun = Instant::now();
    let partitions = batch::parse(payload)?;
    let mut whole = telemetry
        .traces
        .begin(format_args!("handle {topic}"), Kind::Internal, None);
    whole.set("faas.trigger", "pubsub");
    let mut items: Vec<Item<'_>> = Vec::new();
    for (partition, Partition { records, .. }) in partitions.iter().enumerate() {
        items.extend(records.iter().map(|record| {
            let mut examination = examine_record(topic, record, &describe);
            let mut span = span_of(record, &examination, topic, &telemetry.traces);
            if let Some(whole) = whole.context() {
                span.link(whole);
            }
            if let Ok(read) = &mut examination {
                read.0.trace = span.context();
            }
            let progress = match examination {
                Ok(read) => Progress::Described(read),
                Err(letter) => Progress::Poison(letter),
            };
            Item {
                partition,
                record,
                progress,
                span,
            }
        }));
    }
    whole.set(
        "messaging.batch.message_count",
        i64::try_from(items.len()).unwrap_or(i64::MAX),
    );

    // Each phase ends in time for the next ones; what it has not done by then is to be delivered
    // again.
    let start_by = deadline - START_TIME;
    let publish_by = start_by - PUBLISH_TIME;
    if begin(&mut items, "keep", COMMIT_TIME, publish_by) {
        keep(&mut items, journal, publish_by - SLACK).await;
        cut(&mut items);
    }
    if begin(&mut items, "tell", PUBLISH_TIME, start_by) {
        tell(&mut items, journal).await;
        cut(&mut items);
    }
    if begin(&mut items, "start", START_TIME, deadline) {
        start(&mut items, journal, deadline - SLACK).await;
        cut(&mut items);
    }
    let response = respond(&partitions, &mut items);
    if let Some(measured) = measured(topic, &items, begun.elapsed()) {
        telemetry.metrics.emit(measured);
    }
    Ok(response)
}

/// Whether `phase` may begin, which must end by `until`; if there is no time for it, whatever is
/// not over is to be delivered again.
fn begin(items: &mut [Item<'_>], phase: &'static str, takes: Duration, until: SystemTime) -> bool {
    if left(until) >= takes {
        return true;
    }
    let mut stopped = None;
    for item in items.iter_mut() {
        if stopped != Some(item.partition) && !matches!(item.progress, Progress::Over(_)) {
            item.progress = Progress::Over(Fate::Retry(Retry::NoTime(phase)));
            stopped = Some(item.partition);
        }
    }
    cut(items);
    false
}

fn left(until: SystemTime) -> Duration {
    until.duration_since(SystemTime::now()).unwrap_or_default()
}

/// Cuts each partition at its first record to be delivered again: those after it come again too.
fn cut(items: &mut [Item<'_>]) {
    let mut stopped = None;
    for item in items {
        if stopped == Some(item.partition) {
            if !matches!(item.progress, Progress::Over(Fate::Retry(_))) {
                item.progress = Progress::Over(Fate::Retry(Retry::Follows));
            }
        } else if matches!(item.progress, Progress::Over(Fate::Retry(_))) {
            stopped = Some(item.partition);
        }
    }
}

/// Keeps a decision for every record, at once across entities and in order within one; dead-letters
/// what can never succeed.
async fn keep(items: &mut [Item<'_>], journal: &Journal, until: SystemTime) {
    let mut entities: BTreeMap<EntityKey, Vec<&mut Item<'_>>> = BTreeMap::new();
    let mut lines: Vec<Vec<&mut Item<'_>>> = Vec::new();
    for item in items {
        match &item.progress {
            Progress::Described(read) => {
                let (_, description) = &**read;
                entities
                    .entry(EntityKey::new(&description.tenant, &description.entity))
                    .or_default()
                    .push(item);
            }
            _ => lines.push(vec![item]),
        }
    }
    lines.extend(entities.into_values());
    stream::iter(lines)
        .for_each_concurrent(RECORDS_IN_FLIGHT, |line| async {
            let mut stopped = false;
            for item in line {
                if stopped {
                    item.progress = Progress::Over(Fate::Retry(Retry::Follows));
                } else {
                    let entry = timeout(left(until), commit_one(item, journal)).await;
                    if entry.is_err() {
                        item.progress = Progress::Over(Fate::Retry(Retry::NoTime("keep")));
                    }
                    stopped = matches!(item.progress, Progress::Over(Fate::Retry(_)));
                }
            }
        })
        .await;
}

async fn commit_one(item: &mut Item<'_>, journal: &Journal) {
    let now = now();
    let letter = match &item.progress {
        Progress::Described(read) => match journal.commit(&read.0, &read.1, now).await {
            Ok(entry) => {
                item.span.happens("committed");
                item.progress = Progress::Committed(entry);
                return;
            }
            Err(error) if error.is_transient() => {
                item.progress = Progress::Over(Fate::Retry(Retry::Commit(error)));
                return;
            }
            Err(error) => &dead_letter(item.record, &chain(&error)),
        },
        Progress::Poison(letter) => letter,
        Progress::Committed(_) | Progress::Over(_) => return,
    };
    let fate = match journal.write_dead_letter(letter, now).await {
        Ok(()) => {
            // Not its cause, which quotes what somebody sent: `studio dead-letters show` has that
            // under the id.
            let (topic, partition, offset, id) =
                (&*letter.topic, letter.partition, letter.offset, letter.id());
            tracing::warn!(topic, partition, offset, %id, tenant = letter.tenant(), "record dead-lettered");
            item.span.happens("dead-lettered");
            Fate::DeadLetter
        }
        Err(error) => Fate::Retry(Retry::DeadLetter(error)),
    };
    item.progress = Progress::Over(fate);
}

/// Tells what was committed, pipelined and in the records' order.
async fn tell(items: &mut [Item<'_>], journal: &Journal) {
    let entry: Vec<&OutboxEntry> = items.iter().filter_map(Item::entry).collect();
    let published = journal.publish(&entry).await;
    let waiting = items.iter_mut().filter(|item| item.entry().is_some());
    for (item, outcome) in waiting.zip(published) {
        match outcome {
            Ok(()) => item.span.happens("published"),
            Err(error) => item.progress = Progress::Over(Fate::Retry(Retry::Publish(error))),
        }
    }
}

async fn start_all(jobs: &[JobId], journal: &Journal) -> Result<(), Retry> {
    let mut starts: FuturesUnordered<_> =
        jobs.iter().map(|job| journal.start(*job, now())).collect();
    while let Some(started) = starts.next().await {
        started.map_err(Retry::Start)?;
    }
    Ok(())
}

/// Starts the jobs and notes that they are published: one wait, for a redelivery starts again
/// whatever was published.
async fn start(items: &mut [Item<'_>], journal: &Journal, until: SystemTime) {
    stream::iter(items.iter_mut())
        .for_each_concurrent(RECORDS_IN_FLIGHT, |item| async {
            let Some(entry) = item.entry() else { return };
            let starts = start_all(&entry.starts, journal);
            let mark = async { journal.mark_published(entry).await.map_err(Retry::Mark) };
            let fate = match timeout(left(until), try_join(starts, mark)).await {
                Ok(Ok(_)) => Fate::Done,
                Ok(Err(retry)) => Fate::Retry(retry),
                Err(_) => Fate::Retry(Retry::NoTime("start")),
            };
            if matches!(fate, Fate::Done) {
                item.span.happens("started");
            }
            item.progress = Progress::Over(fate);
        })
        .await;
}

/// A record's own span, a part of the trace that its event came with: what it is, in
/// OpenTelemetry's words for messaging, and never what it says.
fn span_of<'t>(
    record: &Record<'_>,
    examination: &Examination,
    topic: Topic,
    traces: &'t Traces,
) -> Span<'t> {
    let read = examination.as_ref().ok();
    let parent = read.and_then(|read| read.0.trace);
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
    if let Some((inbound, description)) = read.map(|read| &**read) {
        span.set("cloudevents.event_id", inbound.id.clone());
        span.set("cloudevents.event_source", inbound.source.clone());
        span.set("cloudevents.event_type", topic.as_str());
        span.set("studio.tenant", description.tenant.as_str().to_owned());
    }
    span
}

impl Item<'_> {
    fn entry(&self) -> Option<&OutboxEntry> {
        match &self.progress {
            Progress::Committed(entry) => Some(entry),
            Progress::Described(_) | Progress::Poison(_) | Progress::Over(_) => None,
        }
    }
}

/// The answer, and the invocation's line in the log: failures once and with their causes, followers
/// only as a count.
fn respond(partitions: &[Partition<'_>], items: &mut [Item<'_>]) -> BatchResponse {
    let mut response = BatchResponse::default();
    let mut counts = vec![Counts::default(); partitions.len()];
    let received = items.len();
    for item in items {
        if let Progress::Over(fate) = &item.progress {
            counts[item.partition].add(fate);
        }
        match &item.progress {
            Progress::Over(Fate::Done | Fate::DeadLetter) => {}
            Progress::Over(Fate::Retry(retry)) => {
                if item.span.is_recorded() {
                    item.span.fails(chain(retry));
                }
                if !matches!(retry, Retry::Follows) {
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

/// A batch as the metrics have it: without what a smoke check sent, and nothing of one that has
/// nothing else.
fn measured(topic: Topic, items: &[Item<'_>], took: Duration) -> Option<Measured<'static>> {
    let is_smoke = |item: &Item<'_>| {
        item.record
            .content
            .as_ref()
            .is_ok_and(|content| content.key.as_deref() == Some(SMOKE_TENANT.as_bytes()))
    };
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

/// What became of some records.
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

fn now() -> Time {
    Time::new(jiff::Timestamp::now())
}
