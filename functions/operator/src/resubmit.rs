//! Resubmit: a new job makes the asset of a closed one again.

use contract::Time;
use domain::JobId;
use operations::{ChangeJob, JobFate, JobHandled};
use outbox::{CommitError, Resubmission};

use crate::{Operator, jobs_of::summary, step::StepError};

/// Resubmits a job, or without `execute` reports what would happen. A job is resubmitted only once,
/// however often that is requested: the decision is committed, published and sent like that of
/// an inbound event.
pub(crate) async fn resubmit(
    operator: &Operator,
    change: &ChangeJob,
    now: Time,
) -> Result<JobHandled, StepError> {
    let execute = change.execute;
    let job = operator
        .store
        .job_of(&change.tenant, JobId(change.job))
        .await?;
    let fate = match operator.outbox.resubmission(&job, now).await {
        Err(CommitError::Resubmit(why)) => JobFate::Stays {
            why: why.to_string(),
        },
        Err(error) => return Err(error.into()),
        Ok(Resubmission::New(decision)) if !execute => match decision.starts.first() {
            Some(by) => JobFate::WouldBeResubmitted { by: by.0 },
            None => JobFate::Stays {
                why: "nothing would be made of it".to_owned(),
            },
        },
        Ok(planned) => {
            let before = matches!(planned, Resubmission::Before(_));
            let entry = match planned {
                Resubmission::Before(entry) => entry,
                Resubmission::New(_) => operator.outbox.commit_resubmission(&job, now).await?,
            };
            if execute {
                operator.outbox.publish_and_send(&entry).await?;
            }
            match entry.starts.first() {
                Some(by) => JobFate::Resubmitted { by: by.0, before },
                // Its events were blanked when its tenant was erased.
                None => JobFate::Stays {
                    why: "it was made again before, and that is erased".to_owned(),
                },
            }
        }
    };
    Ok(JobHandled {
        job: summary(&job),
        fate,
    })
}
