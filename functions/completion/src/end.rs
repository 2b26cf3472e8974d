//! The end of a job, of any kind: committed once, published, marked published.

use contract::Time;
use domain::{Decision, EntityState, Failure, Job, JobId};

use crate::{App, measure::ended, step::StepError};

/// Commits the decision of `decide` as the job's end, or finds the end that it already has; then
/// publishes that end and marks it published. `false` if the job has no end and `decide` returns
/// `None`.
pub(crate) async fn close(
    app: &App,
    job: JobId,
    now: Time,
    decide: impl Fn(Job, EntityState) -> Option<Decision>,
) -> Result<bool, StepError> {
    let Some((end, job)) = app.outbox.commit_end(job, now, decide).await? else {
        return Ok(false);
    };
    app.outbox.publish_and_mark(&end).await?;
    if !end.published {
        ended(app, &job, &end, now);
    }
    Ok(true)
}

/// Closes a job as failed and publishes its end.
pub(crate) async fn close_as_failed(
    app: &App,
    job: JobId,
    failure: Failure,
    sentence: Option<&str>,
) -> Result<(), StepError> {
    close(app, job, failure.at, |job, _| {
        domain::fail(job, failure.clone(), sentence)
    })
    .await?;
    Ok(())
}
