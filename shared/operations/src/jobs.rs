//! Render jobs: how an operator selects a tenant's jobs or those of all tenants, what the answer says
//! of each, and the result of each step on one job. `bulk.rs` has the steps on many.

use std::{fmt, str::FromStr};

use contract::{AssetKind, Configuration, Entity, Identifier, Time, Trigger};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Verdict;

/// Selects jobs. An absent field matches every job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobFilter {
    /// Only jobs in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<JobState>,
    /// Only jobs for this kind of asset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<AssetKind>,
    /// Only jobs that have to do with this provider: it is to make them, made them, was asked, or
    /// was passed over because its breaker was open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Only failed jobs with this text in the class or the details of their failure, in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Only jobs that another provider completed than was to make them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub degraded: bool,
    /// Only jobs created at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Only jobs created before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// The request for a page of jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListJobs {
    /// The tenant; absent for those of all tenants. An index has these only if they are open, failed
    /// or degraded, so that the filter must say one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Identifier>,
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
    /// The tenant; absent in the answer of a version from before lists of all tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Identifier>,
    /// Why it failed: the class and the details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The provider that was to make it, if another one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fell_back_from: Option<String>,
}

impl JobSummary {
    /// What is to be counted as its cause: its failure, from whom it fell back, or its state.
    #[must_use]
    pub fn cause(&self) -> String {
        match (&self.failure, &self.fell_back_from) {
            (Some(failure), _) => failure.clone(),
            (None, Some(provider)) => format!("fell back from {provider}"),
            (None, None) => self.state.to_string(),
        }
    }
}

/// A page of jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobsListed {
    /// The jobs.
    pub jobs: Vec<JobSummary>,
    /// The ids of jobs that this version of the code cannot read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Uuid>,
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
    /// What it is to show. A function from before this field leaves it out, and so does one whose
    /// job is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Configuration>,
    /// How things stand with it. A function from before this field leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
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
    /// The step could not handle it now; it waits as before. Only a step on many jobs says so.
    NotYet {
        /// Why, as far as the operator function knows.
        why: String,
    },
}

impl JobFate {
    /// The name of the variant in JSON. It leaves out causes, because they quote content.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::WouldBeResubmitted { .. } => "would-be-resubmitted",
            Self::Resubmitted { .. } => "resubmitted",
            Self::WouldBeCancelled => "would-be-cancelled",
            Self::Cancelled => "cancelled",
            Self::Stays { .. } => "stays",
            Self::NotYet { .. } => "not-yet",
        }
    }

    /// Whether the job is as it was after a step that should have changed it.
    #[must_use]
    pub fn is_left(&self) -> bool {
        match self {
            Self::Stays { .. } | Self::NotYet { .. } => true,
            Self::WouldBeResubmitted { .. }
            | Self::Resubmitted { .. }
            | Self::WouldBeCancelled
            | Self::Cancelled => false,
        }
    }
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

    #[test]
    fn the_name_of_a_jobs_fate_is_its_tag_in_json() {
        let why = "why".to_owned();
        let by = Uuid::nil();
        for fate in [
            JobFate::WouldBeResubmitted { by },
            JobFate::Resubmitted { by, before: true },
            JobFate::WouldBeCancelled,
            JobFate::Cancelled,
            JobFate::Stays { why: why.clone() },
            JobFate::NotYet { why },
        ] {
            assert_eq!(serde_json::to_value(&fate).unwrap()["is"], fate.as_str());
        }
    }

    #[test]
    fn a_list_of_a_tenants_jobs_is_asked_for_as_before_there_were_lists_of_all_tenants() {
        let form = r#"{"tenant":"a","filter":{"state":"failed"},"after":null,"most":10}"#;
        let list: ListJobs = serde_json::from_str(form).unwrap();
        assert_eq!(list.tenant.as_ref().map(Identifier::as_str), Some("a"));
        assert!(!list.filter.degraded);
        assert_eq!(serde_json::to_string(&list).unwrap(), form);
    }
}
