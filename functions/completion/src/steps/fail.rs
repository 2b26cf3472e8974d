//! Fail: closes a job as failed, after a last look at its provider, with a class and a reason that
//! a person can act on.

use contract::{FailureClass, Time};
use domain::{Failure, JobId};
use outbox::Announced;
use serde::Deserialize;

use crate::{
    App, executions,
    last_look::fail_after_last_look,
    step::{FORBIDDEN, ID_REUSED, Reply, StepError},
};

/// Fails the job of the execution `name` because of the Step Functions error `error`, and publishes
/// its end; or completes it, if its media is made. A job that has another end keeps it, and that
/// end is published.
pub(crate) async fn fail(
    app: &App,
    (job, name): (JobId, &str),
    (error, cause): (&str, &str),
    now: Time,
) -> Result<Reply, StepError> {
    executions::check(&app.store.job(job).await?, name)?;
    let detail = if cause.is_empty() {
        error.to_owned()
    } else {
        format!("{error}: {cause}")
    };
    let class = class(error);
    // Only for this class is the message written for a person: `StepError::message`.
    let sentence = if class == FailureClass::InvalidInput {
        message(cause)
    } else {
        None
    };
    let failure = Failure {
        class,
        detail,
        at: now,
    };
    fail_after_last_look(app, job, Announced::Yes, failure, sentence.as_deref()).await
}

/// The message of a Lambda function's error, which Step Functions passes on as JSON.
pub(crate) fn message(cause: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct LambdaError {
        error_message: String,
    }
    serde_json::from_str::<LambdaError>(cause)
        .ok()
        .map(|error| error.error_message)
}

/// The class of a Step Functions error: first our own error names, then those of Lambda and Step
/// Functions.
pub(crate) fn class(error: &str) -> FailureClass {
    match error {
        "Studio.InvalidInput" | ID_REUSED | FORBIDDEN => FailureClass::InvalidInput,
        "Studio.Transient" | "Studio.ProviderTrouble" => FailureClass::Unavailable,
        "States.Timeout" | "Sandbox.Timedout" => FailureClass::Timeout,
        error if error.starts_with("Lambda.") => FailureClass::Unavailable,
        _ => FailureClass::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_extracted_from_a_lambda_error() {
        let cause = r#"{"errorType":"Studio.InvalidInput","errorMessage":"the logo is not a PNG"}"#;
        assert_eq!(message(cause).as_deref(), Some("the logo is not a PNG"));
        assert_eq!(message("State 'Submit' failed"), None);
    }

    #[test]
    fn each_error_the_state_machine_can_catch_has_a_class() {
        for (error, expected) in [
            ("Studio.InvalidInput", FailureClass::InvalidInput),
            ("Studio.IdReused", FailureClass::InvalidInput),
            ("Studio.Forbidden", FailureClass::InvalidInput),
            ("Studio.Transient", FailureClass::Unavailable),
            ("Studio.ProviderTrouble", FailureClass::Unavailable),
            ("Studio.Internal", FailureClass::Internal),
            ("Lambda.TooManyRequestsException", FailureClass::Unavailable),
            ("States.Timeout", FailureClass::Timeout),
            ("Sandbox.Timedout", FailureClass::Timeout),
            ("Runtime.ExitError", FailureClass::Internal),
        ] {
            assert_eq!(class(error), expected, "{error}");
        }
    }
}
