//! Invokes the function, and parses its answer.

use std::{error::Error, iter, time::Duration};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_lambda::{
    config::{StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig},
    error::{BoxError, ProvideErrorMetadata as _, SdkError},
    operation::invoke::InvokeError,
    primitives::Blob,
};
use operations::{ASKER, Asker, FailureKind, FunctionError, Step};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::deployment::{Deployment, DeploymentError};

/// How long an answer may take: longer than the function's timeout.
const AT_MOST: Duration = Duration::from_secs(320);

/// AWS's errors for a caller whom it does not know, whose session has ended, or who may not. The
/// first six are of <https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html>.
const DENIED: [&str; 8] = [
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignature",
    "NotAuthorized",
    "RequestExpired",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
];

/// The function that the command line invokes.
pub struct Function {
    name: String,
    client: aws_sdk_lambda::Client,
    sts: aws_sdk_sts::Client,
    reason: Option<String>,
}

/// Why the function did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The deployment cannot be found.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    /// Lambda did not invoke the function, or did not report the result.
    #[error("invoking {function}")]
    Call {
        /// The function's name.
        function: String,
        /// The error of the call.
        source: BoxError,
    },
    /// The function does not exist.
    #[error("there is no function {0}: check the stage and the region")]
    NoFunction(String),
    /// There are no credentials to sign the call with, or they cannot be renewed.
    #[error(
        "{function} was not asked, because this shell has no valid credentials: sign in as for the AWS CLI"
    )]
    NotSignedIn {
        /// The function's name.
        function: String,
        /// The error of the call.
        source: BoxError,
    },
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
    /// The function ended without an answer, or never began.
    #[error("{0}")]
    Crashed(String),
    /// The function failed because of a defect of its own.
    #[error("{0}")]
    Defect(String),
    /// The function's answer does not have the expected shape.
    #[error(
        "this version of studio cannot read the answer of {function}: install and deploy the same version"
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
            | Self::NotSignedIn { .. }
            | Self::Denied { .. }
            | Self::Answer { .. } => true,
            Self::Deployment(_) | Self::Call { .. } | Self::Failed(_) | Self::Crashed(_) => false,
        }
    }
}

impl Function {
    /// The function of a deployment. The audit gets `reason` with each change.
    pub async fn at(deployment: Deployment, reason: Option<String>) -> Result<Self, AskError> {
        let aws = deployment.config().await?;
        // Both, because a shorter one of an attempt, from wherever the rest of the configuration
        // comes, would end the only attempt.
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(AT_MOST)
            .operation_timeout(AT_MOST);
        let config = aws_sdk_lambda::config::Builder::from(&aws)
            // The SDK must not retry a request that may have been carried out. An operator who sees
            // that it failed can retry it.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.build())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Ok(Self {
            name: deployment.function(),
            client: aws_sdk_lambda::Client::from_conf(config),
            sts: aws_sdk_sts::Client::new(&aws),
            reason,
        })
    }

    /// Why the operator changes something.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Who asks, for the audit. A session that STS does not name is left out: CloudTrail has it.
    async fn asker(&self) -> Asker {
        let identity = self.sts.get_caller_identity().send().await;
        Asker {
            session: identity.ok().and_then(|identity| identity.arn),
            reason: self.reason.clone(),
        }
    }

    /// The payload of a step.
    async fn payload(&self, step: &Step) -> Vec<u8> {
        let mut payload = json!(step);
        if step.is_change() {
            payload[ASKER] = json!(self.asker().await);
        }
        payload.to_string().into_bytes()
    }

    /// The answer to `step`: as text, and parsed.
    pub async fn ask<A: DeserializeOwned>(&self, step: &Step) -> Result<(String, A), AskError> {
        let payload = self.payload(step).await;
        let invoked = self
            .client
            .invoke()
            .function_name(&self.name)
            .payload(Blob::new(payload))
            .send()
            .await;
        let invoked = invoked.map_err(|error| self.not_invoked(error))?;
        let answer = invoked.payload.map(Blob::into_inner).unwrap_or_default();
        let unread = |source| AskError::Answer {
            function: self.name.clone(),
            source,
        };
        if invoked.function_error.is_some() {
            let error: FunctionError = serde_json::from_slice(&answer).map_err(unread)?;
            return Err(self.failed(error));
        }
        let read = serde_json::from_slice(&answer).map_err(unread)?;
        Ok((String::from_utf8_lossy(&answer).into_owned(), read))
    }

    /// Lambda did not invoke the function.
    fn not_invoked(&self, error: SdkError<InvokeError>) -> AskError {
        let function = self.name.clone();
        match error.code() {
            Some("ResourceNotFoundException") => AskError::NoFunction(function),
            Some(code) if DENIED.contains(&code) => {
                let why = error.message().unwrap_or("AWS gives no reason").to_owned();
                AskError::Denied { function, why }
            }
            _ if lacks_credentials(&error) => AskError::NotSignedIn {
                function,
                source: error.into(),
            },
            _ => AskError::Call {
                function,
                source: error.into(),
            },
        }
    }

    /// The function answered with an error.
    fn failed(&self, error: FunctionError) -> AskError {
        let kind = error.kind();
        let message = format!("{} failed: {}", self.name, error.error_message);
        match kind {
            Some(FailureKind::NotFound | FailureKind::InvalidInput) => {
                AskError::Refused(error.error_message)
            }
            Some(FailureKind::Internal) => AskError::Defect(message),
            Some(FailureKind::Transient) => AskError::Failed(message),
            None => AskError::Crashed(format!("{} crashed: {}", self.name, error.error_message)),
        }
    }
}

/// Whether the call was never sent, because nothing gave credentials to sign it with.
fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut causes = iter::successors(Some(error), |&error| error.source());
    causes.any(|error| error.is::<CredentialsError>())
}
