//! Redrive: invokes the consumers of dead letters again, as the mapping would. Nothing is published
//! to the topics, because their other readers would see each record twice. A record that was
//! handled before has no further effect, because ids are derived from its event.

use std::time::{Duration, Instant};

use contract::{Time, Topic};
use dead_letters::{DeadLetter, DeadLetterError};
use intake::Redelivery;
use operations::{Handled, RecordFate, Redrive};
use runtime::chain;
use store::{DeadLetterEntry, Resolution, ResolveOutcome};
use tokio::time::{Interval, MissedTickBehavior, interval};
use uuid::Uuid;

use crate::{
    Operator,
    invoke::{CONSUMER_AT_MOST, LARGEST_PAYLOAD, invoke},
    list::entry_of,
    step::StepError,
    waiting::{SelectedRecord, SelectedRecords},
};

/// The longest time during which records are begun; the last one may take as long as its consumer
/// does.
const AT_MOST: Duration = Duration::from_secs(150);

/// The most records of one answer.
const MOST: usize = 50;

/// The run stops after this many records in a row that could not be handled now, because the next
/// ones would probably fail too.
const MOST_FAILURES: usize = 3;

/// Redrives records, or without `execute` reports which consumer would get each. A record that its
/// consumer is done with is resolved at once, so that an interrupted run can continue with the
/// rest.
pub(crate) async fn redrive(
    operator: &Operator,
    redrive: &Redrive,
    now: Time,
) -> Result<Handled, StepError> {
    let begin = Instant::now();
    let mut ticks = interval(Duration::from_secs(1) / redrive.pace.per_second.get());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut records = SelectedRecords::of(operator, &redrive.which, redrive.after.as_deref(), now)?;
    let mut handled = Handled {
        records: Vec::new(),
        unknown: Vec::new(),
        stopped: None,
        next: None,
    };
    let mut failures = 0;
    while handled.records.len() < MOST && begin.elapsed() < AT_MOST {
        let Some(found) = records.next().await? else {
            break;
        };
        match found {
            SelectedRecord::Waits(entry) => {
                let fate = redrive_one(operator, &entry, redrive, &mut ticks, now).await;
                let fate = fate.unwrap_or_else(|error| not_yet(chain(&error)));
                tracing::info!(id = %entry.id, fate = fate.as_str(), "dead letter");
                failures = match fate {
                    RecordFate::NotYet { .. } => failures + 1,
                    _ => 0,
                };
                handled.records.push((entry_of(entry), fate));
                if failures == MOST_FAILURES {
                    handled.stopped = Some(format!(
                        "{failures} records in a row could not be handled now"
                    ));
                    return Ok(handled);
                }
            }
            SelectedRecord::WasResolved(entry) => handled
                .records
                .push((entry_of(entry), RecordFate::WasResolved)),
            SelectedRecord::Unknown(id) => handled.unknown.push(id),
        }
    }
    handled.next = records.goes_on();
    Ok(handled)
}

async fn redrive_one(
    operator: &Operator,
    entry: &DeadLetterEntry,
    redrive: &Redrive,
    ticks: &mut Interval,
    now: Time,
) -> Result<RecordFate, DeadLetterError> {
    let topic: Option<Topic> = entry.topic.parse().ok();
    let Some(consumer) = topic.and_then(|topic| operator.config.consumers.get(&topic)) else {
        return Ok(stays(format!("no function consumes {}", entry.topic)));
    };
    if entry.count >= redrive.pace.guard {
        return Ok(stays(format!(
            "it was dead-lettered {} times: each time it came back",
            entry.count
        )));
    }
    let Some(record) = operator.dead_letters.record(entry).await? else {
        return Ok(stays("its content is gone".to_owned()));
    };
    let redelivery = match redelivery_of(&record) {
        Ok(redelivery) => redelivery,
        Err(why) => return Ok(stays(why)),
    };
    let to = consumer.clone();
    if !redrive.execute {
        return Ok(RecordFate::WouldBeRedriven { to });
    }

    // A record that has become readable gets a new id, under which it may come back.
    let new_id = Some(redelivery.id).filter(|id| *id != entry.id);
    let before = match new_id {
        Some(id) => entry_under(operator, id).await?,
        None => None,
    };
    ticks.tick().await;
    if let Err(why) = deliver(operator, consumer, redelivery.payload).await {
        return Ok(not_yet(why));
    }
    let outcome = operator
        .dead_letters
        .resolve(entry, Some(&record), Resolution::Redriven, now)
        .await?;
    if let Some(id) = new_id
        && let Some(now) = entry_under(operator, id).await?
        && before.is_none_or(|before| now.count > before.count)
    {
        return Ok(came_back(now.cause, now.count, Some(now.id)));
    }
    match outcome {
        ResolveOutcome::Resolved => Ok(RecordFate::Redriven { to }),
        ResolveOutcome::CameBack => {
            let now = entry_under(operator, entry.id).await?;
            let (cause, count) = now.map_or_else(Default::default, |now| (now.cause, now.count));
            Ok(came_back(cause, count, None))
        }
    }
}

/// The payload that redelivers a record, or why there is none.
fn redelivery_of(record: &DeadLetter) -> Result<Redelivery, String> {
    let redelivery = intake::redelivery(record).map_err(|error| chain(&error))?;
    match redelivery.payload.len() {
        0..=LARGEST_PAYLOAD => Ok(redelivery),
        bytes => Err(format!(
            "as a batch it has {bytes} bytes; a function takes at most {LARGEST_PAYLOAD}"
        )),
    }
}

/// Invokes a consumer with a record; the error says why the consumer is not done with it.
async fn deliver(operator: &Operator, consumer: &str, payload: String) -> Result<(), String> {
    let answer = invoke(&operator.lambda, consumer, payload, CONSUMER_AT_MOST).await;
    match answer.map(|answer| intake::is_done(&answer)) {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(format!(
            "{consumer} cannot handle it now; the log of {consumer} says why"
        )),
        Ok(Err(error)) => Err(format!(
            "the answer of {consumer} is not that of a consumer: {error}"
        )),
        Err(error) => Err(chain(&error)),
    }
}

/// The table's entry of a dead letter.
async fn entry_under(
    operator: &Operator,
    id: Uuid,
) -> Result<Option<DeadLetterEntry>, DeadLetterError> {
    let entry = operator.store.dead_letter_entry(id).await;
    entry.map_err(DeadLetterError::Entry)
}

fn stays(why: String) -> RecordFate {
    RecordFate::Stays { why }
}

fn not_yet(why: String) -> RecordFate {
    RecordFate::NotYet { why }
}

fn came_back(cause: String, count: u64, now: Option<Uuid>) -> RecordFate {
    RecordFate::CameBack { cause, count, now }
}
