//! Gather: each record of an on-failure envelope becomes a dead letter, in the same place and form
//! as those that the consumers write.

use std::{
    str,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use operations::{Gathered, Unread};
use runtime::chain;
use telemetry::Measured;

use crate::{Operator, step::StepError};

/// How long it goes on when it is asked for by itself, below the function's timeout.
const AT_MOST: Duration = Duration::from_secs(200);

/// How many records become dead letters at once.
const AT_ONCE: usize = 16;

/// Gathers, and says how many records wait for somebody.
pub(crate) async fn gather_and_count(operator: &Operator) -> Result<Gathered, StepError> {
    let gathered = gather(operator, AT_MOST).await?;
    let records = operator.journal.count_dead_letters().await?;
    operator
        .telemetry
        .metrics
        .emit(Measured::Waiting { records });
    Ok(gathered)
}

/// Writes a dead letter for each record of each envelope, and then deletes the envelope. Whatever
/// dies in between, the next one goes on from there: a record counts once for one envelope. An
/// envelope that cannot be read stays, and is named.
pub(crate) async fn gather(operator: &Operator, at_most: Duration) -> Result<Gathered, StepError> {
    let begin = Instant::now();
    let mut gathered = Gathered::default();
    let mut after = None;
    loop {
        let (keys, more) = operator.journal.envelopes(after).await?;
        for key in &keys {
            if begin.elapsed() > at_most {
                gathered.more = true;
                return Ok(gathered);
            }
            match gather_one(operator, key).await? {
                Ok(records) => {
                    gathered.envelopes += 1;
                    gathered.records += records;
                }
                Err(why) => {
                    tracing::error!(key, "an on-failure envelope cannot be read: {why}");
                    gathered.unread.push(Unread {
                        key: key.clone(),
                        why,
                    });
                }
            }
        }
        if !more {
            return Ok(gathered);
        }
        after = keys.last().cloned();
    }
}

/// How many records become dead letters now that were not before; or why the envelope cannot be
/// read.
async fn gather_one(operator: &Operator, key: &str) -> Result<Result<usize, String>, StepError> {
    // Somebody else was faster.
    let Some(envelope) = operator.journal.dead_letter_object(key).await? else {
        return Ok(Ok(0));
    };
    let Ok(envelope) = str::from_utf8(&envelope) else {
        return Ok(Err("it is not UTF-8".to_owned()));
    };
    let batch = match intake::read_envelope(envelope) {
        Ok(batch) => batch,
        Err(error) => return Ok(Err(chain(&error))),
    };
    let new = stream::iter(&batch.records)
        .map(|record| {
            operator
                .journal
                .write_dead_letter_of_envelope(record, key, batch.at)
        })
        .buffer_unordered(AT_ONCE)
        .try_fold(0, async |count, is_new| Ok(count + usize::from(is_new)));
    let new = new.await?;
    operator.journal.delete_envelope(key).await?;
    Ok(Ok(new))
}
