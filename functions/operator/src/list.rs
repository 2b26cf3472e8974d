//! List: the dead letters that wait for an operator, the newest first.

use std::time::{Duration, Instant};

use contract::Time;
use operations::{DeadLetterSummary, HowResolved, ListDeadLetters, Listed};
use runtime::chain;
use store::DeadLetterEntry;

use crate::{
    Operator,
    gather::gather,
    step::StepError,
    waiting::{Oldest, WaitingRecords},
};

/// The longest run of gathering before a list.
const GATHER_AT_MOST: Duration = Duration::from_secs(60);

/// The longest search for a page; if few records match, the page may be short.
const AT_MOST: Duration = Duration::from_secs(30);

/// The largest page.
const MOST: u32 = 500;

/// Gathers the on-failure envelopes, then lists up to `most` records that match.
pub(crate) async fn list(
    operator: &Operator,
    list: &ListDeadLetters,
    now: Time,
) -> Result<Listed, StepError> {
    let ListDeadLetters {
        filter,
        after,
        most,
    } = list;
    let gathered = match after {
        Some(_) => None,
        None => match gather(operator, GATHER_AT_MOST).await {
            Ok(gathered) => Some(gathered),
            Err(error) => {
                tracing::error!(
                    "the on-failure envelopes were not gathered: {}",
                    chain(&error)
                );
                None
            }
        },
    };
    let begin = Instant::now();
    let mut waiting = WaitingRecords::after(operator, filter, after.as_deref(), Oldest::Last, now)?;
    let mut entries = Vec::new();
    while entries.len() < (*most).clamp(1, MOST) as usize && begin.elapsed() < AT_MOST {
        let Some(entry) = waiting.next().await? else {
            break;
        };
        entries.push(entry_of(entry));
    }
    Ok(Listed {
        entries,
        next: waiting.goes_on(),
        gathered,
    })
}

/// A stored entry in the form of an answer.
pub(crate) fn entry_of(entry: DeadLetterEntry) -> DeadLetterSummary {
    let DeadLetterEntry {
        id,
        topic,
        partition,
        offset,
        tenant,
        cause,
        first_seen,
        last_seen,
        count,
        writes: _,
        resolved,
        object: _,
    } = entry;
    let resolved = resolved.map(|resolved| HowResolved {
        how: resolved.how.as_str().to_owned(),
        at: resolved.at,
    });
    DeadLetterSummary {
        id,
        topic,
        partition,
        offset,
        tenant,
        cause,
        first_seen,
        last_seen,
        count,
        resolved,
    }
}
