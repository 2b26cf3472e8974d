//! What the page asks: one step of the operator's for each question, and what comes of it.

use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use hyper::StatusCode;
use hyper::body::Bytes;
use operations::{Failure, FailureKind, Step};
use serde_json::{Value, json};

/// What may be asked, as `/ask/<step>`. Gathering goes by itself, before each list.
const STEPS: [&str; 8] = [
    "list-dead-letters",
    "show-dead-letter",
    "redrive",
    "discard",
    "list-jobs",
    "show-job",
    "resubmit-job",
    "cancel-job",
];

/// A question that nobody understands.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error("nobody asks the console for `{0}`")]
    Step(String),
    #[error("the question is not understood: {0}")]
    Question(#[from] serde_json::Error),
}

impl Unread {
    /// As HTTP says it.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Step(_) => StatusCode::NOT_FOUND,
            Self::Question(_) => StatusCode::BAD_REQUEST,
        }
    }

    /// What to do.
    pub(super) fn cure(&self) -> &'static str {
        match self {
            Self::Step(_) => "Reload the page: it is of another version than the console.",
            Self::Question(_) => {
                "Look at what you typed: a tenant has a name without line breaks, an id is a UUID."
            }
        }
    }
}

/// Reads a question: the members of the step that its path names.
pub(super) fn read(step: &str, question: &[u8]) -> Result<Step, Unread> {
    if !STEPS.contains(&step) {
        return Err(Unread::Step(step.to_owned()));
    }
    let mut members: serde_json::Map<String, Value> = serde_json::from_slice(question)?;
    members.insert("step".to_owned(), json!(step));
    Ok(serde_json::from_value(Value::Object(members))?)
}

/// An answer to the page.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    /// JSON: what the function answered, or `{"error", "cure"}`.
    pub body: Bytes,
}

impl Answer {
    /// What cannot be done, in a sentence's part, and what to do about it, in a sentence.
    pub(super) fn refused(status: StatusCode, error: &str, cure: &str) -> Self {
        Self {
            status,
            body: Bytes::from(json!({ "error": error, "cure": cure }).to_string()),
        }
    }
}

/// The function that is asked.
#[derive(Debug)]
pub(super) struct Operator {
    pub function: String,
    pub lambda: aws_sdk_lambda::Client,
}

impl Operator {
    /// Asks it, once: what may have been done is not asked for again by itself.
    pub(super) async fn ask(&self, step: &Step) -> Answer {
        let payload = match serde_json::to_vec(step) {
            Ok(payload) => payload,
            Err(error) => {
                let cure = "This is a defect of the console.";
                return Answer::refused(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    &error.to_string(),
                    cure,
                );
            }
        };
        let invoked = self
            .lambda
            .invoke()
            .function_name(&self.function)
            .payload(Blob::new(payload))
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
                "Look whether `make up` still runs, and try again.",
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
        let Ok(failure) = serde_json::from_slice::<Failure>(&body) else {
            return Answer::refused(
                StatusCode::BAD_GATEWAY,
                &format!("{function} failed, and does not say why"),
                "Its log, in the emulator's, may; try again.",
            );
        };
        let (status, cure) = match failure.kind() {
            Some(FailureKind::NotFound) => (
                StatusCode::NOT_FOUND,
                "Look at the id, and at the tenant: another tenant's is not there.",
            ),
            Some(FailureKind::InvalidInput) => (
                StatusCode::BAD_REQUEST,
                "Start the list again from its beginning.",
            ),
            Some(FailureKind::Transient) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "It passes: try again in a moment.",
            ),
            Some(FailureKind::Internal) | None => (
                StatusCode::BAD_GATEWAY,
                "Asking again, as things are, brings nothing else: look into the function's log.",
            ),
        };
        Answer::refused(status, &failure.error_message, cure)
    }
}

#[cfg(test)]
mod tests {
    use operations::Which;

    use super::*;

    #[test]
    fn a_question_is_the_step_that_its_path_names() {
        let question =
            br#"{ "which": { "ids": ["00000000-0000-0000-0000-000000000007"] }, "execute": true }"#;
        let Ok(Step::Redrive {
            which: Which::Ids(ids),
            execute: true,
            after: None,
            ..
        }) = read("redrive", question)
        else {
            panic!("not understood")
        };
        assert_eq!(ids, [uuid::Uuid::from_u128(7)]);
        // What the body says of the step does not count.
        let sly = br#"{ "step": "discard", "most": 10 }"#;
        assert!(matches!(
            read("list-dead-letters", sly),
            Ok(Step::ListDeadLetters { most: 10, .. })
        ));
    }

    #[test]
    fn what_is_not_on_the_list_is_not_asked() {
        assert!(matches!(read("gather", b"{}"), Err(Unread::Step(_))));
        assert!(matches!(read("erase-tenant", b"{}"), Err(Unread::Step(_))));
        for question in [&b""[..], b"[]", b"{}", br#"{ "tenant": "", "most": 10 }"#] {
            assert!(
                matches!(read("list-jobs", question), Err(Unread::Question(_))),
                "{question:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_failure_says_what_to_do() {
        let clients = crate::clients::Clients::of(([127, 0, 0, 1], 9).into());
        let operator = Operator {
            function: "studio-operator-local".to_owned(),
            lambda: clients.lambda,
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
