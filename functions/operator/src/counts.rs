//! Counts: how many jobs or dead letters a filter selects, by cause, tenant and source. Each is read,
//! at half a read unit for each 4 KiB of keys and one for each 4 KiB of an item: ten thousand dead
//! letters cost about ten thousand units.

use std::time::{Duration, Instant};

use contract::Time;
use operations::{CountDeadLetters, CountJobs, Counted, Counts};

use crate::{
    Operator,
    jobs_of::summary,
    selected_jobs::SelectedJobs,
    step::StepError,
    waiting::{Oldest, WaitingRecords},
};

/// The longest count of one answer.
const AT_MOST: Duration = Duration::from_secs(30);

/// The most that one answer counts, so that an answer stays small even if each has another cause.
const MOST: u64 = 10_000;

/// Counts dead letters that wait.
pub(crate) async fn of_dead_letters(
    operator: &Operator,
    count: &CountDeadLetters,
    now: Time,
) -> Result<Counted, StepError> {
    let begin = Instant::now();
    let after = count.after.as_deref();
    let mut waiting = WaitingRecords::after(operator, &count.filter, after, Oldest::Last, now)?;
    let mut counts = Counts::default();
    while counts.total < MOST && begin.elapsed() < AT_MOST {
        let Some(entry) = waiting.next().await? else {
            break;
        };
        counts.add(&entry.cause, entry.tenant.as_deref(), &entry.topic);
    }
    Ok(Counted {
        counts,
        next: waiting.goes_on(),
    })
}

/// Counts jobs.
pub(crate) async fn of_jobs(operator: &Operator, count: &CountJobs) -> Result<Counted, StepError> {
    let begin = Instant::now();
    let CountJobs {
        tenant,
        filter,
        after,
    } = count;
    let after = after.as_deref();
    let mut selected = SelectedJobs::after(operator, tenant.as_ref(), filter, after, 100)?;
    let mut counts = Counts::default();
    while counts.total < MOST && begin.elapsed() < AT_MOST {
        let Some(job) = selected.next().await? else {
            break;
        };
        let (tenant, job) = (job.tenant.as_str().to_owned(), summary(&job));
        counts.add(&job.cause(), Some(&tenant), &job.provider);
    }
    Ok(Counted {
        counts,
        next: selected.goes_on(),
    })
}
