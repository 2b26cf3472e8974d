//! Overdue jobs without an execution: each has a message in the queue, or had one. An overdue job in
//! a backlog cannot be told from one whose message was lost, but for the depth of the queue.

use contract::{FailureClass, Time};
use domain::{Failure, Job, LONGEST_WAIT_SECONDS, Work as _};
use outbox::Announced;
use store::Overdue;

use super::{After, Trouble};
use crate::{App, end::close_as_failed};

/// How long past its deadline a job is left to a queue that is not empty, in seconds. After that it
/// is sent again regardless: of a message that comes twice, the second finds the job closed.
const PATIENCE_IN_A_BACKLOG: u32 = 2 * 60 * 60;

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
    // A job that waits for a vendor stands among videos, and is found by its deadline alone. The
    // others were found because they are overdue by that much.
    let patience = if job.is_queued() { 0 } else { patience };
    let due = job.deadline.plus_seconds(patience);
    if patience > 0 && now < due {
        app.store.postpone(overdue, due).await?;
        return Ok(After::Running);
    }
    // The consumer may have died before it published the job's `created`, which must come before
    // the job's message and before its end.
    if !app.outbox.publish_opening_entry(job).await? {
        app.outbox.cancel_withheld(job.id, now).await?;
        return Ok(After::Failed);
    }
    if now >= job.created_at.plus_seconds(LONGEST_WAIT_SECONDS) {
        close_as_failed(app, job.id, Announced::Unknown, abandoned(now), None).await?;
        return Ok(After::Failed);
    }
    app.outbox.send_job(job).await?;
    let until = app.outbox.deadline(now).plus_seconds(patience);
    app.store.postpone(overdue, until).await?;
    Ok(After::Sent)
}

fn abandoned(now: Time) -> Failure {
    Failure {
        class: FailureClass::Abandoned,
        detail: format!(
            "it was open for {} hours and never begun",
            LONGEST_WAIT_SECONDS / 3600
        ),
        at: now,
    }
}
