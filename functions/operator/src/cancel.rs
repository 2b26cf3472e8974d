//! Cancel: `completion` cancels an open job, because it runs all steps of jobs.

use domain::{Job, JobId, State, Work};
use operations::{ChangeJob, CompletionStep, JobFate, JobHandled};
use serde::de::IgnoredAny;

use crate::{Operator, invoke::complete, jobs_of::summary, step::StepError};

/// Cancels a tenant's job, or without `execute` reports what would happen.
pub(crate) async fn cancel(
    operator: &Operator,
    change: &ChangeJob,
) -> Result<JobHandled, StepError> {
    let (tenant, id) = (&change.tenant, JobId(change.job));
    let job = operator.store.job_of(tenant, id).await?;
    cancel_job(operator, job, change.execute).await
}

/// Cancels a job, or without `execute` reports what would happen.
pub(crate) async fn cancel_job(
    operator: &Operator,
    job: Job,
    execute: bool,
) -> Result<JobHandled, StepError> {
    if job.is_closed() {
        let why = format!("it is {} already", summary(&job).state);
        return Ok(JobHandled {
            job: summary(&job),
            fate: JobFate::Stays { why },
        });
    }
    if !execute {
        return Ok(JobHandled {
            job: summary(&job),
            fate: JobFate::WouldBeCancelled,
        });
    }
    let id = job.id;
    let _: IgnoredAny = complete(operator, &CompletionStep::Cancel { job_id: id.0 }).await?;
    let job = operator.store.job(id).await?;
    let fate = match &job.state {
        State::Cancelled { .. } => JobFate::Cancelled,
        _ => JobFate::Stays {
            why: format!(
                "it was {} before it could be cancelled",
                summary(&job).state
            ),
        },
    };
    Ok(JobHandled {
        job: summary(&job),
        fate,
    })
}
