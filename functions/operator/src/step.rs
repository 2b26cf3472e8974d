//! The answers and errors of a step.

use dead_letters::DeadLetterError;
use kafka::PublishError;
use lambda_runtime::Diagnostic;
use operations::{
    FailureKind, Gathered, Handled, JobHandled, JobShown, JobsListed, Listed, Shown, Smoked,
};
use outbox::{CommitError, PublishAndStartError, StartError};
use serde::Serialize;
use store::{StoreError, UnknownPlace};
use uuid::Uuid;

use crate::invoke::InvokeError;

/// The answer to a step; `operations` says which answer belongs to which step.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    Gathered(Gathered),
    Listed(Listed),
    Shown(Box<Shown>),
    Handled(Handled),
    Smoked(Smoked),
    JobsListed(JobsListed),
    JobShown(Box<JobShown>),
    JobHandled(Box<JobHandled>),
    /// CloudFormation has got its answer already.
    Provided {},
}

/// Why a step failed, wholly or partly. Repeating it is safe.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error("reading what is asked")]
    Payload(#[source] serde_json::Error),
    #[error("telling CloudFormation how it ended")]
    NotPublished(#[from] reqwest::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    DeadLetter(#[from] DeadLetterError),
    #[error(transparent)]
    Place(#[from] UnknownPlace),
    #[error(transparent)]
    PublishAndStart(#[from] PublishAndStartError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("publishing the event of a smoke check")]
    Publish(#[from] PublishError),
    #[error("the event of the smoke check did not come through: {0}")]
    Smoke(String),
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    #[error("`{0}` is no number; take it as a page ended with it")]
    Number(String),
    #[error("there is no dead letter under the id {0}")]
    NoSuchRecord(Uuid),
}

impl StepError {
    /// The kind of error, by which the caller decides what to do.
    fn kind(&self) -> FailureKind {
        match self {
            Self::Store(error) | Self::Commit(CommitError::Store(error)) => of_store(error),
            Self::NoSuchRecord(_) => FailureKind::NotFound,
            Self::Payload(_) | Self::Place(_) | Self::Number(_) => FailureKind::InvalidInput,
            Self::DeadLetter(DeadLetterError::Content(_)) | Self::Commit(_) => {
                FailureKind::Internal
            }
            Self::DeadLetter(_)
            | Self::PublishAndStart(_)
            | Self::Start(_)
            | Self::Invoke(_)
            | Self::Publish(_)
            | Self::NotPublished(_)
            | Self::Smoke(_) => FailureKind::Transient,
        }
    }
}

/// What an operator does about a failure of the store.
fn of_store(error: &StoreError) -> FailureKind {
    match error {
        StoreError::NoSuchJob(_) | StoreError::NoSuchVoice(_) => FailureKind::NotFound,
        StoreError::Contended
        | StoreError::Write(_)
        | StoreError::Read(_)
        | StoreError::Item(_) => FailureKind::Transient,
        StoreError::Refused(_) => FailureKind::Internal,
    }
}

impl From<StepError> for Diagnostic {
    fn from(error: StepError) -> Self {
        Self {
            error_type: error.kind().as_str().to_owned(),
            error_message: runtime::chain(&error),
        }
    }
}
