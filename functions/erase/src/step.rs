//! The reply of a step, and why one failed.

use asset_paths::PathsError;
use aws_sdk_s3::error::BoxError;
use executions::GoOnError;
use lambda_runtime::Diagnostic;
use operations::{FailureKind, Kept, TenantErasure, VoiceErasure};
use outbox::{CommitError, PublishEntryError};
use serde::Serialize;
use store::StoreError;
use work::CloseError;

/// The reply; `operations` says which one belongs to which step.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Reply {
    Voice(VoiceErasure),
    Tenant(TenantErasure),
}

/// Why a step failed. Repeating it is safe.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Publish(#[from] PublishEntryError),
    #[error(transparent)]
    AssetPaths(#[from] PathsError),
    #[error("{}", .0.iter().map(Kept::to_string).collect::<Vec<_>>().join("; "))]
    Kept(Vec<Kept>),
    #[error("deleting from S3")]
    Delete(#[source] BoxError),
    #[error("invalidating the CDN's copies")]
    Cdn(#[source] BoxError),
    #[error(transparent)]
    GoOn(#[from] GoOnError),
}

impl StepError {
    /// The error name, by which `operator` knows the kind of failure. A vendor or a bucket that
    /// keeps its copy has a name of its own.
    fn error_type(&self) -> &'static str {
        match self {
            Self::Store(error) if error.is_transient() => FailureKind::Transient.as_str(),
            Self::Commit(error) if error.is_transient() => FailureKind::Transient.as_str(),
            Self::Publish(_)
            | Self::AssetPaths(_)
            | Self::Delete(_)
            | Self::Cdn(_)
            | Self::GoOn(_) => FailureKind::Transient.as_str(),
            Self::Kept(_) => "Studio.ProviderTrouble",
            Self::Store(_) | Self::Commit(_) => FailureKind::Internal.as_str(),
        }
    }
}

impl From<CloseError> for StepError {
    fn from(error: CloseError) -> Self {
        match error {
            CloseError::Commit(error) => Self::Commit(error),
            CloseError::Publish(error) => Self::Publish(error),
        }
    }
}

impl From<StepError> for Diagnostic {
    fn from(error: StepError) -> Self {
        Self {
            error_type: error.error_type().to_owned(),
            error_message: runtime::chain(&error),
        }
    }
}
