//! Finish: the asset is stored, so the job is completed and its template has it.

use events::Time;
use jobs::{JobId, State};

use crate::{
    Studio,
    close::close,
    step::{Reply, StepError},
};

/// Completes a job and tells. A job that was closed in another way stays as it is, and its end is told.
pub(crate) async fn finish(studio: &Studio, job: JobId, now: Time) -> Result<Reply, StepError> {
    let finished = close(studio, job, now, |job, entity| {
        let url = match &job.state {
            State::Submitted { output: Some(output), .. } => format!("{}/{}", studio.config.asset_base_url, output.key),
            _ => return None,
        };
        jobs::finish(job, entity, &url, now)
    })
    .await?;
    if finished { Ok(Reply::Closed) } else { Err(StepError::NothingStored(job)) }
}
