//! Sweep: no job and no voice hangs, and no end goes untold. Timeouts of a whole execution and aborts by hand go past every `Catch`; what they
//! leave behind is found here by its deadline.

use events::{FailureClass, Time};
use futures::{StreamExt as _, stream};
use jobs::{Failure, JobId, VoiceModelId};
use journal::{Execution, KeepError, Overdue, Resumed, StartError, TellKeptError};

use crate::{
    Studio,
    fail::close_as_failed,
    step::{Reply, StepError},
    voice,
};

/// How much of one shard of the index one sweep looks at; the next one is minutes away.
const MOST_OF_A_SHARD: i32 = 25;

/// How many jobs are looked after at once.
const AT_ONCE: usize = 8;

/// How often a job's execution is started again before the job is given up.
const MOST_RESTARTS: u32 = 2;

/// Looks after everything overdue: a job whose execution goes on is left alone for another while, one whose execution is gone
/// is started again, one that was started again too often is failed, and an end that Kafka may not have heard of is told.
pub(crate) async fn sweep(studio: &Studio, now: Time) -> Result<Reply, StepError> {
    let overdue = studio.journal.overdue(now, MOST_OF_A_SHARD).await?;
    let (mut running, mut restarted, mut failed, mut closed, mut told, mut troubled) = (0, 0, 0, 0, 0, 0);
    let mut looked_after = stream::iter(&overdue)
        .map(|one| async move { (one, look_after(studio, one, now).await) })
        .buffer_unordered(AT_ONCE);
    while let Some((one, after)) = looked_after.next().await {
        match after {
            Ok(After::Running) => running += 1,
            Ok(After::Restarted) => restarted += 1,
            Ok(After::Failed) => failed += 1,
            Ok(After::Closed) => closed += 1,
            Ok(After::Told) => told += 1,
            Err(error) => {
                troubled += 1;
                tracing::error!(?one, "not looked after: {}", journal::chain(&error));
                // Kafka is away: each of the others would wait for it as long.
                if matches!(error, Trouble::Tell(TellKeptError::Tell(_))) {
                    break;
                }
            }
        }
    }
    if troubled > 0 {
        return Err(StepError::Sweep { troubled, overdue: overdue.len() });
    }
    Ok(Reply::Swept { overdue: overdue.len(), running, restarted, failed, closed, told })
}

enum After {
    Running,
    Restarted,
    Failed,
    Closed,
    Told,
}

/// Why something overdue was not looked after this time.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Keep(#[from] KeepError),
    #[error(transparent)]
    Tell(#[from] TellKeptError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Close(#[from] StepError),
}

async fn look_after(studio: &Studio, overdue: &Overdue, now: Time) -> Result<After, Trouble> {
    let resumed = match overdue {
        Overdue::Job(job) => look_after_job(studio, *job, now).await?,
        Overdue::Voice(voice) => look_after_voice(studio, *voice, now).await?,
        Overdue::Untold(untold) => {
            studio.journal.tell_untold(untold).await?;
            return Ok(After::Told);
        }
    };
    match resumed {
        None => Ok(After::Failed),
        Some(Resumed::Closed) => Ok(After::Closed),
        Some(Resumed::Started) => Ok(After::Restarted),
        Some(Resumed::Running) => {
            studio.journal.postpone(overdue, now).await?;
            Ok(After::Running)
        }
    }
}

/// `None`: it was given up.
async fn look_after_job(studio: &Studio, id: JobId, now: Time) -> Result<Option<Resumed>, Trouble> {
    let job = studio.journal.job(id).await?;
    if job.is_closed() {
        return Ok(Some(Resumed::Closed));
    }
    // The consumer may have died before it told: then the job was never started, and its `created` comes first.
    studio.journal.tell_cause_of(&job).await?;
    if job.restarts >= MOST_RESTARTS && studio.journal.execution_of(&job).await? == Execution::Ended {
        close_as_failed(studio, id, abandoned(job.restarts, now), None).await?;
        return Ok(None);
    }
    Ok(Some(studio.journal.resume(id, now).await?))
}

/// `None`: it was given up.
async fn look_after_voice(studio: &Studio, id: VoiceModelId, now: Time) -> Result<Option<Resumed>, Trouble> {
    let model = studio.journal.voice(id).await?;
    if model.is_closed() {
        return Ok(Some(Resumed::Closed));
    }
    if model.restarts >= MOST_RESTARTS && studio.journal.execution_of_voice(&model).await? == Execution::Ended {
        voice::give_up(studio, id, abandoned(model.restarts, now), None).await?;
        return Ok(None);
    }
    Ok(Some(studio.journal.resume_voice(model, now).await?))
}

fn abandoned(restarts: u32, now: Time) -> Failure {
    let detail = format!("its execution ended {} times without closing it", restarts + 1);
    Failure { class: FailureClass::Abandoned, detail, at: now }
}
