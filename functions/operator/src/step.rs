//! What a step answers, and what can go wrong on the way.

use journal::{DeadLetterError, PublishAndStartError, StartError, StoreError, UnknownPlace};
use kafka::PublishError;
use lambda_runtime::Diagnostic;
use operations::{
    FailureKind, Gathered, Handled, JobHandled, JobShown, JobsListed, Listed, Shown, Smoked,
};
use serde::Serialize;
use uuid::Uuid;

use crate::invoke::InvokeError;

/// What is answered: `operations` says which to what.
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
    /// CloudFormation has its answer already.
    Provided {},
}

/// Why a step was not taken, or not to its end. Taking it again is safe.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error("reading what is asked")]
    Payload(#[source] serde_json::Error),
    #[error("telling CloudFormation how it ended")]
    NotPublished(#[from] reqwest::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// What whoever asked tells apart what to do by.
    fn kind(&self) -> FailureKind {
        match self {
            Self::Store(error) if error.is_transient() => FailureKind::Transient,
            Self::Store(StoreError::NoSuchJob(_) | StoreError::NoSuchVoice(_))
            | Self::NoSuchRecord(_) => FailureKind::NotFound,
            Self::Payload(_) | Self::Place(_) | Self::Number(_) => FailureKind::InvalidInput,
            Self::DeadLetter(DeadLetterError::Content(_)) | Self::Store(_) => FailureKind::Internal,
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

impl From<StepError> for Diagnostic {
    fn from(error: StepError) -> Self {
        Self {
            error_type: error.kind().as_str().to_owned(),
            error_message: runtime::chain(&error),
        }
    }
}
