//! The end of a job, whichever it is: decided once, told, marked.

use events::Time;
use jobs::{Decision, EntityState, Job, JobId};

use crate::{Studio, step::StepError};

/// Keeps what `decide` makes of the job in `step`, or finds what was kept; tells it and notes that. `false` if there was never
/// anything to decide in this step.
pub(crate) async fn close(
    studio: &Studio,
    job: JobId,
    step: &str,
    now: Time,
    decide: impl Fn(Job, EntityState) -> Option<Decision>,
) -> Result<bool, StepError> {
    let Some(kept) = studio.journal.keep_step(job, step, now, decide).await? else { return Ok(false) };
    studio.journal.tell(&[&kept]).await.into_iter().collect::<Result<(), _>>()?;
    studio.journal.mark_told(&kept).await?;
    Ok(true)
}
