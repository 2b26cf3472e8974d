//! The page's requests: one operator step each, and its answer.

use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use hyper::StatusCode;
use hyper::body::Bytes;
use operations::{ASKER, Asker, FailureKind, FunctionError, Step};
use serde_json::{Value, json};

/// The steps that the page may request, as `/ask/<step>`. Gathering is not among them, because it
/// happens before each list.
const STEPS: [&str; 13] = [
    "list-dead-letters",
    "count-dead-letters",
    "show-dead-letter",
    "redrive",
    "correct",
    "discard",
    "list-jobs",
    "count-jobs",
    "show-job",
    "resubmit-job",
    "cancel-job",
    "list-voices",
    "why",
];

/// A request that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error("the console has no step `{0}`")]
    Step(String),
    #[error("the request is not valid: {0}")]
    Request(#[from] serde_json::Error),
}

impl Unread {
    /// The HTTP status.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Step(_) => StatusCode::NOT_FOUND,
            Self::Request(_) => StatusCode::BAD_REQUEST,
        }
    }

    /// A hint for the user.
    pub(super) fn cure(&self) -> &'static str {
        match self {
            Self::Step(_) => "Reload the page: it is of another version than the console.",
            Self::Request(_) => {
                "Check the input: a tenant's name has no line breaks, and an id is a UUID."
            }
        }
    }
}

/// Parses a request: the body has the members of the step that the path names.
pub(super) fn read(step: &str, request: &[u8]) -> Result<Step, Unread> {
    if !STEPS.contains(&step) {
        return Err(Unread::Step(step.to_owned()));
    }
    let mut members: serde_json::Map<String, Value> = serde_json::from_slice(request)?;
    members.insert("step".to_owned(), json!(step));
    Ok(serde_json::from_value(Value::Object(members))?)
}

/// An answer to the page.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    /// JSON: the function's answer, or `{"error", "cure"}`.
    pub body: Bytes,
}

impl Answer {
    /// A refusal: `error` is part of a sentence, and `cure` is a sentence that says what to do.
    pub(super) fn refused(status: StatusCode, error: &str, cure: &str) -> Self {
        Self {
            status,
            body: Bytes::from(json!({ "error": error, "cure": cure }).to_string()),
        }
    }
}

/// The function that carries out the steps.
#[derive(Debug)]
pub(super) struct Operator {
    pub function: String,
    pub lambda: aws_sdk_lambda::Client,
}

impl Operator {
    /// Invokes the function once. It does not retry, because the first try may have been carried
    /// out.
    pub(super) async fn ask(&self, step: &Step) -> Answer {
        let mut payload = json!(step);
        if step.is_change() {
            payload[ASKER] = json!(Asker {
                session: Some("the local web console".to_owned()),
                reason: None,
            });
        }
        let invoked = self
            .lambda
            .invoke()
            .function_name(&self.function)
            .payload(Blob::new(payload.to_string()))
            .send()
            .await;
        match invoked {
            Ok(output) => {
                let failed = output.function_error.is_some();
                self.answer(
                    output.payload.map(Blob::into_inner).unwrap_or_default(),
                    failed,
                )
            }
            Err(error) => Answer::refused(
                StatusCode::BAD_GATEWAY,
                &format!(
                    "{} was not reached: {}",
                    self.function,
                    DisplayErrorContext(&error)
                ),
                "Check that `make up` still runs, and try again.",
            ),
        }
    }

    fn answer(&self, body: Vec<u8>, failed: bool) -> Answer {
        if !failed {
            return Answer {
                status: StatusCode::OK,
                body: Bytes::from(body),
            };
        }
        let function = &self.function;
        let Ok(failure) = serde_json::from_slice::<FunctionError>(&body) else {
            return Answer::refused(
                StatusCode::BAD_GATEWAY,
                &format!("{function} failed without a reason"),
                "Look for the reason in its log, which is part of the emulator's, or try again.",
            );
        };
        let (status, cure) = match failure.kind() {
            Some(FailureKind::NotFound) => (
                StatusCode::NOT_FOUND,
                "Check the id and the tenant: one tenant cannot see what belongs to another.",
            ),
            Some(FailureKind::InvalidInput) => (
                StatusCode::BAD_REQUEST,
                "Start the list again from its beginning.",
            ),
            Some(FailureKind::Transient) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "This passes: try again in a moment.",
            ),
            Some(FailureKind::Internal) | None => (
                StatusCode::BAD_GATEWAY,
                "A second request would fail in the same way: look for the reason in the function's log.",
            ),
        };
        Answer::refused(status, &failure.error_message, cure)
    }
}

#[cfg(test)]
mod tests {
    use operations::{ListDeadLetters, Redrive, Which};

    use super::*;

    #[test]
    fn the_path_names_the_step_of_a_request() {
        let request =
            br#"{ "which": { "ids": ["00000000-0000-0000-0000-000000000007"] }, "execute": true }"#;
        let Ok(Step::Redrive(Redrive {
            which: Which::Ids(ids),
            execute: true,
            after: None,
            ..
        })) = read("redrive", request)
        else {
            panic!("not understood")
        };
        assert_eq!(ids, [uuid::Uuid::from_u128(7)]);
        assert!(matches!(
            read("count-jobs", br#"{ "filter": { "state": "failed" } }"#),
            Ok(Step::CountJobs(_))
        ));
        assert!(matches!(
            read(
                "why",
                br#"{ "tenant": "tenant-a", "about": "event/diwali" }"#
            ),
            Ok(Step::Why(_))
        ));
        let corrected =
            br#"{ "id": "00000000-0000-0000-0000-000000000007", "value": "{}", "execute": false }"#;
        assert!(matches!(read("correct", corrected), Ok(Step::Correct(_))));
        // A `step` in the body is ignored.
        let sly = br#"{ "step": "discard", "most": 10 }"#;
        assert!(matches!(
            read("list-dead-letters", sly),
            Ok(Step::ListDeadLetters(ListDeadLetters { most: 10, .. }))
        ));
    }

    #[test]
    fn only_listed_steps_are_accepted() {
        assert!(matches!(read("gather", b"{}"), Err(Unread::Step(_))));
        assert!(matches!(read("erase-tenant", b"{}"), Err(Unread::Step(_))));
        for request in [&b""[..], b"[]", b"{}", br#"{ "tenant": "", "most": 10 }"#] {
            assert!(
                matches!(read("list-jobs", request), Err(Unread::Request(_))),
                "{request:?}"
            );
        }
    }

    #[tokio::test]
    async fn each_kind_of_failure_has_its_status() {
        let config = aws_sdk_lambda::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_lambda::config::Region::from_static("us-east-1"))
            .endpoint_url("http://127.0.0.1:9")
            .retry_config(aws_sdk_lambda::config::retry::RetryConfig::disabled())
            .credentials_provider(aws_sdk_lambda::config::Credentials::new(
                "test", "test", None, None, "test",
            ));
        let operator = Operator {
            function: "studio-operator-local".to_owned(),
            lambda: aws_sdk_lambda::Client::from_conf(config.build()),
        };
        let failed = |error_type: &str| {
            let body =
                json!({ "errorType": error_type, "errorMessage": "no such job" }).to_string();
            operator.answer(body.into_bytes(), true).status.as_u16()
        };
        assert_eq!(
            [
                "Studio.NotFound",
                "Studio.InvalidInput",
                "Studio.Transient",
                "Runtime.ExitError"
            ]
            .map(failed),
            [404, 400, 503, 502]
        );
        assert_eq!(
            operator.answer(b"not JSON".to_vec(), true).status,
            StatusCode::BAD_GATEWAY
        );
        let unreached = operator.ask(&Step::Gather).await;
        assert_eq!(unreached.status, StatusCode::BAD_GATEWAY);
        let said: Value = serde_json::from_slice(&unreached.body).expect("JSON");
        assert!(
            said["error"]
                .as_str()
                .is_some_and(|error| error.contains("was not reached")),
            "{said}"
        );
    }
}
