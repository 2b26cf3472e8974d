//! Finish: completes a job whose asset is stored, and gives the asset to its template.

use contract::Time;
use domain::{Job, JobId, State};
use work::close;

use crate::{
    App,
    executions::is_current,
    step::{Reply, StepError},
};

/// Completes the job of the execution `name` and publishes its end.
pub(crate) async fn finish(
    app: &App,
    job: JobId,
    name: &str,
    now: Time,
) -> Result<Reply, StepError> {
    complete(app, job, now, |job| is_current(job, name)).await
}

/// Completes a job that `may_be` completed and publishes its end. A job that has another end keeps
/// it, and that end is published.
pub(crate) async fn complete(
    app: &App,
    job: JobId,
    now: Time,
    may_be: impl Fn(&Job) -> bool,
) -> Result<Reply, StepError> {
    let finished = close(&app.outbox, &app.telemetry, job, now, |job, entity| {
        if !may_be(&job) {
            return None;
        }
        let url = match &job.state {
            State::Submitted {
                output: Some(output),
                ..
            } => app.drawer.url(&output.key),
            _ => return None,
        };
        domain::finish(job, entity, &url, now)
    })
    .await?;
    if finished {
        Ok(Reply::Closed)
    } else {
        Err(StepError::NothingStored(job))
    }
}
