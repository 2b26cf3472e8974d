//! Iterates over the jobs that a filter selects, newest first: those of a tenant, or those of all
//! tenants that an index has.

use std::collections::VecDeque;

use contract::Identifier;
use domain::{Job, ProviderId, Shortfall, State, Work as _};
use operations::{JobFilter, JobState};
use store::{ItemError, OfAllTenants, Place};
use uuid::Uuid;

use crate::{Operator, job_state::named, step::StepError};

/// Where the jobs are listed.
#[derive(Debug, PartialEq, Eq)]
enum Source<'a> {
    /// In the index of all that is a tenant's. Each of its jobs in that time is read.
    Tenant(&'a Identifier),
    /// In an index of what is open, failed or degraded.
    All(OfAllTenants),
}

/// The selected jobs.
pub(crate) struct SelectedJobs<'a> {
    operator: &'a Operator,
    source: Source<'a>,
    filter: &'a JobFilter,
    provider: Option<ProviderId>,
    page: VecDeque<(Place, Result<Job, ItemError>)>,
    after: Option<Place>,
    seen_all: bool,
    at_once: u16,
    /// The ids of jobs that this version of the code cannot read.
    pub(crate) unread: Vec<Uuid>,
}

impl<'a> SelectedJobs<'a> {
    /// Continues `after` the end of the previous page, and reads `at_once` jobs at once.
    pub(crate) fn after(
        operator: &'a Operator,
        tenant: Option<&'a Identifier>,
        filter: &'a JobFilter,
        after: Option<&str>,
        at_once: u16,
    ) -> Result<Self, StepError> {
        let provider = filter.provider.as_deref().map(str::parse);
        Ok(Self {
            operator,
            source: source(tenant, filter)?,
            filter,
            provider: provider.transpose().map_err(StepError::NoSuchProvider)?,
            page: VecDeque::new(),
            after: after.map(str::parse).transpose()?,
            seen_all: false,
            at_once,
            unread: Vec::new(),
        })
    }

    /// The next job.
    pub(crate) async fn next(&mut self) -> Result<Option<Job>, StepError> {
        loop {
            while let Some((place, job)) = self.page.pop_front() {
                self.after = Some(place);
                match job {
                    Ok(job) if matches(self.filter, self.provider, &job) => return Ok(Some(job)),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::error!(job = %place.id, "not read: {}", runtime::chain(&error));
                        self.unread.push(place.id);
                    }
                }
            }
            if self.seen_all {
                return Ok(None);
            }
            let next = self.read_on().await?;
            self.seen_all = next.is_none();
            // The place advances even if nothing of a page is left.
            if self.page.is_empty() {
                self.after = next.or(self.after);
            }
        }
    }

    /// Reads the next page; returns where the one after it begins.
    async fn read_on(&mut self) -> Result<Option<Place>, StepError> {
        let (store, filter) = (&self.operator.store, self.filter);
        let within = (filter.since, filter.until);
        let (page, next): (VecDeque<_>, _) = match self.source {
            Source::Tenant(tenant) => {
                let most = i32::from(self.at_once);
                let page = store.jobs_of(tenant, within, self.after, most).await?;
                let place = |job: &Job| Place {
                    time: job.created_at,
                    id: job.id.0,
                };
                let jobs = page.jobs.into_iter().map(|job| (place(&job), Ok(job)));
                (jobs.collect(), page.next)
            }
            Source::All(which) => {
                // That index has deadlines in place of the times at which jobs were created.
                let within = match which {
                    OfAllTenants::Open => (None, None),
                    OfAllTenants::Ended(_) => within,
                };
                let most = usize::from(self.at_once);
                let page = store.jobs_of_all(which, within, self.after, most).await?;
                (page.work.into(), page.next)
            }
        };
        self.page = page;
        Ok(next)
    }

    /// Where the next page begins, if there may be more jobs.
    pub(crate) fn goes_on(&self) -> Option<String> {
        let is_over = self.seen_all && self.page.is_empty();
        self.after
            .filter(|_| !is_over)
            .map(|place| place.to_string())
    }
}

/// The index that has what a filter selects.
fn source<'a>(tenant: Option<&'a Identifier>, filter: &JobFilter) -> Result<Source<'a>, StepError> {
    if let Some(tenant) = tenant {
        return Ok(Source::Tenant(tenant));
    }
    let all = match (filter.state, filter.degraded) {
        (Some(JobState::Failed), false) => OfAllTenants::Ended(Shortfall::Failed),
        // Only a failed job has a cause.
        (None, false) if filter.cause.is_some() => OfAllTenants::Ended(Shortfall::Failed),
        (None | Some(JobState::Completed), true) => OfAllTenants::Ended(Shortfall::FellBack),
        (Some(JobState::Created | JobState::Submitted), false) => OfAllTenants::Open,
        (
            None
            | Some(
                JobState::Created
                | JobState::Submitted
                | JobState::Completed
                | JobState::Failed
                | JobState::Cancelled
                | JobState::Erased,
            ),
            _,
        ) => return Err(StepError::NoIndexOfJobs),
    };
    Ok(Source::All(all))
}

fn matches(filter: &JobFilter, provider: Option<ProviderId>, job: &Job) -> bool {
    let created = job.created_at;
    filter.state.is_none_or(|state| named(&job.state) == state)
        && filter.asset.is_none_or(|asset| job.asset == asset)
        && provider.is_none_or(|provider| job.concerns(provider))
        && filter.since.is_none_or(|since| created >= since)
        && filter.until.is_none_or(|until| created < until)
        && (!filter.degraded || job.shortfall() == Some(Shortfall::FellBack))
        && filter
            .cause
            .as_deref()
            .is_none_or(|cause| failed_of(job, cause))
}

/// Whether the job failed, and `cause` is a part of why, in any case.
fn failed_of(job: &Job, cause: &str) -> bool {
    failure(job).is_some_and(|why| why.to_lowercase().contains(&cause.to_lowercase()))
}

/// Why a job failed: the class and the details.
pub(crate) fn failure(job: &Job) -> Option<String> {
    match &job.state {
        State::Failed { failure } => {
            Some(format!("{}: {}", failure.class.as_str(), failure.detail))
        }
        State::Created
        | State::Submitted { .. }
        | State::Completed { .. }
        | State::Cancelled { .. }
        | State::Erased { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(state: Option<JobState>, degraded: bool, cause: Option<&str>) -> JobFilter {
        JobFilter {
            state,
            degraded,
            cause: cause.map(str::to_owned),
            ..JobFilter::default()
        }
    }

    #[test]
    fn jobs_of_all_tenants_are_listed_if_an_index_has_them() {
        let failed = Some(OfAllTenants::Ended(Shortfall::Failed));
        let fell_back = Some(OfAllTenants::Ended(Shortfall::FellBack));
        let open = Some(OfAllTenants::Open);
        for (filter, expected) in [
            (of(Some(JobState::Failed), false, None), failed),
            (of(None, false, Some("S3")), failed),
            (of(None, true, None), fell_back),
            (of(Some(JobState::Completed), true, None), fell_back),
            (of(Some(JobState::Created), false, None), open),
            (of(Some(JobState::Submitted), false, None), open),
            (of(None, false, None), None),
            (of(Some(JobState::Completed), false, None), None),
            (of(Some(JobState::Cancelled), false, None), None),
            (of(Some(JobState::Failed), true, None), None),
        ] {
            let found = source(None, &filter).ok();
            assert_eq!(found, expected.map(Source::All), "{filter:?}");
            let tenant = Identifier::parse("a").unwrap();
            let found = source(Some(&tenant), &filter).ok();
            assert_eq!(found, Some(Source::Tenant(&tenant)));
        }
    }
}
