//! The end of a job that failed.

use domain::{Failure, JobId};
use work::close;

use crate::{App, step::StepError};

/// Closes a job as failed and publishes its end.
pub(crate) async fn close_as_failed(
    app: &App,
    job: JobId,
    failure: Failure,
    sentence: Option<&str>,
) -> Result<(), StepError> {
    let at = failure.at;
    close(&app.outbox, &app.telemetry, job, at, |job, _| {
        domain::fail(job, failure.clone(), sentence)
    })
    .await?;
    Ok(())
}
