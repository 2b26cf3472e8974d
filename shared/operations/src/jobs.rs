//! Render jobs: which of a tenant's, what is known of each, and what became of it.

use std::{fmt, str::FromStr};

use contract::{AssetKind, Entity, Time, Trigger};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which of a tenant's jobs. What is not said does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobFilter {
    /// As far as this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<JobState>,
    /// That make this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<AssetKind>,
    /// Created then or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Created before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Decided; nobody was asked yet.
    Created,
    /// A provider was asked.
    Submitted,
    /// The asset is stored and published.
    Completed,
    /// It failed for good.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It is erased.
    Erased,
}

impl JobState {
    /// All of them, in the order in which a job comes to them.
    pub const ALL: [Self; 6] = [
        Self::Created,
        Self::Submitted,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Erased,
    ];

    /// The state as it is written.
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

/// Some text is no [`JobState`].
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
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// How far it is.
    pub state: JobState,
    /// What it is about.
    pub entity: Entity,
    /// What it makes.
    pub asset: AssetKind,
    /// The language of the translation that it shows, if it shows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Who makes it, or is to.
    pub provider: String,
    /// When it was decided.
    pub created_at: Time,
    /// The job that an operator had made again by this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resubmit_of: Option<Uuid>,
}

/// A page of a tenant's jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobsListed {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// Where to go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A job with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobShown {
    /// The job.
    pub job: Job,
    /// The template that it renders.
    pub template: Uuid,
    /// The event that asked for it.
    pub trigger: Trigger,
    /// What happened, in its order.
    pub history: Vec<Happened>,
    /// Its latest execution.
    pub execution: Execution,
    /// Where its asset is: `s3://…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The job that makes it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resubmitted_as: Option<Uuid>,
}

/// Something that happened to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Happened {
    /// When.
    pub at: Time,
    /// What, for a person.
    pub what: String,
}

/// A job's execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Its name.
    pub name: String,
    /// `running`, `ended` or `missing`.
    pub is: String,
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobHandled {
    /// The job, as it is now.
    pub job: Job,
    /// What became of it.
    pub fate: JobFate,
}

/// What becomes of a job, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum JobFate {
    /// This job would make it again.
    WouldBeResubmitted {
        /// Its id.
        by: Uuid,
    },
    /// This job makes it again.
    Resubmitted {
        /// Its id.
        by: Uuid,
        /// Whether that was decided before: it is the same job then.
        before: bool,
    },
    /// It would be cancelled.
    WouldBeCancelled,
    /// It is cancelled.
    Cancelled,
    /// It is left alone.
    Stays {
        /// Why.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_as_it_is_written() {
        for state in JobState::ALL {
            assert_eq!(state.to_string().parse(), Ok(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert_eq!("done".parse::<JobState>(), Err(UnknownState));
    }
}
