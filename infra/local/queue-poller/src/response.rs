//! The partial batch response of a queue's mapping
//! (docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting):
//! `{"batchItemFailures":[{"itemIdentifier":"<message id>"}]}`.

use std::collections::BTreeSet;

use poller::batch_item_failures;
use serde_json::Value;

/// The messages of a batch that the function's response lists as failed. Empty if all succeeded.
///
/// The page says, under "Success and failure conditions": "Lambda treats a batch as a complete
/// success if your function returns any of the following: An empty `batchItemFailures` list. A null
/// `batchItemFailures` list. An empty `EventResponse`. A null `EventResponse`. Lambda treats a batch
/// as a complete failure if your function returns any of the following: An invalid JSON response. An
/// empty string `itemIdentifier`. A null `itemIdentifier`. An `itemIdentifier` with a bad key name.
/// An `itemIdentifier` value with a message ID that doesn't exist."
///
/// An object without the list is an empty response. The page does not name JSON that is no object;
/// it counts as invalid here, so that no message is lost.
///
/// # Errors
/// A [`ResponseError`] if the whole batch counts as failed.
pub(crate) fn failed_messages(
    body: &[u8],
    batch: &BTreeSet<&str>,
) -> Result<BTreeSet<String>, ResponseError> {
    if body.is_empty() {
        return Ok(BTreeSet::new());
    }
    let response = serde_json::from_slice::<Value>(body).map_err(|_| ResponseError::NotJson)?;
    let failures = batch_item_failures(response).ok_or(ResponseError::NotAResponse)?;
    failures
        .iter()
        .map(
            |failure| match failure.get("itemIdentifier").and_then(Value::as_str) {
                None | Some("") => Err(ResponseError::NoIdentifier),
                Some(id) if batch.contains(id) => Ok(id.to_owned()),
                Some(id) => Err(ResponseError::NotInBatch { id: id.to_owned() }),
            },
        )
        .collect()
}

/// Why a response makes the whole batch count as failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResponseError {
    /// The body is not JSON.
    #[error("the response is not JSON")]
    NotJson,
    /// The body is JSON, but not an object with a list `batchItemFailures`.
    #[error("the response is not a partial batch response")]
    NotAResponse,
    /// An entry of the list has no text as its identifier.
    #[error("an entry of batchItemFailures is not of the form {{\"itemIdentifier\":string}}")]
    NoIdentifier,
    /// An identifier was not in the invoked event.
    #[error("the response names the message {id}, which was not in the batch")]
    NotInBatch {
        /// The identifier.
        id: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Vec<String>, ResponseError> {
        let batch = BTreeSet::from(["one", "two", "three"]);
        failed_messages(body.as_bytes(), &batch).map(|failed| failed.into_iter().collect())
    }

    #[test]
    fn an_empty_answer_is_success() {
        for body in [
            "",
            "null",
            "{}",
            r#"{"batchItemFailures":[]}"#,
            r#"{"batchItemFailures":null}"#,
            r#"{"statusCode":200}"#,
        ] {
            assert_eq!(read(body), Ok(vec![]), "{body}");
        }
    }

    #[test]
    fn listed_messages_are_the_failed_ones() {
        let body = r#"{"batchItemFailures":[{"itemIdentifier":"two"},{"itemIdentifier":"one"},{"itemIdentifier":"two"}]}"#;
        assert_eq!(read(body), Ok(vec!["one".to_owned(), "two".to_owned()]));
    }

    #[test]
    fn an_identifier_that_was_not_in_the_batch_fails_the_whole_batch() {
        let body = r#"{"batchItemFailures":[{"itemIdentifier":"two"},{"itemIdentifier":"four"}]}"#;
        let id = "four".to_owned();
        assert_eq!(read(body), Err(ResponseError::NotInBatch { id }));
    }

    #[test]
    fn an_entry_without_an_identifier_fails_the_whole_batch() {
        for item in [
            r#"{"itemIdentifier":""}"#,
            r#"{"itemIdentifier":null}"#,
            r#"{"itemIdentifier":1}"#,
            r#"{"messageId":"two"}"#,
            r#""two""#,
        ] {
            let body = format!(r#"{{"batchItemFailures":[{item}]}}"#);
            assert_eq!(read(&body), Err(ResponseError::NoIdentifier), "{item}");
        }
    }

    #[test]
    fn an_answer_of_another_shape_fails_the_whole_batch() {
        for body in [
            r#""ok""#,
            "0",
            "[]",
            r#"["two"]"#,
            r#"{"batchItemFailures":"two"}"#,
        ] {
            assert_eq!(read(body), Err(ResponseError::NotAResponse), "{body}");
        }
        assert_eq!(read("ok"), Err(ResponseError::NotJson));
    }
}
