//! Fail: no more tries, so the job is failed, with a class and a reason a person can act on.

use events::{FailureClass, Time};
use jobs::JobId;

use crate::{
    Studio,
    close::close,
    step::{Reply, StepError},
};

/// Fails a job because of the Step Functions error `error`, and tells. A job that was closed before stays as it is, and its
/// end is told.
pub(crate) async fn fail(studio: &Studio, job: JobId, error: &str, cause: &str, now: Time) -> Result<Reply, StepError> {
    let detail = if cause.is_empty() { error.to_owned() } else { format!("{error}: {cause}") };
    close_as_failed(studio, job, class(error), &detail, now).await?;
    Ok(Reply::Closed)
}

/// Closes a job as failed and tells.
pub(crate) async fn close_as_failed(
    studio: &Studio,
    job: JobId,
    class: FailureClass,
    detail: &str,
    now: Time,
) -> Result<(), StepError> {
    close(studio, job, now, |job, _| jobs::fail(job, class, detail.to_owned(), now)).await?;
    Ok(())
}

/// The class of a Step Functions error: our own names, then those of Lambda and of Step Functions.
fn class(error: &str) -> FailureClass {
    match error {
        "Studio.InvalidInput" => FailureClass::InvalidInput,
        "Studio.Transient" => FailureClass::Unavailable,
        "States.Timeout" | "Sandbox.Timedout" => FailureClass::Timeout,
        error if error.starts_with("Lambda.") => FailureClass::Unavailable,
        _ => FailureClass::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_the_state_machine_can_catch_has_a_class() {
        for (error, expected) in [
            ("Studio.InvalidInput", FailureClass::InvalidInput),
            ("Studio.Transient", FailureClass::Unavailable),
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
