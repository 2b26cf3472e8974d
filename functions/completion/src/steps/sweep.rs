//! Sweep: handles overdue jobs, voices and unpublished ends. The timeout of a whole execution and a
//! manual abort bypass every `Catch`; the sweep finds such jobs and voices by their deadline.

use contract::{FailureClass, Time};
use domain::{Decision, Failure, JobId, VoiceModelId, Work, WorkId};
use executions::{Execution, Resumed, StartError};
use futures::{StreamExt as _, stream};
use outbox::{PublishEntryError, Unpublishable};
use store::{Overdue, StoreError, UnknownItem};
use work::close;

use crate::{
    App,
    last_look::fail_after_last_look,
    step::{Reply, StepError},
    steps::voice,
};

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
/// is gone is restarted, or failed after too many restarts. An end that may be unpublished is
/// published.
pub(crate) async fn sweep(app: &App, now: Time) -> Result<Reply, StepError> {
    let overdue = app.store.overdue(now, MOST_OF_A_SHARD).await?;
    let (mut running, mut restarted, mut failed, mut closed, mut published, mut troubled) =
        (0, 0, 0, 0, 0, 0);
    let mut looked_after = stream::iter(&overdue)
        .map(|one| async move { (one, reconcile(app, one, now).await) })
        .buffer_unordered(AT_ONCE);
    while let Some((one, after)) = looked_after.next().await {
        match after {
            Ok(After::Running) => running += 1,
            Ok(After::Restarted) => restarted += 1,
            Ok(After::Failed) => failed += 1,
            Ok(After::Closed) => closed += 1,
            Ok(After::Published) => published += 1,
            Err(error) => {
                troubled += 1;
                tracing::error!(?one, "not looked after: {}", runtime::chain(&error));
                match error.unpublishable() {
                    // Each of the others would wait for Kafka just as long.
                    Some(Unpublishable::AnyEvent) => break,
                    Some(Unpublishable::AnotherEvent) => {}
                    Some(Unpublishable::ThisEvent) | None => put_behind(app, one, now).await,
                }
            }
        }
    }
    if troubled > 0 {
        return Err(StepError::Sweep {
            troubled,
            overdue: overdue.len(),
        });
    }
    Ok(Reply::Swept {
        overdue: overdue.len(),
        running,
        restarted,
        failed,
        closed,
        published,
    })
}

enum After {
    Running,
    Restarted,
    Failed,
    Closed,
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
            Self::Publish(PublishEntryError::Store(_) | PublishEntryError::Execution(_))
            | Self::Store(_)
            | Self::Start(_)
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

async fn reconcile(app: &App, overdue: &Overdue, now: Time) -> Result<After, Trouble> {
    let resumed = match overdue {
        Overdue::Open(WorkId::Job(job)) => reconcile_job(app, *job, now).await?,
        Overdue::Open(WorkId::Voice(voice)) => reconcile_voice(app, *voice, now).await?,
        Overdue::Unpublished(unpublished) => {
            app.outbox.publish_overdue(unpublished).await?;
            return Ok(After::Published);
        }
        Overdue::Unknown(unknown) => return Err(Trouble::Unknown(unknown.clone())),
    };
    match resumed {
        None => Ok(After::Failed),
        Some(Resumed::Closed) => Ok(After::Closed),
        Some(Resumed::Started) => Ok(After::Restarted),
        Some(Resumed::Running) => {
            app.store
                .postpone(overdue, app.outbox.deadline(now))
                .await?;
            Ok(After::Running)
        }
    }
}

/// `None` if it was given up.
async fn reconcile_job(app: &App, id: JobId, now: Time) -> Result<Option<Resumed>, Trouble> {
    let job = app.store.job(id).await?;
    // The consumer may have died before it published the job's `created`. Then the job was never
    // started, and `created` must be published first.
    if !job.is_closed() && !app.outbox.publish_opening_entry(&job).await? {
        cancel_unannounced(app, id, now).await?;
        return Ok(None);
    }
    resume_or_give_up(app, job, now, async |failure| {
        fail_after_last_look(app, id, failure, None).await.map(drop)
    })
    .await
}

/// Cancels a job of which nothing was published and, because its tenant was erased, nothing will be.
async fn cancel_unannounced(app: &App, id: JobId, now: Time) -> Result<(), StepError> {
    close(&app.outbox, &app.telemetry, id, now, |job, _| {
        let cancelled = domain::cancel_erased(job, now)?;
        Some(Decision {
            events: Vec::new(),
            ..cancelled
        })
    })
    .await?;
    Ok(())
}

/// `None` if it was given up.
async fn reconcile_voice(
    app: &App,
    id: VoiceModelId,
    now: Time,
) -> Result<Option<Resumed>, Trouble> {
    let model = app.store.voice(id).await?;
    resume_or_give_up(app, model, now, async |failure| {
        voice::give_up(app, id, failure, None).await.map(drop)
    })
    .await
}

/// Resumes open work; or calls `give_up` and returns `None` if its execution ended too often.
async fn resume_or_give_up<W: Work>(
    app: &App,
    work: W,
    now: Time,
    give_up: impl AsyncFnOnce(Failure) -> Result<(), StepError>,
) -> Result<Option<Resumed>, Trouble> {
    if !work.is_closed()
        && work.restarts() >= MOST_RESTARTS
        && app.executions.state_of(&work).await? == Execution::Ended
    {
        give_up(abandoned(work.restarts(), now)).await?;
        return Ok(None);
    }
    let deadline = app.outbox.deadline(now);
    let resumed = app.executions.resume(&app.store, work, deadline).await?;
    Ok(Some(resumed))
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
