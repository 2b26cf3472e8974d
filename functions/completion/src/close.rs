//! The end of a job, whichever it is: decided once, published, marked.

use std::sync::OnceLock;

use contract::Time;
use domain::{Decision, EntityState, Job, JobId};

use crate::{
    App,
    measure::{Ending, ended},
    step::StepError,
};

/// Keeps what `decide` makes of the job as its end, or finds the end it has; tells it and notes
/// that. `false` if the job has no end and there is nothing to decide.
pub(crate) async fn close(
    app: &App,
    job: JobId,
    now: Time,
    decide: impl Fn(Job, EntityState) -> Option<Decision>,
) -> Result<bool, StepError> {
    let seen = OnceLock::new();
    let decide = |job: Job, entity| {
        seen.get_or_init(|| Ending::of(&job));
        decide(job, entity)
    };
    let Some(end) = app.journal.commit_end(job, now, decide).await? else {
        return Ok(false);
    };
    app.journal.publish_and_mark(&end).await?;
    if let Some(ending) = seen.get().filter(|_| !end.published) {
        ended(app, ending, &end, now);
    }
    Ok(true)
}
