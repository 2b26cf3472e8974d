//! Sweep: handles overdue jobs, voices and unpublished ends. A message may be lost, and the timeout
//! of a whole execution and a manual abort bypass every `Catch`; the sweep finds such jobs and voices
//! by their deadline.

mod away;
mod in_line;
mod queued;

use contract::{FailureClass, Time};
use domain::{Failure, Job, JobId, VoiceModelId, Work, WorkId};
use executions::{Execution, Resumed, StartError};
use futures::{StreamExt as _, stream};
use outbox::{Announced, CommitError, PublishEntryError, Unpublishable};
use queue::SendError;
use store::{Overdue, StoreError, UnknownItem};

use crate::{
    App,
    last_look::fail_after_last_look,
    step::{Reply, StepError},
    steps::voice,
};
use away::Away;
use queued::Queue;

/// The most items of one shard of the index in one sweep; the next sweep is minutes away.
const MOST_OF_A_SHARD: i32 = 25;

/// The number of items handled concurrently.
const AT_ONCE: usize = 8;

/// The most restarts of an execution; after them the job or voice is failed.
const MOST_RESTARTS: u32 = 2;

/// The pause before an item is looked at again that could not be handled, in seconds. Meanwhile the
/// sweeps get to those behind it.
const PAUSE_AFTER_TROUBLE: u32 = 15 * 60;

/// Handles everything overdue. An item whose execution is running is postponed. One whose execution
/// is gone is restarted, or failed after too many restarts. A job that waits in the queue is sent
/// again if its message seems to be lost. One that waits for its turn for too long is failed. An end
/// that may be unpublished is published. Before all that, free slots at vendors are given out.
///
/// Once SQS or Step Functions turns out to be [away](Away), what needs it is left to the next sweep.
pub(crate) async fn sweep(app: &App, now: Time) -> Result<Reply, StepError> {
    let away = &Away::default();
    let woken = in_line::wake(app, away).await;
    let queue = &Queue::look_at(app).await;
    // Videos, voices and ends come first: none of them waits for the queue.
    let mut overdue = app.store.overdue(now, MOST_OF_A_SHARD).await?;
    let late = now.minus_seconds(queue.patience());
    overdue.extend(app.store.overdue_in_queue(late, MOST_OF_A_SHARD).await?);
    overdue.extend(app.store.overdue_in_line(now, MOST_OF_A_SHARD).await?);
    let (mut handled, mut troubled) = (Vec::new(), 0);
    let mut looked_after = stream::iter(&overdue)
        .map(|one| async move { (one, reconcile(app, one, (queue, away), now).await) })
        .buffer_unordered(AT_ONCE);
    while let Some((one, after)) = looked_after.next().await {
        let error = match after {
            Ok(After::Left) => continue,
            Ok(after) => {
                handled.push(after);
                continue;
            }
            Err(error) => error,
        };
        troubled += 1;
        tracing::error!(?one, "not looked after: {}", runtime::chain(&error));
        match error.unpublishable() {
            // Each of the others would wait for Kafka just as long.
            Some(Unpublishable::AnyEvent) => break,
            Some(Unpublishable::AnotherEvent) => {}
            None if away.notes(&error) => {}
            Some(Unpublishable::ThisEvent) | None => put_behind(app, one, now).await,
        }
    }
    if troubled > 0 {
        return Err(StepError::Sweep {
            troubled,
            left: overdue.len() - handled.len() - troubled,
            overdue: overdue.len(),
        });
    }
    let count = |of: After| handled.iter().filter(|after| **after == of).count();
    Ok(Reply::Swept {
        overdue: overdue.len(),
        running: count(After::Running),
        restarted: count(After::Restarted),
        sent: count(After::Sent),
        failed: count(After::Failed),
        closed: count(After::Closed),
        published: count(After::Published),
        woken,
    })
}

/// What became of an overdue item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// Its execution is running, or it is left to the queue or to a line; it is postponed.
    Running,
    /// Its execution was started or restarted.
    Restarted,
    /// It was sent to the queue again.
    Sent,
    /// It is left as it is to the next sweep, because SQS or Step Functions is away.
    Left,
    /// It was given up.
    Failed,
    /// It is closed.
    Closed,
    /// Its end is published.
    Published,
}

/// Why an overdue item could not be handled.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Publish(#[from] PublishEntryError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Close(#[from] StepError),
    #[error("{0} is no item that this version of the code knows; deploy the version that wrote it")]
    Unknown(UnknownItem),
}

impl Trouble {
    /// If an event was not published, whether others can be.
    fn unpublishable(&self) -> Option<Unpublishable> {
        match self {
            Self::Publish(PublishEntryError::Publish(error))
            | Self::Close(StepError::Publish(PublishEntryError::Publish(error))) => {
                Some(error.scope())
            }
            Self::Publish(PublishEntryError::Store(_) | PublishEntryError::Notice(_))
            | Self::Store(_)
            | Self::Start(_)
            | Self::Send(_)
            | Self::Commit(_)
            | Self::Close(_)
            | Self::Unknown(_) => None,
        }
    }
}

/// Puts an item that could not be handled behind the others.
async fn put_behind(app: &App, overdue: &Overdue, now: Time) {
    let until = now.plus_seconds(PAUSE_AFTER_TROUBLE);
    if let Err(error) = app.store.postpone(overdue, until).await {
        tracing::warn!(?overdue, "not put behind: {}", runtime::chain(&error));
    }
}

/// Handles one item.
async fn reconcile(
    app: &App,
    overdue: &Overdue,
    (queue, away): (&Queue, &Away),
    now: Time,
) -> Result<After, Trouble> {
    match overdue {
        Overdue::Open(WorkId::Job(id), stands) => {
            let job = app.store.job(*id).await?;
            if let Some(provider) = job.waits_for() {
                return in_line::look_after(app, overdue, (&job, provider), now).await;
            }
            if away.executions() && !job.is_queued() {
                return Ok(After::Left);
            }
            match is_in_queue(app, &job).await? {
                true => queued::look_after(app, (overdue, *stands), &job, (queue, away), now).await,
                false => reconcile_job(app, overdue, job, now).await,
            }
        }
        Overdue::Open(WorkId::Voice(_), _) if away.executions() => Ok(After::Left),
        Overdue::Open(WorkId::Voice(voice), _) => reconcile_voice(app, overdue, *voice, now).await,
        Overdue::Unpublished(unpublished) => {
            app.outbox.publish_overdue(unpublished).await?;
            Ok(After::Published)
        }
        Overdue::Unknown(unknown) => Err(Trouble::Unknown(unknown.clone())),
    }
}

/// Whether the open job is left to its message, because it has no execution. What was asked of a
/// provider or restarted has one. So may what is to be asked of a provider that is paid: that is what
/// its message is for.
async fn is_in_queue(app: &App, job: &Job) -> Result<bool, StartError> {
    if job.has_begun() {
        return Ok(false);
    }
    Ok(job.is_queued() || app.executions.state_of(job).await? == Execution::Missing)
}

async fn reconcile_job(
    app: &App,
    overdue: &Overdue,
    job: Job,
    now: Time,
) -> Result<After, Trouble> {
    let id: JobId = job.id;
    resume_or_give_up(app, overdue, job, now, async |failure| {
        fail_after_last_look(app, id, Announced::Unknown, failure, None)
            .await
            .map(drop)
    })
    .await
}

async fn reconcile_voice(
    app: &App,
    overdue: &Overdue,
    id: VoiceModelId,
    now: Time,
) -> Result<After, Trouble> {
    let model = app.store.voice(id).await?;
    resume_or_give_up(app, overdue, model, now, async |failure| {
        voice::give_up(app, id, failure, None).await.map(drop)
    })
    .await
}

/// Resumes open work and postpones it while its execution runs; or calls `give_up` if its execution
/// ended too often.
async fn resume_or_give_up<W: Work>(
    app: &App,
    overdue: &Overdue,
    work: W,
    now: Time,
    give_up: impl AsyncFnOnce(Failure) -> Result<(), StepError>,
) -> Result<After, Trouble> {
    if !work.is_closed()
        && work.restarts() >= MOST_RESTARTS
        && app.executions.state_of(&work).await? == Execution::Ended
    {
        give_up(abandoned(work.restarts(), now)).await?;
        return Ok(After::Failed);
    }
    let deadline = app.outbox.deadline(now);
    match app.executions.resume(&app.store, work, deadline).await? {
        Resumed::Closed => Ok(After::Closed),
        Resumed::Started => Ok(After::Restarted),
        Resumed::Running => {
            app.store.postpone(overdue, deadline).await?;
            Ok(After::Running)
        }
    }
}

fn abandoned(restarts: u32, now: Time) -> Failure {
    let detail = format!(
        "its execution ended {} times without closing it",
        restarts + 1
    );
    Failure {
        class: FailureClass::Abandoned,
        detail,
        at: now,
    }
}
