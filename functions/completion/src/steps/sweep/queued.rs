//! Overdue jobs without an execution: each has a message in the queue, or had one. An overdue job in
//! a backlog cannot be told from one whose message was lost, but for the depth of the queue.

use contract::{FailureClass, Time};
use domain::{Failure, Job, JobId, Work};
use outbox::Announced;
use store::Overdue;
use work::close;

use super::{After, Trouble};
use crate::{App, end::close_as_failed, step::StepError};

/// How long past its deadline a job is left to a queue that is not empty, in seconds. After that it
/// is sent again regardless: of a message that comes twice, the second finds the job closed.
const PATIENCE_IN_A_BACKLOG: u32 = 2 * 60 * 60;

/// How long a job may be open before it is begun, in seconds. Then it fails as abandoned.
const LONGEST: u32 = 24 * 60 * 60;

/// How long past their deadlines this sweep leaves jobs to the queue, in seconds: not at all if the
/// queue is empty, because then nothing of them is on its way. A queue that does not say how many
/// messages it has counts as not empty.
pub(super) async fn patience(app: &App) -> u32 {
    match app.outbox.queue().depth().await {
        Ok(depth) if depth.is_empty() => 0,
        Ok(_) => PATIENCE_IN_A_BACKLOG,
        Err(error) => {
            tracing::error!(
                "jobs are left to the queue for {PATIENCE_IN_A_BACKLOG} s: {}",
                runtime::chain(&error)
            );
            PATIENCE_IN_A_BACKLOG
        }
    }
}

/// Sends an open job again that is overdue by `patience` seconds. One that was open for too long is
/// given up. So is one whose `created` may not be published any more: its end is withheld until its
/// message comes, if there is one.
pub(super) async fn look_after(
    app: &App,
    overdue: &Overdue,
    job: &Job,
    patience: u32,
    now: Time,
) -> Result<After, Trouble> {
    let due = job.deadline.plus_seconds(patience);
    if now < due {
        app.store.postpone(overdue, due).await?;
        return Ok(After::Running);
    }
    // The consumer may have died before it published the job's `created`, which must come before
    // the job's message and before its end.
    if !app.outbox.publish_opening_entry(job).await? {
        cancel_unannounced(app, job.id, now).await?;
        return Ok(After::Failed);
    }
    if now >= job.created_at.plus_seconds(LONGEST) {
        close_as_failed(app, job.id, Announced::Unknown, abandoned(now), None).await?;
        return Ok(After::Failed);
    }
    app.outbox.send_job(job).await?;
    let next = app.outbox.deadline(now);
    let until = match job.is_queued() {
        true => next,
        // It stands among those that are not left to the queue, and is found by its deadline alone.
        false => next.plus_seconds(patience),
    };
    app.store.postpone(overdue, until).await?;
    Ok(After::Sent)
}

/// Cancels a job of which nothing may be published any more, because its tenant was erased.
async fn cancel_unannounced(app: &App, id: JobId, now: Time) -> Result<(), StepError> {
    let unknown = Announced::Unknown;
    close(&app.outbox, &app.telemetry, id, unknown, now, |job, _| {
        domain::cancel_erased(job, now)
    })
    .await?;
    Ok(())
}

fn abandoned(now: Time) -> Failure {
    Failure {
        class: FailureClass::Abandoned,
        detail: format!("it was open for {} hours and never begun", LONGEST / 3600),
        at: now,
    }
}
