//! A job in a line.

use contract::printable;
use operations::{JobFate, JobHandled, JobSummary};

/// What a job makes: `poster/hi-IN`.
pub fn makes(job: &JobSummary) -> String {
    match &job.locale {
        Some(locale) => format!("{}/{locale}", job.asset.as_str()),
        None => job.asset.as_str().to_owned(),
    }
}

/// What happened to a job, in one line.
pub fn fate(handled: &JobHandled) -> String {
    let (word, why) = match &handled.fate {
        JobFate::WouldBeResubmitted { by } => ("would be made again", format!("by {by}")),
        JobFate::Resubmitted { by, before: false } => ("made again", format!("by {by}")),
        JobFate::Resubmitted { by, before: true } => {
            ("made again", format!("by {by}, as was decided before"))
        }
        JobFate::WouldBeCancelled => ("would be cancelled", String::new()),
        JobFate::Cancelled => ("cancelled", String::new()),
        JobFate::Stays { why } => ("stays", why.clone()),
        JobFate::NotYet { why } => ("not yet", why.clone()),
    };
    let line = format!(
        "{word:<20}{}  {}  {}",
        handled.job.id,
        makes(&handled.job),
        printable(&why)
    );
    format!("{}\n", line.trim_end())
}
