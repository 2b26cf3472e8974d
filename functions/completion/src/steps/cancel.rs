//! Cancel: closes a job that is no longer wanted and cancels it at its provider.

use contract::Time;
use domain::{JobId, State, Work};
use work::{close, release};

use crate::{
    App,
    step::{Reply, StepError},
};

/// Cancels a job: closes it, publishes its end, and cancels it at the provider if possible. A job
/// that has another end keeps it. Repeating the step changes nothing; the job's execution ends at
/// its next step.
pub(crate) async fn cancel(app: &App, id: JobId, now: Time) -> Result<Reply, StepError> {
    let open = app.store.job(id).await?;
    if !open.is_closed() {
        // The consumer may have died before it published the job's `created`, which must come
        // before its end. If it may not be published any more, `close` says nothing of the end.
        app.outbox.publish_opening_entry(&open).await?;
    }
    close(&app.outbox, &app.telemetry, id, now, |job, _| {
        domain::cancel(job, now)
    })
    .await?;
    let job = app.store.job(id).await?;
    let Some(last) = job.attempts.last() else {
        return Ok(Reply::Closed);
    };
    if let (State::Cancelled { .. }, Some(ticket)) = (&job.state, &last.ticket) {
        let cancelled = app.providers.vendors().erase(last.asked, ticket).await;
        cancelled.map_err(|source| StepError::Cancel { job: id, source })?;
    }
    release(&app.store, last.asked, job.id()).await;
    Ok(Reply::Closed)
}
