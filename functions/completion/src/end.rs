//! The end of a job that failed.

use domain::{Failure, JobId, Wrong};
use outbox::Announced;
use work::close;

use crate::{App, step::StepError};

/// Closes a job as failed and publishes its end.
pub(crate) async fn close_as_failed(
    app: &App,
    job: JobId,
    announced: Announced,
    failure: Failure,
    wrong: Option<Wrong<'_>>,
) -> Result<(), StepError> {
    let at = failure.at;
    close(&app.outbox, &app.telemetry, job, announced, at, |job, _| {
        domain::fail(job, failure.clone(), wrong)
    })
    .await?;
    Ok(())
}
