//! Handles a batch in phases: all records are read, then committed (`phases/commit.rs`), then
//! published, then sent to the queue (`phases/send.rs`). At the end what an operator set aside becomes
//! a dead letter, if it stops its partition (`phases/set_aside.rs`). Within a phase the records are handled
//! concurrently; what is bounded is the number of calls in flight (`calls.rs`). Between phases each
//! partition is cut at its first record to retry, so that nothing is published out of order.

mod commit;
mod lines;
mod send;
mod set_aside;

use std::time::{Duration, Instant, SystemTime};

use contract::{Time, Topic};
use domain::Description;
use jiff::Timestamp;
use kafka::MESSAGE_TIMEOUT;
use serde::de::DeserializeOwned;
use store::OutboxEntry;
use telemetry::{Kind, Span, Traces};

use crate::{
    batch::{self, Batch, BatchError, Partition},
    calls::Calls,
    effects::Effects,
    examine::examine_record,
    progress::{Fate, Progress, RecordInHand, Retry},
    remarks::Remarks,
    report::{measured, respond, span_of, times},
    response::BatchResponse,
};

/// The least time that a phase needs to begin: enough for one call that is answered at its last
/// moment, or for every acknowledgement. What the commit phase cannot do in it, with its reads and
/// its groups one after the other, comes again.
const COMMIT_TIME: Duration = Duration::from_secs(6);
const PUBLISH_TIME: Duration = MESSAGE_TIMEOUT.saturating_add(Duration::from_secs(1));
const SEND_TIME: Duration = Duration::from_secs(6);

/// How long before its end a phase stops its calls, so that their results still count.
const SLACK: Duration = Duration::from_secs(1);

/// Handles one batch of `topic` until `deadline`. `describe` reads the data of an event.
///
/// # Errors
/// A [`BatchError`] if the payload is not a batch, so that no record of it can be identified.
pub(crate) async fn handle<D: DeserializeOwned>(
    topic: Topic,
    describe: impl Fn(D) -> Description,
    effects: &impl Effects,
    payload: &str,
    deadline: SystemTime,
) -> Result<BatchResponse, BatchError> {
    let begun = Instant::now();
    let Batch { by, partitions } = batch::parse(payload)?;
    let traces = effects.traces();
    let mut whole = traces.begin(format_args!("handle {topic}"), Kind::Internal, None);
    whole.set("faas.trigger", "pubsub");
    let now = time(effects.now());
    let mut items = examine_all(topic, describe, &partitions, traces, &whole, now);
    whole.set(
        "messaging.batch.message_count",
        i64::try_from(items.len()).unwrap_or(i64::MAX),
    );

    let calls = Calls::new();
    // Each phase ends early enough for the next ones; records that it has not finished by then are
    // redelivered.
    let send_by = deadline - SEND_TIME;
    let publish_by = send_by - PUBLISH_TIME;
    if begin(&mut items, "commit", COMMIT_TIME, left(effects, publish_by)) {
        // Boxed, because an optimized build computes the layout of all that is awaited in one piece,
        // and would come to its limit.
        let commit = commit::all(&mut items, by, effects, &calls, publish_by - SLACK);
        Box::pin(commit).await;
        cut(&mut items);
    }
    if begin(&mut items, "publish", PUBLISH_TIME, left(effects, send_by)) {
        publish_all(&mut items, effects).await;
        cut(&mut items);
    }
    if begin(&mut items, "send", SEND_TIME, left(effects, deadline)) {
        // Boxed for the same reason.
        Box::pin(send::all(&mut items, effects, &calls, deadline - SLACK)).await;
        cut(&mut items);
    }
    set_aside::all(&mut items, topic, by, effects, deadline - SLACK).await;
    let response = respond(&partitions, &mut items);
    if let Some(measured) = measured(topic, &items, begun.elapsed()) {
        effects.emit(measured);
    }
    let times = times(&items);
    times.say_ahead(topic);
    for measured in times.measured(topic) {
        effects.emit(measured);
    }
    Ok(response)
}

/// Examines each record, which came at `now`, and begins its span, which links to the span of the
/// whole batch.
fn examine_all<'a, D: DeserializeOwned>(
    topic: Topic,
    describe: impl Fn(D) -> Description,
    partitions: &'a [Partition<'a>],
    traces: &'a Traces,
    whole: &Span<'_>,
    now: Time,
) -> Vec<RecordInHand<'a>> {
    let mut items = Vec::new();
    for (partition, Partition { records, .. }) in partitions.iter().enumerate() {
        items.extend(records.iter().map(|record| {
            let mut examination = examine_record(topic, record, &describe);
            let mut span = span_of(record, &examination, topic, traces);
            if let Some(whole) = whole.context() {
                span.link(whole);
            }
            if let Ok(read) = &mut examination {
                read.inbound.trace = span.context();
            }
            let remarks = match &examination {
                Ok(read) => Remarks::at_arrival(read, now),
                Err(_) => Remarks::default(),
            };
            let progress = match examination {
                Ok(read) => Progress::Described(read),
                Err(letter) => Progress::Poison(letter),
            };
            RecordInHand {
                partition,
                record,
                progress,
                span,
                remarks,
            }
        }));
    }
    items
}

/// Whether `left` is enough time for `phase`, which takes `takes`. If not, all unfinished records
/// are marked for redelivery.
fn begin(
    items: &mut [RecordInHand<'_>],
    phase: &'static str,
    takes: Duration,
    left: Duration,
) -> bool {
    if left >= takes {
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

/// The time that is left until `until`.
fn left(effects: &impl Effects, until: SystemTime) -> Duration {
    until.duration_since(effects.now()).unwrap_or_default()
}

/// Cuts each partition at its first record to redeliver: the mapping sends the later ones again
/// too.
fn cut(items: &mut [RecordInHand<'_>]) {
    let mut stopped = None;
    for item in items {
        if stopped == Some(item.partition) {
            // What failed for several records is logged once for a partition.
            let has_own_reason = match &item.progress {
                Progress::Over(Fate::Retry(why)) => !why.is_of_several(),
                _ => false,
            };
            if !has_own_reason {
                item.progress = Progress::Over(Fate::Retry(Retry::Follows));
            }
        } else if matches!(item.progress, Progress::Over(Fate::Retry(_))) {
            stopped = Some(item.partition);
        }
    }
}

/// Publishes the committed entries, pipelined and in the records' order.
async fn publish_all(items: &mut [RecordInHand<'_>], effects: &impl Effects) {
    let entries: Vec<&OutboxEntry> = items.iter().filter_map(RecordInHand::entry).collect();
    let published = effects.publish(&entries).await;
    let waiting = items.iter_mut().filter(|item| item.entry().is_some());
    for (item, outcome) in waiting.zip(published) {
        match outcome {
            Ok(()) => item.span.happens("published"),
            Err(error) => item.progress = Progress::Over(Fate::Retry(Retry::Publish(error))),
        }
    }
}

/// The clock's time, as events and the table have it.
fn time(now: SystemTime) -> Time {
    Time::new(Timestamp::try_from(now).expect("the clock shows a year before 10000"))
}

#[cfg(test)]
mod tests;
