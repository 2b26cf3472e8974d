//! Render jobs: how an operator selects a tenant's jobs, what the answer says of each, and the
//! result of each step.

use std::{fmt, str::FromStr};

use contract::{AssetKind, Entity, Identifier, Time, Trigger};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Selects a tenant's jobs. An absent field matches every job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobFilter {
    /// Only jobs in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<JobState>,
    /// Only jobs for this kind of asset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<AssetKind>,
    /// Only jobs created at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Only jobs created before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// The request for a page of a tenant's jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListJobs {
    /// The tenant.
    pub tenant: Identifier,
    /// Selects them.
    #[serde(default)]
    pub filter: JobFilter,
    /// The position at which the previous page ended.
    #[serde(default)]
    pub after: Option<String>,
    /// The most jobs of a page.
    pub most: u32,
}

/// The request to resubmit or to cancel a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeJob {
    /// The tenant.
    pub tenant: Identifier,
    /// Its id.
    pub job: Uuid,
    /// Whether to do it; otherwise the answer only says what the step would do.
    pub execute: bool,
}

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Decided; no provider has been asked yet.
    Created,
    /// A provider has been asked.
    Submitted,
    /// The asset is stored and published.
    Completed,
    /// It failed and will not be tried again.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Its facts were erased.
    Erased,
}

impl JobState {
    /// Every state, in the order in which a job reaches them.
    pub const ALL: [Self; 6] = [
        Self::Created,
        Self::Submitted,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Erased,
    ];

    /// The name of the state.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Submitted => "submitted",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Erased => "erased",
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no [`JobState`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job is created, submitted, completed, failed, cancelled or erased")]
pub struct UnknownState;

impl FromStr for JobState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(UnknownState)
    }
}

/// A job in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobSummary {
    /// Its id.
    pub id: Uuid,
    /// Its state.
    pub state: JobState,
    /// The entity that its asset is about.
    pub entity: Entity,
    /// The kind of asset.
    pub asset: AssetKind,
    /// The language of the translation that the asset shows, if it shows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The provider that makes the asset.
    pub provider: String,
    /// When a consumer decided to open it.
    pub created_at: Time,
    /// The job that this one makes again, if an operator resubmitted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resubmit_of: Option<Uuid>,
}

/// A page of a tenant's jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobsListed {
    /// The jobs.
    pub jobs: Vec<JobSummary>,
    /// The position of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A job with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobShown {
    /// The job.
    pub job: JobSummary,
    /// The template that it renders.
    pub template: Uuid,
    /// The inbound event that caused it.
    pub trigger: Trigger,
    /// What happened to it, in order.
    pub history: Vec<Happened>,
    /// Its latest execution, if it has one.
    pub execution: JobExecution,
    /// The URL of its asset: `s3://…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The job that makes it again, if an operator resubmitted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resubmitted_as: Option<Uuid>,
}

/// One entry of a job's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Happened {
    /// When it happened.
    pub at: Time,
    /// What happened, in words for an operator.
    pub what: String,
}

/// A job's Step Functions execution. A picture that is drawn from the queue has none, and neither has
/// a job that waits for its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobExecution {
    /// Its name; of a job that has none, the name that it would have.
    pub name: String,
    /// `running`, `ended`, `missing`, `none` if the job is drawn from the queue, or `waiting` if it
    /// waits for its turn.
    pub is: String,
    /// The provider at which it waits for its turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
}

/// The result of resubmitting or cancelling a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobHandled {
    /// The job after the step.
    pub job: JobSummary,
    /// What the step did.
    pub fate: JobFate,
}

/// What a step did to a job, or would do with `execute`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum JobFate {
    /// The step would open this job to make it again.
    WouldBeResubmitted {
        /// The new job's id.
        by: Uuid,
    },
    /// This job makes it again.
    Resubmitted {
        /// The new job's id.
        by: Uuid,
        /// Whether an earlier request opened that job: a repeated request opens no second one.
        before: bool,
    },
    /// The step would cancel it.
    WouldBeCancelled,
    /// The step cancelled it.
    Cancelled,
    /// The step left it as it was.
    Stays {
        /// Why it was left.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_parsed_from_its_name() {
        for state in JobState::ALL {
            assert_eq!(state.to_string().parse(), Ok(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert_eq!("done".parse::<JobState>(), Err(UnknownState));
    }
}
