//! Cancel: nobody wants the media any more, so nobody waits for it, and whoever makes it is told.

use events::Time;
use jobs::{JobId, State};

use crate::{
    Studio,
    close::close,
    step::{Reply, StepError},
    submit::release,
};

/// Cancels a job: closes it, tells, and cancels it at its provider, where that can be done. A job that was closed in another way stays as it
/// is. Doing it again does nothing more; the job's execution ends at its next step.
pub(crate) async fn cancel(studio: &Studio, id: JobId, now: Time) -> Result<Reply, StepError> {
    let open = studio.journal.job(id).await?;
    if !open.is_closed() {
        // Its consumer may have died before it told: its `created` comes before its end.
        studio.journal.tell_cause_of(&open).await?;
    }
    close(studio, id, now, |job, _| jobs::cancel(job, now)).await?;
    let job = studio.journal.job(id).await?;
    let Some(last) = job.attempts.last() else { return Ok(Reply::Closed) };
    if let (State::Cancelled { .. }, Some(ticket)) = (&job.state, &last.ticket) {
        let cancelled = studio.providers.erase(last.provider, ticket).await;
        cancelled.map_err(|source| StepError::Cancel { job: id, source })?;
    }
    release(studio, last.provider, id.0).await;
    Ok(Reply::Closed)
}
