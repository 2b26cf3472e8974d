//! Resubmit: a job that is over is made again, by a new one.

use contract::{Identifier, Time};
use domain::JobId;
use journal::{Resubmission, StoreError};
use operations::{JobFate, JobHandled};

use crate::{Operator, jobs_of::summary, step::StepError};

/// Has a job made again, or says what would be done. The same job is made again once, however often
/// that is asked for: what is decided is committed, then published, then started, as for any event.
pub(crate) async fn resubmit(
    operator: &Operator,
    tenant: &Identifier,
    id: JobId,
    execute: bool,
    now: Time,
) -> Result<JobHandled, StepError> {
    let job = operator.journal.job_of(tenant, id).await?;
    let fate = match operator.journal.resubmission(&job, now).await {
        Err(StoreError::Resubmit(why)) => JobFate::Stays {
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
                Resubmission::New(_) => operator.journal.commit_resubmission(&job, now).await?,
            };
            if execute {
                operator.journal.publish_and_start(&entry, now).await?;
            }
            match entry.starts.first() {
                Some(by) => JobFate::Resubmitted { by: by.0, before },
                // Its events were blanked when all of the tenant's was erased.
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
