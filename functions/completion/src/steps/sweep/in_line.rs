//! Jobs that wait for their turn at a vendor: they stand in its line, without an execution. Their
//! deadline is the end of the longest wait.

use std::time::Duration;

use contract::{FailureClass, Time};
use domain::{Failure, Job, LONGEST_WAIT_SECONDS, ProviderId, Waiter};
use outbox::Announced;
use store::Overdue;
use work::close;

use super::{After, Trouble, away::Away};
use crate::{
    App,
    step::StepError,
    turns::{TurnError, give_out},
};

/// Gives up an open job that waited for too long in the line of `provider`.
pub(super) async fn look_after(
    app: &App,
    overdue: &Overdue,
    (job, provider): (&Job, ProviderId),
    now: Time,
) -> Result<After, Trouble> {
    // The index may have an earlier one: a sweep put the job behind others.
    if now < job.deadline {
        app.store.postpone(overdue, job.deadline).await?;
        return Ok(After::Running);
    }
    // Its turn may have come since it was read: a vendor may be paid for it by now. Its message or
    // its execution had it wait, and there is neither before its `created` is published.
    let (outbox, telemetry, announced) = (&app.outbox, &app.telemetry, Announced::Yes);
    let is_closed = close(outbox, telemetry, job.id, announced, now, |job, _| {
        let waits = job.has_waited_for_too_long(now).then_some(job)?;
        domain::fail(waits, too_long(provider, now), None)
    })
    .await
    .map_err(StepError::from)?;
    if !is_closed {
        return Ok(After::Running);
    }
    app.store.leave_line(provider, &Waiter::of(job)).await?;
    Ok(After::Failed)
}

fn too_long(provider: ProviderId, now: Time) -> Failure {
    Failure {
        class: FailureClass::Timeout,
        detail: format!(
            "it waited for its turn at {provider} for {} hours",
            LONGEST_WAIT_SECONDS / 3600
        ),
        at: now,
    }
}

/// Gives out the slots of all providers that are free: one whose holder died, and one whose release
/// was not followed by that; none after Step Functions turned out to be away. Returns how many were
/// given.
pub(super) async fn wake(app: &App, away: &Away) -> usize {
    let mut woken = 0;
    for provider in ProviderId::ALL {
        if away.executions() {
            break;
        }
        match wake_by_current_caps(app, provider).await {
            Ok(given) => woken += given,
            Err(error) => {
                tracing::error!(%provider, "free slots are not given out: {}", runtime::chain(&error));
                if let TurnError::Start(error) = &error {
                    away.notes_start(error);
                }
            }
        }
    }
    woken
}

/// Writes down the caps in force, and gives out the free slots of `provider`. After a deployment that
/// changed the caps, `render` would go by the earlier ones until a lease is taken.
async fn wake_by_current_caps(app: &App, provider: ProviderId) -> Result<usize, TurnError> {
    if let Some(caps) = app.config.providers.caps(provider) {
        app.store.note_caps(provider, caps).await?;
    }
    give_out(app, provider, Duration::MAX).await
}
