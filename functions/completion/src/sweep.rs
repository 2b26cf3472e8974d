//! Sweep: no job hangs. Timeouts of a whole execution and aborts by hand go past every `Catch`; what they leave behind is found
//! here by its deadline.

use events::{FailureClass, Time};
use jobs::JobId;
use journal::Resumed;

use crate::{
    Studio,
    fail::close_as_failed,
    step::{Reply, StepError},
};

/// Jobs of one shard of the index that one sweep looks at; the next one is minutes away.
const MOST_OF_A_SHARD: i32 = 25;

/// How often a job's execution is started again before the job is given up.
const MOST_RESTARTS: u32 = 2;

/// Looks after every overdue job: one whose execution still runs is left alone, one whose execution is gone is started again,
/// and one that was started again too often is failed.
pub(crate) async fn sweep(studio: &Studio, now: Time) -> Result<Reply, StepError> {
    let overdue = studio.journal.overdue_jobs(now, MOST_OF_A_SHARD).await?;
    let (mut running, mut restarted, mut failed, mut closed, mut troubled) = (0, 0, 0, 0, 0);
    for job in &overdue {
        match look_after(studio, *job, now).await {
            Ok(After::Running) => running += 1,
            Ok(After::Restarted) => restarted += 1,
            Ok(After::Failed) => failed += 1,
            Ok(After::Closed) => closed += 1,
            Err(error) => {
                troubled += 1;
                tracing::error!(%job, "overdue job not looked after: {}", journal::chain(&*error));
            }
        }
    }
    if troubled > 0 {
        return Err(StepError::Sweep { troubled, overdue: overdue.len() });
    }
    Ok(Reply::Swept { overdue: overdue.len(), running, restarted, failed, closed })
}

enum After {
    Running,
    Restarted,
    Failed,
    Closed,
}

async fn look_after(studio: &Studio, id: JobId, now: Time) -> Result<After, Box<dyn std::error::Error + Send + Sync>> {
    let job = studio.journal.job(id).await?;
    // The consumer may have died before it told: then the job was never started, and its `created` comes first.
    studio.journal.tell_cause_of(&job).await?;
    if job.restarts >= MOST_RESTARTS && !job.is_closed() && !studio.journal.is_running(&job).await? {
        let detail = format!("its execution ended {} times without closing it", job.restarts + 1);
        close_as_failed(studio, id, FailureClass::Abandoned, &detail, now).await?;
        return Ok(After::Failed);
    }
    Ok(match studio.journal.resume(id, now).await? {
        Resumed::Running => After::Running,
        Resumed::Closed => After::Closed,
        Resumed::Started => After::Restarted,
    })
}
