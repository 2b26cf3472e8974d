//! Cancel: `completion` cancels an open job, because it runs all steps of jobs.

use contract::Identifier;
use domain::{JobId, State};
use operations::{JobFate, JobHandled};
use serde_json::json;

use crate::{Operator, invoke::invoke, jobs_of::summary, step::StepError};

/// Cancels a tenant's job, or without `execute` reports what would happen.
pub(crate) async fn cancel(
    operator: &Operator,
    tenant: &Identifier,
    id: JobId,
    execute: bool,
) -> Result<JobHandled, StepError> {
    let job = operator.store.job_of(tenant, id).await?;
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
    let step = json!({ "step": "cancel", "jobId": id }).to_string();
    invoke(&operator.lambda, &operator.config.completion, step).await?;
    let job = operator.store.job_of(tenant, id).await?;
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
