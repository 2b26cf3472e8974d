//! The end of a job, of any kind: committed once, published, marked published.

use contract::Time;
use domain::{Decision, EntityState, Job, JobId};
use outbox::{Announced, CommitError, Outbox, PublishEntryError};
use telemetry::Telemetry;

use crate::measure::ended;

/// Why a job has no published end. Closing it again is safe.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// The end is not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The end is committed, and not published and marked.
    #[error(transparent)]
    Publish(#[from] PublishEntryError),
}

/// Commits the decision of `decide` as the job's end, or finds the end that it already has; then
/// publishes that end and marks it published, as far as a caller to which the job is `announced`
/// may. `false` if the job has no end and `decide` returns `None`.
///
/// # Errors
/// A [`CloseError`].
pub async fn close(
    outbox: &Outbox,
    telemetry: &Telemetry,
    job: JobId,
    announced: Announced,
    now: Time,
    decide: impl Fn(Job, EntityState) -> Option<Decision>,
) -> Result<bool, CloseError> {
    let Some((end, job)) = outbox.commit_end(job, announced, now, decide).await? else {
        return Ok(false);
    };
    outbox.publish_and_mark(&end).await?;
    if !end.published {
        ended(telemetry, &job, &end, now);
    }
    Ok(true)
}
