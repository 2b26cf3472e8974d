//! Invokes the function, and parses its answer.

use std::time::Duration;

use aws_sdk_lambda::{
    config::{StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig},
    error::{BoxError, ProvideErrorMetadata as _},
    primitives::Blob,
};
use operations::{Failure, FailureKind, Step};
use serde::de::DeserializeOwned;

use crate::place::{Place, PlaceError};

/// How long an answer may take: longer than the function's timeout.
const AT_MOST: Duration = Duration::from_secs(320);

/// The function that the command line invokes.
pub struct Function {
    name: String,
    client: aws_sdk_lambda::Client,
}

/// Why the function did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The function's place cannot be found.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Lambda did not invoke the function, or did not report the result.
    #[error("asking {function}")]
    Call {
        /// The function's name.
        function: String,
        /// The error of the call.
        source: BoxError,
    },
    /// The function does not exist.
    #[error("there is no function {0}: is the stage right, and the region?")]
    NoFunction(String),
    /// The caller is not allowed to invoke the function.
    #[error("you may not invoke {function}: {why}")]
    Denied {
        /// The function's name.
        function: String,
        /// AWS's message.
        why: String,
    },
    /// The function says that this cannot be done, now or later.
    #[error("{0}")]
    Refused(String),
    /// The function failed, but may succeed the next time.
    #[error("{0}")]
    Failed(String),
    /// The function failed because of a defect of its own.
    #[error("{0}")]
    Defect(String),
    /// The function's answer does not have the expected shape.
    #[error(
        "{function} answered what this version does not understand: deploy both from one version"
    )]
    Answer {
        /// The function's name.
        function: String,
        /// What is wrong with the answer.
        source: serde_json::Error,
    },
}

impl AskError {
    /// Whether the same request would fail again unless something changes.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Refused(_)
            | Self::Defect(_)
            | Self::NoFunction(_)
            | Self::Denied { .. }
            | Self::Answer { .. } => true,
            Self::Place(_) | Self::Call { .. } | Self::Failed(_) => false,
        }
    }
}

impl Function {
    /// The function at a place.
    pub async fn at(place: Place) -> Result<Self, AskError> {
        let config = aws_sdk_lambda::config::Builder::from(&place.config().await?)
            // The SDK must not retry a request that may have been carried out. An operator who sees
            // that it failed can retry it.
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_timeout(AT_MOST).build())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Ok(Self {
            name: place.function(),
            client: aws_sdk_lambda::Client::from_conf(config),
        })
    }

    /// The answer to `step`: as text, and parsed.
    pub async fn ask<A: DeserializeOwned>(&self, step: &Step) -> Result<(String, A), AskError> {
        let payload =
            serde_json::to_vec(step).expect("a step is strings and numbers under string keys");
        let invoked = self
            .client
            .invoke()
            .function_name(&self.name)
            .payload(Blob::new(payload))
            .send()
            .await;
        let invoked = invoked.map_err(|error| {
            let function = self.name.clone();
            match error.code() {
                Some("ResourceNotFoundException") => AskError::NoFunction(function),
                Some(
                    "AccessDeniedException"
                    | "UnrecognizedClientException"
                    | "ExpiredTokenException",
                ) => {
                    let why = error.message().unwrap_or("AWS does not say why").to_owned();
                    AskError::Denied { function, why }
                }
                _ => AskError::Call {
                    function,
                    source: error.into(),
                },
            }
        })?;
        let answer = invoked.payload.map(Blob::into_inner).unwrap_or_default();
        let unread = |source| AskError::Answer {
            function: self.name.clone(),
            source,
        };
        if invoked.function_error.is_some() {
            let failure: Failure = serde_json::from_slice(&answer).map_err(unread)?;
            return Err(match failure.kind() {
                Some(FailureKind::NotFound | FailureKind::InvalidInput) => {
                    AskError::Refused(failure.error_message)
                }
                Some(FailureKind::Internal) => {
                    AskError::Defect(format!("{} failed: {}", self.name, failure.error_message))
                }
                Some(FailureKind::Transient) | None => {
                    AskError::Failed(format!("{} failed: {}", self.name, failure.error_message))
                }
            });
        }
        let read = serde_json::from_slice(&answer).map_err(unread)?;
        Ok((String::from_utf8_lossy(&answer).into_owned(), read))
    }
}
