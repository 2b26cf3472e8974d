//! Gather: turns each record of an on-failure envelope into a dead letter, in the same place and
//! format as the dead letters of the consumers.

use std::{
    str,
    time::{Duration, Instant},
};

use contract::Time;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use operations::{Gathered, UnreadEnvelope};
use runtime::chain;
use store::Schedule;
use telemetry::Measured;

use crate::{Operator, step::StepError};

/// The longest run of gathering as a step of its own, below the function's timeout.
const AT_MOST: Duration = Duration::from_secs(200);

/// The number of records written concurrently.
const AT_ONCE: usize = 16;

/// Gathers, emits how many dead letters are waiting as a metric, and notes that this was done.
pub(crate) async fn gather_and_count(
    operator: &Operator,
    now: Time,
) -> Result<Gathered, StepError> {
    let gathered = gather(operator, AT_MOST).await?;
    let records = operator.store.count_dead_letters().await?;
    operator
        .telemetry
        .metrics
        .emit(Measured::Waiting { records });
    operator.store.note_run(Schedule::Gather, now).await?;
    Ok(gathered)
}

/// Writes a dead letter for each record of each envelope, then deletes the envelope. After an
/// interruption the next run continues: each record counts once per envelope. An envelope that
/// cannot be read is kept and reported.
pub(crate) async fn gather(operator: &Operator, at_most: Duration) -> Result<Gathered, StepError> {
    let begin = Instant::now();
    let mut gathered = Gathered::default();
    let mut after = None;
    loop {
        let (keys, more) = operator.dead_letters.envelopes(after).await?;
        for key in &keys {
            if begin.elapsed() > at_most {
                gathered.more = true;
                return Ok(gathered);
            }
            match gather_one(operator, key).await? {
                GatheredOne::New(records) => {
                    gathered.envelopes += 1;
                    gathered.records += records;
                }
                GatheredOne::Unread(why) => {
                    tracing::error!(key, "an on-failure envelope cannot be read: {why}");
                    gathered.unread.push(UnreadEnvelope {
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

/// What became of one envelope.
enum GatheredOne {
    /// It is gathered: so many of its dead letters are new.
    New(usize),
    /// It cannot be read.
    Unread(String),
}

async fn gather_one(operator: &Operator, key: &str) -> Result<GatheredOne, StepError> {
    // Another run has gathered it already.
    let Some(envelope) = operator.dead_letters.object(key).await? else {
        return Ok(GatheredOne::New(0));
    };
    let Ok(envelope) = str::from_utf8(&envelope) else {
        return Ok(GatheredOne::Unread("it is not UTF-8".to_owned()));
    };
    let batch = match intake::read_envelope(envelope) {
        Ok(batch) => batch,
        Err(error) => return Ok(GatheredOne::Unread(chain(&error))),
    };
    let new = stream::iter(&batch.records)
        .map(|record| {
            operator
                .dead_letters
                .write_of_envelope(record, key, batch.at)
        })
        .buffer_unordered(AT_ONCE)
        .try_fold(0, async |count, is_new| Ok(count + usize::from(is_new)));
    let new = new.await?;
    operator.dead_letters.delete_envelope(key).await?;
    Ok(GatheredOne::New(new))
}
