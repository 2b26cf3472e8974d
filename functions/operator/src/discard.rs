//! Discard: deletes records that are no longer wanted. Their entries are marked discarded and
//! remain for as long as their events can be redelivered.

use std::time::{Duration, Instant};

use contract::Time;
use dead_letters::DeadLetterError;
use operations::{Discard, Handled, RecordFate};
use runtime::chain;
use store::{DeadLetterEntry, Resolution, ResolveOutcome};

use crate::{
    Operator,
    list::entry_of,
    step::StepError,
    waiting::{SelectedRecord, SelectedRecords},
};

/// The longest run.
const AT_MOST: Duration = Duration::from_secs(60);

/// The most records of one answer.
const MOST: usize = 100;

/// Deletes records, or without `execute` reports which would be deleted.
pub(crate) async fn discard(
    operator: &Operator,
    discard: &Discard,
    now: Time,
) -> Result<Handled, StepError> {
    let begin = Instant::now();
    let mut records = SelectedRecords::of(operator, &discard.which, discard.after.as_deref(), now)?;
    let mut handled = Handled {
        records: Vec::new(),
        unknown: Vec::new(),
        stopped: None,
        next: None,
    };
    while handled.records.len() < MOST && begin.elapsed() < AT_MOST {
        let Some(found) = records.next().await? else {
            break;
        };
        match found {
            SelectedRecord::Waits(entry) => {
                let fate = match discard.execute {
                    false => RecordFate::WouldBeDiscarded,
                    true => match discard_one(operator, &entry, now).await {
                        Ok(fate) => fate,
                        Err(error) => RecordFate::NotYet { why: chain(&error) },
                    },
                };
                tracing::info!(id = %entry.id, fate = fate.as_str(), "dead letter");
                handled.records.push((entry_of(entry), fate));
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

async fn discard_one(
    operator: &Operator,
    entry: &DeadLetterEntry,
    now: Time,
) -> Result<RecordFate, DeadLetterError> {
    let record = match operator.dead_letters.record(entry).await {
        // A record that cannot be read can still be deleted.
        Err(DeadLetterError::Content(_)) => None,
        record => record?,
    };
    Ok(
        match operator
            .dead_letters
            .resolve(entry, record.as_ref(), Resolution::Discarded, now)
            .await?
        {
            ResolveOutcome::Resolved => RecordFate::Discarded,
            ResolveOutcome::CameBack => RecordFate::CameBack {
                cause: entry.cause.clone(),
                count: entry.count,
                now: None,
            },
        },
    )
}
