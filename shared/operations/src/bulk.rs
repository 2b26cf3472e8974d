//! Steps on many jobs at once. Each page of one begins where the last one ended, and a job that an
//! earlier page, or an earlier run, handled is handled no second time: so an interrupted run goes on
//! with its last position, or is simply repeated.

use std::num::NonZeroU32;

use contract::Identifier;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{JobFilter, JobHandled};

/// The request to count jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountJobs {
    /// The tenant; absent for those of all tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Identifier>,
    /// Selects them.
    #[serde(default)]
    pub filter: JobFilter,
    /// The position at which the previous part ended.
    #[serde(default)]
    pub after: Option<String>,
}

/// The request to resubmit or to cancel every job that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeJobs {
    /// The tenant; absent for those of all tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Identifier>,
    /// Selects them.
    #[serde(default)]
    pub filter: JobFilter,
    /// The position at which the previous page ended.
    #[serde(default)]
    pub after: Option<String>,
    /// Whether to do it; otherwise the answer only says what the step would do.
    pub execute: bool,
    /// Jobs per second, at most.
    pub per_second: NonZeroU32,
}

/// The result of a step for one page of jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobsHandled {
    /// Each job with its fate.
    pub jobs: Vec<JobHandled>,
    /// The ids of jobs that this version of the code cannot read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Uuid>,
    /// Why the run stopped early: the cause is probably not a single job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// The position of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{JobState, Step};

    #[test]
    fn a_step_on_many_jobs_is_read_from_hand_written_json() {
        let step = json!({
            "step": "resubmit-jobs",
            "filter": { "state": "failed", "provider": "runway", "cause": "S3" },
            "execute": true,
            "perSecond": 5,
        });
        let read: Step = serde_json::from_value(step).unwrap();
        let Step::ResubmitJobs(change) = &read else {
            panic!("{read:?}")
        };
        assert_eq!(change.filter.state, Some(JobState::Failed));
        assert_eq!(change.filter.provider.as_deref(), Some("runway"));
        assert_eq!((&change.tenant, change.per_second.get()), (&None, 5));
        assert!(read.is_change());
        let again = serde_json::to_value(&read).unwrap();
        assert_eq!(serde_json::from_value::<Step>(again).unwrap(), read);
    }
}
