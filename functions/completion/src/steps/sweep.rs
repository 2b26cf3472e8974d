//! Sweep: handles overdue jobs, voices and unpublished ends. The timeout of a whole execution and a
//! manual abort bypass every `Catch`; the sweep finds such jobs and voices by their deadline.

use contract::{FailureClass, Time};
use domain::{Failure, JobId, VoiceModelId};
use futures::{StreamExt as _, stream};
use outbox::{Execution, PublishEntryError, Resumed, StartError};
use store::{Overdue, StoreError};

use crate::{
    App,
    end::close_as_failed,
    step::{Reply, StepError},
    steps::voice,
};

/// The most items of one shard of the index in one sweep; the next sweep is minutes away.
const MOST_OF_A_SHARD: i32 = 25;

/// The number of items handled concurrently.
const AT_ONCE: usize = 8;

/// The most restarts of an execution; after them the job or voice is failed.
const MOST_RESTARTS: u32 = 2;

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
                // Kafka is unavailable: each of the others would wait for it just as long.
                if matches!(error, Trouble::Publish(PublishEntryError::Publish(_))) {
                    break;
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
}

async fn reconcile(app: &App, overdue: &Overdue, now: Time) -> Result<After, Trouble> {
    let resumed = match overdue {
        Overdue::Job(job) => reconcile_job(app, *job, now).await?,
        Overdue::Voice(voice) => reconcile_voice(app, *voice, now).await?,
        Overdue::Unpublished(unpublished) => {
            app.outbox.publish_overdue(unpublished).await?;
            return Ok(After::Published);
        }
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
    if job.is_closed() {
        return Ok(Some(Resumed::Closed));
    }
    // The consumer may have died before it published the job's `created`. Then the job was never
    // started, and `created` must be published first.
    app.outbox.publish_opening_entry(&job).await?;
    if job.restarts >= MOST_RESTARTS && app.outbox.execution_of(&job).await? == Execution::Ended {
        close_as_failed(app, id, abandoned(job.restarts, now), None).await?;
        return Ok(None);
    }
    Ok(Some(app.outbox.resume(id, now).await?))
}

/// `None` if it was given up.
async fn reconcile_voice(
    app: &App,
    id: VoiceModelId,
    now: Time,
) -> Result<Option<Resumed>, Trouble> {
    let model = app.store.voice(id).await?;
    if model.is_closed() {
        return Ok(Some(Resumed::Closed));
    }
    if model.restarts >= MOST_RESTARTS
        && app.outbox.execution_of_voice(&model).await? == Execution::Ended
    {
        voice::give_up(app, id, abandoned(model.restarts, now), None).await?;
        return Ok(None);
    }
    Ok(Some(app.outbox.resume_voice(model, now).await?))
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
