//! Why a request of CloudFormation's stays without an answer.

use aws_smithy_runtime_api::{box_error::BoxError, http::StatusCode};
use lambda_runtime::Diagnostic;
use operations::FailureKind;

use crate::answer_url::AnswerUrlError;

/// Why CloudFormation got no answer. Repeating the request is safe.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProvideError {
    #[error("reading the request")]
    Request(#[source] serde_json::Error),
    #[error(transparent)]
    Url(#[from] AnswerUrlError),
    #[error("sending the result to CloudFormation")]
    NotSent(#[source] BoxError),
    #[error("{host} answered {status} to the result for CloudFormation")]
    NotTaken { host: String, status: StatusCode },
}

impl ProvideError {
    /// The kind of error, by which the caller decides what to do.
    fn kind(&self) -> FailureKind {
        match self {
            Self::Request(_) | Self::Url(_) => FailureKind::InvalidInput,
            Self::NotSent(_) | Self::NotTaken { .. } => FailureKind::Transient,
        }
    }
}

impl From<ProvideError> for Diagnostic {
    fn from(error: ProvideError) -> Self {
        Self {
            error_type: error.kind().as_str().to_owned(),
            error_message: runtime::chain(&error),
        }
    }
}
