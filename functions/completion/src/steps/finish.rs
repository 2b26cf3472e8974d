//! Finish: completes a job whose asset is stored, and gives the asset to its template.

use contract::Time;
use domain::{JobId, State};

use crate::{
    App,
    end::close,
    step::{Reply, StepError},
};

/// Completes a job and publishes its end. A job that has another end keeps it, and that end is
/// published.
pub(crate) async fn finish(app: &App, job: JobId, now: Time) -> Result<Reply, StepError> {
    let finished = close(app, job, now, |job, entity| {
        let url = match &job.state {
            State::Submitted {
                output: Some(output),
                ..
            } => format!("{}/{}", app.config.asset_base_url, output.key),
            _ => return None,
        };
        domain::finish(job, entity, &url, now)
    })
    .await?;
    if finished {
        Ok(Reply::Closed)
    } else {
        Err(StepError::NothingStored(job))
    }
}
