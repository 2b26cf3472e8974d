//! The end of a job, whichever it is: decided once, told, marked.

use events::Time;
use jobs::{Decision, EntityState, Job, JobId};

use crate::{Studio, step::StepError};

/// Keeps what `decide` makes of the job as its end, or finds the end it has; tells it and notes that. `false` if the job has no
/// end and there is nothing to decide.
pub(crate) async fn close(
    studio: &Studio,
    job: JobId,
    now: Time,
    decide: impl Fn(Job, EntityState) -> Option<Decision>,
) -> Result<bool, StepError> {
    let Some(end) = studio.journal.keep_end(job, now, decide).await? else { return Ok(false) };
    studio.journal.tell_and_mark(&end).await?;
    Ok(true)
}
