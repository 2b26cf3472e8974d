//! Discard: records that nobody wants are deleted. Their entries say so for as long as an event may
//! come again.

use std::time::{Duration, Instant};

use contract::Time;
use journal::{DeadLetterError, Entry, Outcome, Resolution};
use operations::{Fate, Handled, Which};
use runtime::chain;

use crate::{
    Operator,
    list::entry_of,
    step::StepError,
    waiting::{Found, Records},
};

/// How long it goes on.
const AT_MOST: Duration = Duration::from_secs(60);

/// How many are handled before it is said what became of them.
const MOST: usize = 100;

/// Deletes records, or says which would be.
pub(crate) async fn discard(
    operator: &Operator,
    which: &Which,
    after: Option<&str>,
    execute: bool,
    now: Time,
) -> Result<Handled, StepError> {
    let begin = Instant::now();
    let mut records = Records::of(&operator.journal, which, after, now)?;
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
            Found::Waits(entry) => {
                let fate = match execute {
                    false => Fate::WouldBeDiscarded,
                    true => match discard_one(operator, &entry, now).await {
                        Ok(fate) => fate,
                        Err(error) => Fate::NotYet { why: chain(&error) },
                    },
                };
                tracing::info!(id = %entry.id, fate = fate.as_str(), "dead letter");
                handled.records.push((entry_of(entry), fate));
            }
            Found::WasResolved(entry) => handled.records.push((entry_of(entry), Fate::WasResolved)),
            Found::Unknown(id) => handled.unknown.push(id),
        }
    }
    handled.next = records.goes_on();
    Ok(handled)
}

async fn discard_one(
    operator: &Operator,
    entry: &Entry,
    now: Time,
) -> Result<Fate, DeadLetterError> {
    let record = match operator.journal.dead_letter(entry).await {
        // What cannot be read can be deleted.
        Err(DeadLetterError::Content(_)) => None,
        record => record?,
    };
    Ok(
        match operator
            .journal
            .resolve(entry, record.as_ref(), Resolution::Discarded, now)
            .await?
        {
            Outcome::Resolved => Fate::Discarded,
            Outcome::CameBack => Fate::CameBack {
                cause: entry.cause.clone(),
                count: entry.count + 1,
                now: None,
            },
        },
    )
}
