//! A batch of notices: each is told by webhook and on the bus, all at once. One that fails comes
//! again after the queue's visibility timeout, and lies in the dead-letter queue after a day.
//!
//! Each team is told at least once. A notice comes again as a whole, so what was told before is told
//! again, under the same id.

use contract::printable;
use domain::JobId;
use futures::future::{join, join_all};
use queue::Notice;
use runtime::chain;
use telemetry::Measured;

use crate::{
    effects::Effects,
    event::{BatchItemFailure, BatchResponse, Event, Record},
};

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// A team was told.
    Told,
    /// There is nothing to be told, or no team to tell.
    Nothing,
    /// It comes again.
    Kept,
}

/// Handles a batch; the answer names what comes again.
pub(crate) async fn handle(effects: &impl Effects, event: &Event) -> BatchResponse {
    let fates = join_all(event.records.iter().map(|record| tell(effects, record))).await;
    let count = |wanted: Fate| fates.iter().filter(|fate| **fate == wanted).count();
    let [told, nothing, kept] = [Fate::Told, Fate::Nothing, Fate::Kept].map(count);
    tracing::info!(told, nothing, kept, "notices handled");
    if kept > 0 {
        effects.emit(Measured::NoticesFailed { notices: kept });
    }
    let failures = event.records.iter().zip(&fates);
    let failures = failures.filter(|(_, fate)| **fate == Fate::Kept);
    BatchResponse {
        batch_item_failures: failures
            .map(|(record, _)| BatchItemFailure {
                item_identifier: record.message_id.clone(),
            })
            .collect(),
    }
}

/// Tells of what a message names.
async fn tell(effects: &impl Effects, record: &Record) -> Fate {
    let id = record.message_id.as_str();
    match Notice::read(&record.body) {
        Ok(Notice { job }) => tell_of(effects, id, job).await,
        // A later version's code may read it.
        Err(error) => {
            tracing::error!(id, "a notice cannot be read: {}", chain(&error));
            Fate::Kept
        }
    }
}

async fn tell_of(effects: &impl Effects, id: &str, job: JobId) -> Fate {
    let failed = match effects.failed(job).await {
        Ok(Some(failed)) => failed,
        Ok(None) => {
            tracing::info!(id, %job, "nothing is left to be told of a failed job");
            return Fate::Nothing;
        }
        Err(error) => {
            tracing::error!(id, %job, "a failed job is not told: {}", chain(&error));
            return Fate::Kept;
        }
    };
    let tenant = printable(failed.tenant.as_str());
    let (posted, put) = join(effects.post(&failed), effects.put(&failed)).await;
    let mut fate = Fate::Nothing;
    for told in [posted, put] {
        match told {
            Ok(was_told) => {
                if was_told && fate == Fate::Nothing {
                    fate = Fate::Told;
                }
            }
            Err(error) => {
                tracing::error!(id, %job, tenant, "a team is not told: {}", chain(&error));
                fate = Fate::Kept;
            }
        }
    }
    fate
}

#[cfg(test)]
mod tests;
