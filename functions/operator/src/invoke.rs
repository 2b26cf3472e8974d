//! Invokes another function of the stack and waits for its answer.

use std::time::Duration;

use aws_sdk_lambda::{
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    error::BoxError,
    primitives::Blob,
};
use operations::Failure;
use runtime::chain;

/// The longest that an invocation may take: more than the consumers' timeout of 90 s.
pub(crate) const AT_MOST: Duration = Duration::from_secs(100);

/// The largest payload that Lambda accepts for one invocation, in bytes.
pub(crate) const LARGEST_PAYLOAD: usize = 6 * 1024 * 1024;

/// Why an invocation failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvokeError {
    #[error("invoking {function}")]
    Call { function: String, source: BoxError },
    #[error("{function} failed: {message}")]
    Failed { function: String, message: String },
}

/// A client without retries: the caller decides what a failure means.
pub(crate) fn client(aws: &aws_config::SdkConfig) -> aws_sdk_lambda::Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_timeout(AT_MOST)
        .build();
    let config = aws_sdk_lambda::config::Builder::from(aws);
    aws_sdk_lambda::Client::from_conf(
        config
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .build(),
    )
}

/// Invokes `function` with `payload` and returns its answer.
///
/// # Errors
/// An [`InvokeError`]; the function may have done its work nevertheless.
pub(crate) async fn invoke(
    lambda: &aws_sdk_lambda::Client,
    function: &str,
    payload: String,
) -> Result<Vec<u8>, InvokeError> {
    let invoke = lambda
        .invoke()
        .function_name(function)
        .payload(Blob::new(payload));
    let invoked = invoke.send().await;
    let invoked = invoked.map_err(|error| InvokeError::Call {
        function: function.to_owned(),
        source: error.into(),
    })?;
    let answer = invoked.payload.map(Blob::into_inner).unwrap_or_default();
    match invoked.function_error {
        None => Ok(answer),
        Some(_) => Err(InvokeError::Failed {
            function: function.to_owned(),
            message: message_of(&answer),
        }),
    }
}

/// The message in a function's error.
fn message_of(error: &[u8]) -> String {
    match serde_json::from_slice::<Failure>(error) {
        Ok(failure) => failure.error_message,
        Err(unread) => format!("it answered no error that can be read: {}", chain(&unread)),
    }
}
