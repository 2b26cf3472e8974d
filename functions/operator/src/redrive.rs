//! Redrive: invokes the consumers of dead letters again, as the mapping would. Nothing is published
//! to the topics, because their other readers would see each record twice. A record that was
//! handled before has no further effect, because ids are derived from its event. A message goes back
//! to its queue.

use std::time::{Duration, Instant};

use contract::Time;
use dead_letters::DeadLetterError;
use operations::{Handled, RecordFate, Redrive};
use runtime::chain;
use store::{DeadLetterEntry, Resolution, ResolveOutcome};
use tokio::time::{Interval, MissedTickBehavior, interval};
use uuid::Uuid;

use crate::{
    Operator,
    delivery::Delivery,
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
    if entry.count >= redrive.pace.guard {
        return Ok(stays(format!(
            "it was dead-lettered {} times: each time it came back",
            entry.count
        )));
    }
    let Some(record) = operator.dead_letters.record(entry).await? else {
        return Ok(stays("its content is gone".to_owned()));
    };
    let delivery = match Delivery::of(operator, &record) {
        Ok(delivery) => delivery,
        Err(why) => return Ok(stays(why)),
    };
    let to = delivery.to().to_owned();
    if !redrive.execute {
        return Ok(RecordFate::WouldBeRedriven { to });
    }

    let new_id = delivery.new_id(entry.id);
    let before = match new_id {
        Some(id) => entry_under(operator, id).await?,
        None => None,
    };
    ticks.tick().await;
    if let Err(why) = delivery.deliver(operator).await {
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
