//! Overdue jobs without an execution: each has a message in the queue, or had one. An overdue job in
//! a backlog cannot be told from one whose message was lost, but for the depth of the queue.

use contract::{FailureClass, Time};
use domain::{Failure, Job, LONGEST_WAIT_SECONDS, Work as _};
use outbox::Announced;
use queue::DepthError;
use store::Overdue;

use super::{After, Trouble, away::Away};
use crate::{App, end::close_as_failed};

/// How long past its deadline a job is left to a queue that is not empty, in seconds. After that it
/// is sent again regardless: of a message that comes twice, the second finds the job closed.
const PATIENCE_IN_A_BACKLOG: u32 = 2 * 60 * 60;

/// How long a job may be open before it is begun while messages wait, in seconds; then it fails as
/// abandoned. An outage of a day fails nothing. While none waits, it is [`LONGEST_WAIT_SECONDS`].
const LONGEST_IN_A_BACKLOG: u32 = 7 * 24 * 60 * 60;

/// What a sweep knows of the queue.
pub(super) struct Queue {
    patience: u32,
}

impl Queue {
    /// Looks whether messages are on their way. A queue that does not say how many messages it has
    /// counts as not empty.
    pub(super) async fn look_at(app: &App) -> Self {
        let patience = match is_empty(app).await {
            Ok(true) => 0,
            Ok(false) => PATIENCE_IN_A_BACKLOG,
            Err(error) => {
                tracing::error!(
                    "jobs are left to the queue for {PATIENCE_IN_A_BACKLOG} s: {}",
                    runtime::chain(&error)
                );
                PATIENCE_IN_A_BACKLOG
            }
        };
        Self { patience }
    }

    /// How long past their deadlines this sweep leaves jobs to the queue, in seconds: not at all if
    /// neither the queue nor its dead-letter queue has a message, because then nothing of them is on
    /// its way.
    pub(super) fn patience(&self) -> u32 {
        self.patience
    }
}

/// Whether no message waits. The dead-letter queue is asked last, because messages go there from the
/// queue. One that waits there for its last try must not be sent again: it may be what kills.
async fn is_empty(app: &App) -> Result<bool, DepthError> {
    let queue = app.outbox.queue().depth().await?;
    let dead = app.dead_letter_queue.depth().await?;
    Ok(queue.is_empty() && dead.is_empty())
}

/// Sends an open job again that is overdue by more than the queue's patience; it `stands` under a
/// deadline in the index. One that was open for too long is given up. So is one whose `created` may
/// not be published any more: its end is withheld until its message comes, if there is one.
pub(super) async fn look_after(
    app: &App,
    (overdue, stands): (&Overdue, Time),
    job: &Job,
    (queue, away): (&Queue, &Away),
    now: Time,
) -> Result<After, Trouble> {
    let patience = queue.patience();
    let is_too_old = is_too_old(job, stands, patience, now);
    // A job that waits for a vendor stands among videos, and is found by its deadline alone. The
    // others were found because they are overdue by that much.
    let patience = if job.is_queued() { 0 } else { patience };
    let due = job.deadline.plus_seconds(patience);
    if patience > 0 && now < due {
        // Looked at again before that: the queue may be empty by then, and its message lost.
        let soon = app.outbox.deadline(now);
        app.store.postpone(overdue, due.min(soon)).await?;
        return Ok(After::Running);
    }
    // The consumer may have died before it published the job's `created`, which must come before
    // the job's message and before its end.
    if !app.outbox.publish_opening_entry(job).await? {
        app.outbox.cancel_withheld(job.id, now).await?;
        return Ok(After::Failed);
    }
    if is_too_old {
        let failure = abandoned(job, now);
        close_as_failed(app, job.id, Announced::Unknown, failure, None).await?;
        return Ok(After::Failed);
    }
    if away.queue() {
        return Ok(After::Left);
    }
    app.outbox.send_job(job).await?;
    let until = app.outbox.deadline(now).plus_seconds(patience);
    app.store.postpone(overdue, until).await?;
    Ok(After::Sent)
}

/// Whether `job` was open for too long. Not before a sweep has sent it again, however old it is then:
/// Kafka may have been away, so that no message of it was ever sent. What was sent stands under a
/// deadline that is later than the one to which it is only left to the queue.
fn is_too_old(job: &Job, stands: Time, patience: u32, now: Time) -> bool {
    let longest = match patience {
        0 => LONGEST_WAIT_SECONDS,
        _ => LONGEST_IN_A_BACKLOG,
    };
    let was_sent = stands > job.deadline.plus_seconds(PATIENCE_IN_A_BACKLOG);
    was_sent && now >= job.created_at.plus_seconds(longest)
}

fn abandoned(job: &Job, now: Time) -> Failure {
    let hours = now.milliseconds_since(job.created_at) / 3_600_000;
    Failure {
        class: FailureClass::Abandoned,
        detail: format!("it was open for {hours} hours and never begun"),
        at: now,
    }
}
