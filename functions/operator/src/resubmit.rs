//! Resubmit: a new job makes the asset of a closed one again.

use contract::Time;
use domain::{Job, JobId, ResubmitError};
use operations::{ChangeJob, JobFate, JobHandled};
use outbox::{CommitError, Resubmission};

use crate::{Operator, jobs_of::summary, step::StepError};

/// Resubmits a tenant's job, or without `execute` reports what would happen.
pub(crate) async fn resubmit(
    operator: &Operator,
    change: &ChangeJob,
    now: Time,
) -> Result<JobHandled, StepError> {
    let job = operator
        .store
        .job_of(&change.tenant, JobId(change.job))
        .await?;
    resubmit_job(operator, &job, change.execute, now).await
}

/// Resubmits a job, or without `execute` reports what would happen. A job is resubmitted only once,
/// however often that is requested: the decision is committed, published and sent like that of
/// an inbound event. What is made again, and what a newer job has replaced, is no longer listed among
/// what ended short of what was wanted.
pub(crate) async fn resubmit_job(
    operator: &Operator,
    job: &Job,
    execute: bool,
    now: Time,
) -> Result<JobHandled, StepError> {
    let (fate, is_settled) = match operator.outbox.resubmission(job, now).await {
        Err(CommitError::Resubmit(why)) => {
            let is_settled = matches!(why, ResubmitError::Replaced(_) | ResubmitError::Erased);
            let why = why.to_string();
            (JobFate::Stays { why }, is_settled)
        }
        Err(error) => return Err(error.into()),
        Ok(Resubmission::New(decision)) if !execute => match decision.starts.first() {
            Some(by) => (JobFate::WouldBeResubmitted { by: by.0 }, false),
            None => {
                let why = "nothing would be made of it".to_owned();
                (JobFate::Stays { why }, false)
            }
        },
        Ok(planned) => (
            made_again(operator, job, planned, execute, now).await?,
            true,
        ),
    };
    if execute && is_settled {
        operator.store.take_off_ended(job.id).await?;
    }
    Ok(JobHandled {
        job: summary(job),
        fate,
    })
}

/// Commits, publishes and sends what is planned, or what was decided before.
async fn made_again(
    operator: &Operator,
    job: &Job,
    planned: Resubmission,
    execute: bool,
    now: Time,
) -> Result<JobFate, StepError> {
    let before = matches!(planned, Resubmission::Before(_));
    let entry = match planned {
        Resubmission::Before(entry) => entry,
        Resubmission::New(_) => operator.outbox.commit_resubmission(job, now).await?,
    };
    if execute {
        operator.outbox.publish_and_send(&entry).await?;
    }
    Ok(match entry.starts.first() {
        Some(by) => JobFate::Resubmitted { by: by.0, before },
        // Its events were blanked when its tenant was erased.
        None => JobFate::Stays {
            why: "it was made again before, and that is erased".to_owned(),
        },
    })
}
