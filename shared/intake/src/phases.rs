//! Handles a batch in phases: all records are read, then committed, then published, then started.
//! Within a phase the records are handled concurrently. Between phases each partition is cut at its
//! first record to retry, so that nothing is published out of order.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant, SystemTime},
};

use contract::{SMOKE_TENANT, Time, Topic};
use dead_letters::{DeadLetter, DeadLetterError};
use domain::{Description, EntityKey, InboundEvent, JobId};
use futures::{
    StreamExt as _,
    future::try_join,
    stream::{self, FuturesUnordered},
};
use kafka::{MESSAGE_TIMEOUT, PublishError};
use outbox::{CommitError, StartError};
use runtime::chain;
use serde::de::DeserializeOwned;
use store::{OutboxEntry, StoreError};
use telemetry::{Kind, Measured, Span, Traces};
use tokio::time::timeout;

use crate::{
    App,
    batch::{self, BatchError, Partition, Record},
    examine::{Examination, dead_letter, examine_record},
    response::{BatchItemFailure, BatchResponse, ItemIdentifier},
};

/// The most records in flight in one phase. Each call needs a connection of its own (AWS speaks
/// HTTP/1.1), and opening another connection costs more than waiting for a free one.
const RECORDS_IN_FLIGHT: usize = 32;

/// The least time that a phase needs to begin: enough for one call that is answered at its last
/// moment, or for every acknowledgement.
const COMMIT_TIME: Duration = Duration::from_secs(6);
const PUBLISH_TIME: Duration = MESSAGE_TIMEOUT.saturating_add(Duration::from_secs(1));
const START_TIME: Duration = Duration::from_secs(6);

/// How long before its end a phase stops its calls, so that their results still count.
const SLACK: Duration = Duration::from_secs(1);

/// The progress of a record.
enum Progress {
    /// Read: its event and description.
    Described(Box<(InboundEvent, Description)>),
    /// It can never succeed; it will be dead-lettered.
    Poison(Box<DeadLetter>),
    /// Its decision is committed.
    Committed(OutboxEntry),
    /// It has ended.
    Over(Fate),
}

/// How a record ends in this invocation.
#[derive(Debug)]
enum Fate {
    /// All its consequences are committed, published and started.
    Done,
    /// It can never succeed; it is stored as a dead letter.
    DeadLetter,
    /// The mapping must redeliver it.
    Retry(Retry),
}

/// Why a record must be redelivered.
#[derive(Debug, thiserror::Error)]
enum Retry {
    #[error(transparent)]
    Commit(CommitError),
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

/// A record and its progress.
struct Item<'a> {
    partition: usize,
    record: &'a Record<'a>,
    progress: Progress,
    span: Span<'a>,
}

/// Handles one batch of `topic` until `deadline`. `describe` reads the data of an event.
///
/// # Errors
/// A [`BatchError`] if the payload is not a batch, so that no record of it can be identified.
pub(crate) async fn handle<D: DeserializeOwned>(
    topic: Topic,
    describe: impl Fn(D) -> Description,
    app: &App,
    payload: &str,
    deadline: SystemTime,
) -> Result<BatchResponse, BatchError> {
    let begun = Instant::now();
    let partitions = batch::parse(payload)?;
    let mut whole =
        app.telemetry
            .traces
            .begin(format_args!("handle {topic}"), Kind::Internal, None);
    whole.set("faas.trigger", "pubsub");
    let mut items: Vec<Item<'_>> = Vec::new();
    for (partition, Partition { records, .. }) in partitions.iter().enumerate() {
        items.extend(records.iter().map(|record| {
            let mut examination = examine_record(topic, record, &describe);
            let mut span = span_of(record, &examination, topic, &app.telemetry.traces);
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

    // Each phase ends early enough for the next ones; records that it has not finished by then are
    // redelivered.
    let start_by = deadline - START_TIME;
    let publish_by = start_by - PUBLISH_TIME;
    if begin(&mut items, "commit", COMMIT_TIME, publish_by) {
        commit_all(&mut items, app, publish_by - SLACK).await;
        cut(&mut items);
    }
    if begin(&mut items, "publish", PUBLISH_TIME, start_by) {
        publish_all(&mut items, app).await;
        cut(&mut items);
    }
    if begin(&mut items, "start", START_TIME, deadline) {
        start_all(&mut items, app, deadline - SLACK).await;
        cut(&mut items);
    }
    let response = respond(&partitions, &mut items);
    if let Some(measured) = measured(topic, &items, begun.elapsed()) {
        app.telemetry.metrics.emit(measured);
    }
    Ok(response)
}

/// Whether there is enough time for `phase`, which must end by `until`. If not, all unfinished
/// records are marked for redelivery.
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

/// Cuts each partition at its first record to redeliver: the mapping sends the later ones again
/// too.
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

/// Commits a decision for each record, concurrently across entities and in order within one;
/// dead-letters the records that can never succeed.
async fn commit_all(items: &mut [Item<'_>], app: &App, until: SystemTime) {
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
                    let entry = timeout(left(until), commit_one(item, app)).await;
                    if entry.is_err() {
                        item.progress = Progress::Over(Fate::Retry(Retry::NoTime("commit")));
                    }
                    stopped = matches!(item.progress, Progress::Over(Fate::Retry(_)));
                }
            }
        })
        .await;
}

async fn commit_one(item: &mut Item<'_>, app: &App) {
    let now = now();
    let letter = match &item.progress {
        Progress::Described(read) => match app.outbox.commit(&read.0, &read.1, now).await {
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
    let fate = match app.dead_letters.write(letter, now).await {
        Ok(()) => {
            // The cause is not logged, because it quotes the record; `studio dead-letters show`
            // prints it for this id.
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

/// Publishes the committed entries, pipelined and in the records' order.
async fn publish_all(items: &mut [Item<'_>], app: &App) {
    let entries: Vec<&OutboxEntry> = items.iter().filter_map(Item::entry).collect();
    let published = app.outbox.publish(&entries).await;
    let waiting = items.iter_mut().filter(|item| item.entry().is_some());
    for (item, outcome) in waiting.zip(published) {
        match outcome {
            Ok(()) => item.span.happens("published"),
            Err(error) => item.progress = Progress::Over(Fate::Retry(Retry::Publish(error))),
        }
    }
}

async fn start_jobs(jobs: &[JobId], app: &App) -> Result<(), Retry> {
    let mut starts: FuturesUnordered<_> = jobs
        .iter()
        .map(|job| app.outbox.start(*job, now()))
        .collect();
    while let Some(started) = starts.next().await {
        started.map_err(Retry::Start)?;
    }
    Ok(())
}

/// Starts the jobs and marks the entries published, concurrently. Marking need not wait for the
/// starts: a redelivery starts the jobs again even if the entry is marked published.
async fn start_all(items: &mut [Item<'_>], app: &App, until: SystemTime) {
    stream::iter(items.iter_mut())
        .for_each_concurrent(RECORDS_IN_FLIGHT, |item| async {
            let Some(entry) = item.entry() else { return };
            let starts = start_jobs(&entry.starts, app);
            let mark = async { app.store.mark_published(entry).await.map_err(Retry::Mark) };
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

/// The span of a record, a child in its event's trace. Its attributes follow OpenTelemetry's
/// messaging conventions; they never hold the event's data.
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

/// The answer. Also logs the invocation: each failure with its causes, the records that only follow
/// a failure as a count.
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

/// The metrics of a batch, without the records of smoke checks. `None` if it has no other records.
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

fn now() -> Time {
    Time::new(jiff::Timestamp::now())
}
