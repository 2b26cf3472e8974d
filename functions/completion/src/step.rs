//! A step: what the state machine asks for, what it is answered, and what can go wrong on the way.

use aws_sdk_s3::error::BoxError;
use jobs::{JobId, ProviderId};
use journal::{KeepError, TellKeptError};
use lambda_runtime::Diagnostic;
use providers::Refused;
use serde::{Deserialize, Serialize};

use crate::logo::FetchError;

/// What the state machine, or the schedule, asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(crate) enum Step {
    /// Ask the provider for the job's media.
    Submit { job_id: JobId },
    /// Ask again whether it is made.
    Poll { job_id: JobId },
    /// The media is stored: close the job and tell.
    Finish { job_id: JobId },
    /// A step failed for good, with Step Functions' error name and cause: close the job and tell.
    Fail {
        job_id: JobId,
        error: String,
        #[serde(default)]
        cause: String,
    },
    /// Somebody who may do so does not want the job's media any more.
    Cancel { job_id: JobId },
    /// An operator says that a provider can be asked again.
    CloseBreaker { provider: ProviderId },
    /// Find jobs whose execution died without a word.
    Sweep,
}

/// What a step answers. The state machine goes by `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(crate) enum Reply {
    /// The provider needs longer; poll after so many seconds.
    Pending { poll_after_seconds: u32 },
    /// It is somebody else's turn, or the provider wants a pause; submit again after so many seconds.
    Waiting { seconds: u32 },
    /// The asset is stored.
    Stored,
    /// The job is closed, and Kafka has its events.
    Closed,
    /// The provider is asked again.
    BreakerClosed,
    /// What the sweep found.
    Swept { overdue: usize, running: usize, restarted: usize, failed: usize, closed: usize, told: usize },
}

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    Keep(#[from] KeepError),
    #[error(transparent)]
    Tell(#[from] TellKeptError),
    #[error(transparent)]
    Logo(#[from] FetchError),
    #[error("storing the asset in S3")]
    Store(#[source] BoxError),
    #[error("cancelling the job {job} at its provider")]
    Cancel { job: JobId, source: Refused },
    #[error("no asset of the job {0} is stored, and none is on its way")]
    NothingStored(JobId),
    #[error("{troubled} of {overdue} overdue jobs could not be looked after; the log says why of each")]
    Sweep { troubled: usize, overdue: usize },
}

impl StepError {
    /// The name that the state machine's `Retry` and `Catch` match, which is the failure's fate: `Studio.Transient` is tried
    /// again, the others are not.
    pub(crate) fn error_type(&self) -> &'static str {
        match self {
            Self::Keep(error) if error.is_transient() => "Studio.Transient",
            Self::Tell(_)
            | Self::Store(_)
            | Self::Cancel { .. }
            | Self::Sweep { .. }
            | Self::Logo(FetchError::S3 { .. }) => "Studio.Transient",
            Self::Logo(FetchError::NotAllowed(_) | FetchError::Missing(_) | FetchError::TooLarge { .. }) => {
                "Studio.InvalidInput"
            }
            Self::Keep(_) | Self::NothingStored(_) => "Studio.Internal",
        }
    }

    /// What went wrong, for whoever's content it is: where that is theirs to mend, a sentence and nothing else; else the chain, which
    /// only operators see.
    fn message(&self) -> String {
        match self {
            Self::Logo(error @ (FetchError::NotAllowed(_) | FetchError::Missing(_) | FetchError::TooLarge { .. })) => {
                error.to_string()
            }
            Self::Keep(_)
            | Self::Tell(_)
            | Self::Logo(FetchError::S3 { .. })
            | Self::Store(_)
            | Self::Cancel { .. }
            | Self::NothingStored(_)
            | Self::Sweep { .. } => journal::chain(self),
        }
    }
}

impl From<StepError> for Diagnostic {
    fn from(error: StepError) -> Self {
        Self { error_type: error.error_type().to_owned(), error_message: error.message() }
    }
}
