//! The end of a job, whichever it is: decided once, told, marked.

use std::sync::OnceLock;

use events::Time;
use jobs::{Decision, EntityState, Job, JobId};

use crate::{
    Studio,
    measure::{Ending, ended},
    step::StepError,
};

/// Keeps what `decide` makes of the job as its end, or finds the end it has; tells it and notes that. `false` if the job has no
/// end and there is nothing to decide.
pub(crate) async fn close(
    studio: &Studio,
    job: JobId,
    now: Time,
    decide: impl Fn(Job, EntityState) -> Option<Decision>,
) -> Result<bool, StepError> {
    let seen = OnceLock::new();
    let decide = |job: Job, entity| {
        seen.get_or_init(|| Ending::of(&job));
        decide(job, entity)
    };
    let Some(end) = studio.journal.keep_end(job, now, decide).await? else { return Ok(false) };
    studio.journal.tell_and_mark(&end).await?;
    if let Some(ending) = seen.get().filter(|_| !end.told) {
        ended(studio, ending, &end, now);
    }
    Ok(true)
}
