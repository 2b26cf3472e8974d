//! Finish: completes a job whose asset is stored, and gives the asset to its template.

use contract::Time;
use domain::{EntityState, Job, JobId, State};
use outbox::Announced;
use work::close;

use crate::{
    App, executions,
    step::{Reply, StepError},
};

/// Completes the job of the execution `name` and publishes its end.
pub(crate) async fn finish(
    app: &App,
    job: JobId,
    name: &str,
    now: Time,
) -> Result<Reply, StepError> {
    executions::check(&app.store.job(job).await?, name)?;
    complete(app, job, Announced::Yes, now).await
}

/// Completes a job and publishes its end. A job that has another end keeps it, and that end is
/// published.
pub(crate) async fn complete(
    app: &App,
    job: JobId,
    announced: Announced,
    now: Time,
) -> Result<Reply, StepError> {
    let decide = |job: Job, entity: EntityState| {
        let url = match &job.state {
            State::Submitted {
                output: Some(output),
                ..
            } => app.drawer.url(&output.key),
            _ => return None,
        };
        domain::finish(job, entity, &url, now)
    };
    let finished = close(&app.outbox, &app.telemetry, job, announced, now, decide).await?;
    if finished {
        Ok(Reply::Closed)
    } else {
        Err(StepError::NothingStored(job))
    }
}
