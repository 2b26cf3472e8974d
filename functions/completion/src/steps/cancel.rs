//! Cancel: closes a job that is no longer wanted and cancels it at its provider.

use contract::Time;
use domain::{JobId, State, Waiter, Work};
use outbox::Announced;
use work::close;

use crate::{
    App,
    answers::charge_last,
    step::{Reply, StepError},
    turns::{release_all_to_next, release_to_next},
};

/// Cancels a job: closes it, publishes its end, cancels it at the provider if possible, and counts
/// what it cost there. A job
/// that has another end keeps it. Repeating the step changes nothing; the job's message, or the next
/// step of its execution, finds it closed.
pub(crate) async fn cancel(app: &App, id: JobId, now: Time) -> Result<Reply, StepError> {
    let open = app.store.job(id).await?;
    // The consumer may have died before it published the job's `created`, which must come before its
    // end. If it may not be published any more, the end is withheld until the job's message or
    // execution comes.
    if !open.is_closed() && !app.outbox.publish_opening_entry(&open).await? {
        app.outbox.cancel_withheld(id, now).await?;
    }
    let unknown = Announced::Unknown;
    close(&app.outbox, &app.telemetry, id, unknown, now, |job, _| {
        domain::cancel(job, now)
    })
    .await?;
    let job = app.store.job(id).await?;
    if let Some(provider) = job.turn.waits_for {
        app.store.leave_line(provider, &Waiter::of(&job)).await?;
    }
    let Some(last) = job.attempts.last() else {
        // Its turn may just have come, and its execution finds it closed.
        release_all_to_next(app, &job).await;
        return Ok(Reply::Closed);
    };
    if let (State::Cancelled { .. }, Some(ticket)) = (&job.state, &last.ticket) {
        let stopped = app.providers.vendors().stop(last.asked, ticket).await;
        let credits = stopped.map_err(|source| StepError::Cancel { job: id, source })?;
        charge_last(app, &job, credits).await;
    }
    release_to_next(app, last.asked, job.id()).await;
    Ok(Reply::Closed)
}
