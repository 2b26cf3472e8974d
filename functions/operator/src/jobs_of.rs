//! Jobs: a list of them, of one tenant or of all.

use std::time::{Duration, Instant};

use domain::Job;
use operations::{JobSummary, JobsListed, ListJobs};

use crate::{
    Operator,
    job_state::named,
    selected_jobs::{SelectedJobs, failure},
    step::StepError,
};

/// The longest search for a page; if few jobs match, the page may be short.
const AT_MOST: Duration = Duration::from_secs(30);

/// The largest page.
const MOST: u32 = 500;

/// The number of jobs read at once.
const AT_ONCE: u16 = 100;

/// Lists up to `most` jobs that match, newest first.
pub(crate) async fn list(operator: &Operator, list: &ListJobs) -> Result<JobsListed, StepError> {
    let ListJobs {
        tenant,
        filter,
        after,
        most,
    } = list;
    let begin = Instant::now();
    let most = (*most).clamp(1, MOST);
    // No more than are asked for.
    let at_once = u16::try_from(most).unwrap_or(AT_ONCE).min(AT_ONCE);
    let after = after.as_deref();
    let mut selected = SelectedJobs::after(operator, tenant.as_ref(), filter, after, at_once)?;
    let mut jobs = Vec::new();
    while jobs.len() < most as usize && begin.elapsed() < AT_MOST {
        let Some(job) = selected.next().await? else {
            break;
        };
        jobs.push(summary(&job));
    }
    Ok(JobsListed {
        jobs,
        next: selected.goes_on(),
        unread: selected.unread,
    })
}

/// A job's entry in a list.
pub(crate) fn summary(job: &Job) -> JobSummary {
    JobSummary {
        id: job.id.0,
        state: named(&job.state),
        entity: job.entity.clone(),
        asset: job.asset,
        locale: job.locale.as_ref().map(|locale| locale.as_str().to_owned()),
        provider: job.provider.clone(),
        created_at: job.created_at,
        resubmit_of: job.resubmit_of.map(|old| old.0),
        tenant: Some(job.tenant.clone()),
        failure: failure(job),
        fell_back_from: job
            .output()
            .and_then(|_| job.fell_back().first().map(|first| first.from))
            .map(|provider| provider.as_str().to_owned()),
    }
}
