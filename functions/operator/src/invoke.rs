//! Invokes another function of the stack and waits for its answer.

use std::time::Duration;

use aws_sdk_lambda::{
    config::{self, StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig},
    error::BoxError,
    primitives::Blob,
};
use operations::{CompletionStep, EraseStep, FailureKind, FunctionError};
use runtime::chain;
use serde::{Serialize, de::DeserializeOwned};

use crate::Operator;

/// The longest that a consumer may take: more than its timeout of 90 s.
pub(crate) const CONSUMER_AT_MOST: Duration = Duration::from_secs(100);

/// The longest that `completion` or `erase` may take: less than this function's own timeout of 300
/// s, so that the caller gets an error. A pass of erasing a tenant takes 200 s, and the item at
/// hand.
const STEP_AT_MOST: Duration = Duration::from_secs(280);

/// The largest payload that Lambda accepts for one invocation, in bytes.
pub(crate) const LARGEST_PAYLOAD: usize = 6 * 1024 * 1024;

/// Why an invocation failed. The function may have done its work nevertheless.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvokeError {
    #[error("invoking {function}")]
    Call { function: String, source: BoxError },
    #[error("{function} failed: {message}")]
    Failed {
        function: String,
        /// The kind of failure, if the function reported it itself.
        kind: Option<FailureKind>,
        message: String,
    },
    #[error("reading the reply of {function}")]
    Reply {
        function: String,
        source: serde_json::Error,
    },
}

/// A client without retries: the caller decides what a failure means.
pub(crate) fn client(aws: &aws_config::SdkConfig) -> aws_sdk_lambda::Client {
    let config = config::Builder::from(aws)
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build();
    aws_sdk_lambda::Client::from_conf(config)
}

/// Has `completion` take a step, and returns its reply.
pub(crate) async fn complete<R: DeserializeOwned>(
    operator: &Operator,
    step: &CompletionStep,
) -> Result<R, InvokeError> {
    take(operator, &operator.config.completion, step).await
}

/// Has `erase` take a step, and returns its reply.
pub(crate) async fn have_erased<R: DeserializeOwned>(
    operator: &Operator,
    step: &EraseStep,
) -> Result<R, InvokeError> {
    take(operator, &operator.config.erase, step).await
}

async fn take<S: Serialize, R: DeserializeOwned>(
    operator: &Operator,
    function: &str,
    step: &S,
) -> Result<R, InvokeError> {
    let payload = serde_json::to_string(step).expect("a step is strings under string keys");
    let reply = invoke(&operator.lambda, function, payload, STEP_AT_MOST).await?;
    serde_json::from_slice(&reply).map_err(|source| InvokeError::Reply {
        function: function.to_owned(),
        source,
    })
}

/// Invokes `function` with `payload` and returns its answer.
pub(crate) async fn invoke(
    lambda: &aws_sdk_lambda::Client,
    function: &str,
    payload: String,
    at_most: Duration,
) -> Result<Vec<u8>, InvokeError> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(at_most)
        .operation_timeout(at_most)
        .build();
    let invoke = lambda
        .invoke()
        .function_name(function)
        .payload(Blob::new(payload))
        .customize()
        .config_override(config::Builder::default().timeout_config(timeouts));
    let invoked = invoke.send().await;
    let invoked = invoked.map_err(|error| InvokeError::Call {
        function: function.to_owned(),
        source: error.into(),
    })?;
    let answer = invoked.payload.map(Blob::into_inner).unwrap_or_default();
    match invoked.function_error {
        None => Ok(answer),
        Some(_) => Err(failed(function, &answer)),
    }
}

/// The failure that a function's error describes.
pub(crate) fn failed(function: &str, error: &[u8]) -> InvokeError {
    let (kind, message) = match serde_json::from_slice::<FunctionError>(error) {
        Ok(error) => (error.kind(), error.error_message),
        Err(unread) => (
            None,
            format!("its error cannot be read: {}", chain(&unread)),
        ),
    };
    InvokeError::Failed {
        function: function.to_owned(),
        kind,
        message,
    }
}
