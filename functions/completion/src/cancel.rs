//! Cancel: the media is no longer wanted, so the job closes and its provider is told to stop.

use contract::Time;
use domain::{JobId, State};

use crate::{
    App,
    close::close,
    step::{Reply, StepError},
    submit::release,
};

/// Cancels a job: closes it, tells, and cancels it at its provider, where that can be done. A job
/// that was closed in another way stays as it is. Doing it again does nothing more; the job's
/// execution ends at its next step.
pub(crate) async fn cancel(app: &App, id: JobId, now: Time) -> Result<Reply, StepError> {
    let open = app.journal.job(id).await?;
    if !open.is_closed() {
        // Its consumer may have died before it published: its `created` comes before its end.
        app.journal.publish_opening_entry(&open).await?;
    }
    close(app, id, now, |job, _| domain::cancel(job, now)).await?;
    let job = app.journal.job(id).await?;
    let Some(last) = job.attempts.last() else {
        return Ok(Reply::Closed);
    };
    if let (State::Cancelled { .. }, Some(ticket)) = (&job.state, &last.ticket) {
        let cancelled = app.providers.erase(last.provider, ticket).await;
        cancelled.map_err(|source| StepError::Cancel { job: id, source })?;
    }
    release(app, last.provider, id.0).await;
    Ok(Reply::Closed)
}
