//! Bulk: resubmits or cancels every job that a filter selects.
//!
//! A run that is interrupted goes on where its last page ended. Repeating it from the beginning is
//! the same: a job is resubmitted once, and a cancelled one is not open any more.

use std::time::{Duration, Instant};

use contract::Time;
use domain::{Job, Work as _};
use operations::{ChangeJobs, JobFate, JobFilter, JobHandled, JobState, JobsHandled};
use runtime::chain;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::{
    Operator, cancel::cancel_job, jobs_of::summary, resubmit::resubmit_job,
    selected_jobs::SelectedJobs, step::StepError,
};

/// The longest time during which jobs are begun.
const AT_MOST: Duration = Duration::from_secs(150);

/// The most jobs of one answer.
const MOST: usize = 50;

/// The run stops after this many jobs in a row that could not be handled now, because the next ones
/// would probably fail too.
const MOST_FAILURES: usize = 3;

/// What is done to each job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Resubmit,
    Cancel,
}

impl Change {
    /// Whether it can be done to the job at all: what is open is cancelled, what is closed is
    /// resubmitted.
    fn applies_to(self, job: &Job) -> bool {
        match self {
            Self::Resubmit => job.is_closed() && !job.is_erased(),
            Self::Cancel => !job.is_closed(),
        }
    }

    /// Whether the filter is narrow enough: all that a tenant ever had is not made again by a word
    /// too few.
    fn allows(self, filter: &JobFilter) -> bool {
        match self {
            Self::Resubmit => filter.degraded || filter.cause.is_some() || filter.state.is_some(),
            Self::Cancel => matches!(
                filter.state,
                None | Some(JobState::Created | JobState::Submitted)
            ),
        }
    }
}

/// Changes the jobs of one page, or without `execute` reports what would happen to each.
pub(crate) async fn change(
    operator: &Operator,
    step: &ChangeJobs,
    change: Change,
    now: Time,
) -> Result<JobsHandled, StepError> {
    let ChangeJobs { tenant, filter, .. } = step;
    if !change.allows(filter) {
        return Err(StepError::TooWide);
    }
    let begin = Instant::now();
    let mut ticks = interval(Duration::from_secs(1) / step.per_second.get());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let after = step.after.as_deref();
    let mut selected = SelectedJobs::after(operator, tenant.as_ref(), filter, after, 100)?;
    let mut handled = JobsHandled {
        jobs: Vec::new(),
        unread: Vec::new(),
        stopped: None,
        next: None,
    };
    let mut failures = 0;
    while handled.jobs.len() < MOST && begin.elapsed() < AT_MOST {
        let Some(job) = selected.next().await? else {
            break;
        };
        if !change.applies_to(&job) {
            continue;
        }
        let one = change_one(operator, job, change, step.execute, &mut ticks, now).await;
        tracing::info!(id = %one.job.id, fate = one.fate.as_str(), "job");
        failures = match one.fate {
            JobFate::NotYet { .. } => failures + 1,
            _ => 0,
        };
        handled.jobs.push(one);
        if failures == MOST_FAILURES {
            handled.stopped = Some(format!("{failures} jobs in a row could not be handled now"));
            break;
        }
    }
    if handled.stopped.is_none() {
        handled.next = selected.goes_on();
    }
    handled.unread = selected.unread;
    Ok(handled)
}

async fn change_one(
    operator: &Operator,
    job: Job,
    change: Change,
    execute: bool,
    ticks: &mut Interval,
    now: Time,
) -> JobHandled {
    if execute {
        ticks.tick().await;
    }
    let before = summary(&job);
    let handled = match change {
        Change::Resubmit => resubmit_job(operator, &job, execute, now).await,
        Change::Cancel => cancel_job(operator, job, execute).await,
    };
    handled.unwrap_or_else(|error| JobHandled {
        job: before,
        fate: JobFate::NotYet { why: chain(&error) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_filter_that_says_what_is_wrong_makes_jobs_again() {
        let filter = JobFilter::default();
        assert!(!Change::Resubmit.allows(&filter));
        assert!(Change::Cancel.allows(&filter));
        let of = |state| JobFilter {
            state: Some(state),
            ..JobFilter::default()
        };
        assert!(Change::Resubmit.allows(&of(JobState::Failed)));
        assert!(!Change::Cancel.allows(&of(JobState::Failed)));
        assert!(Change::Cancel.allows(&of(JobState::Submitted)));
        let degraded = JobFilter {
            degraded: true,
            ..JobFilter::default()
        };
        assert!(Change::Resubmit.allows(&degraded));
    }
}
