//! What follows from an invocation for its messages. Without I/O.
//!
//! The page on errors (docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html):
//! - "If your function code caused the error, Lambda will stop processing and retrying the
//!   invocation. … After your queue's visibility timeout runs out, the message will again reappear
//!   in the queue."
//! - "If the invocation fails due to throttling, Lambda gradually backs off retries … Lambda
//!   continues to retry the message until the message's timestamp exceeds your queue's visibility
//!   timeout, at which point Lambda drops the message." Dropped is the invocation; the message is
//!   visible again by then.
//! - "If your function throws an exception, the entire batch is considered a complete failure."
//!
//! The page does not say what follows if Lambda is not reached. Here it is as with throttling.

use std::collections::BTreeSet;

use poller::Outcome;

use crate::response::failed_messages;

/// What follows for the messages of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The function has answered. Its messages are deleted, but for the kept ones.
    Ended {
        /// The ids of the messages that stay in the queue, until their visibility timeout.
        kept: BTreeSet<String>,
        /// Why they stay, as part of a sentence.
        why: String,
    },
    /// The function did not run. The same messages are sent again, until their visibility timeout.
    NotTaken {
        /// The reason, as part of a sentence.
        why: String,
    },
}

/// What follows from an outcome for the messages of `batch`, which are ids. `reports` says whether
/// the mapping takes partial batch responses. A mapping that does not, takes every answer of the
/// function for success.
pub(crate) fn verdict(outcome: &Outcome, batch: &BTreeSet<&str>, reports: bool) -> Verdict {
    let all_stay = |why: String| Verdict::Ended {
        kept: batch.iter().map(|id| (*id).to_owned()).collect(),
        why,
    };
    let (answer, body) = match outcome {
        Outcome::Throttled => {
            let why = "the function is throttled".to_owned();
            return Verdict::NotTaken { why };
        }
        Outcome::NotReached { reason } => {
            let why = format!("Lambda is not reached: {reason}");
            return Verdict::NotTaken { why };
        }
        Outcome::Answered { answer, body } => (answer, body),
    };
    if let Some(error) = &answer.function_error {
        return all_stay(format!("function error {error}"));
    }
    let kept = if reports {
        failed_messages(body, batch)
    } else {
        Ok(BTreeSet::new())
    };
    match kept {
        Ok(kept) => Verdict::Ended {
            kept,
            why: "listed in batchItemFailures".to_owned(),
        },
        Err(error) => all_stay(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use poller::Answer;

    use super::*;

    fn answered(function_error: Option<&str>, body: &str) -> Outcome {
        Outcome::Answered {
            answer: Answer {
                request_id: None,
                status: 200,
                executed_version: None,
                function_error: function_error.map(str::to_owned),
            },
            body: body.as_bytes().to_vec(),
        }
    }

    /// The messages that stay of a batch of two, or `None` if it is sent again.
    fn kept(outcome: &Outcome, reports: bool) -> Option<Vec<String>> {
        match verdict(outcome, &BTreeSet::from(["one", "two"]), reports) {
            Verdict::Ended { kept, .. } => Some(kept.into_iter().collect()),
            Verdict::NotTaken { .. } => None,
        }
    }

    const ONE_FAILED: &str = r#"{"batchItemFailures":[{"itemIdentifier":"one"}]}"#;

    fn names(names: &[&str]) -> Option<Vec<String>> {
        Some(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn only_the_messages_that_the_answer_lists_stay() {
        assert_eq!(kept(&answered(None, "null"), true), names(&[]));
        assert_eq!(kept(&answered(None, ONE_FAILED), true), names(&["one"]));
    }

    #[test]
    fn all_messages_stay_after_a_function_error_or_an_invalid_answer() {
        let error = answered(Some("Unhandled"), r#"{"errorMessage":"no"}"#);
        for (outcome, reports) in [
            (error.clone(), true),
            (error, false),
            (answered(None, "not JSON"), true),
            (
                answered(
                    None,
                    r#"{"batchItemFailures":[{"itemIdentifier":"three"}]}"#,
                ),
                true,
            ),
        ] {
            assert_eq!(
                kept(&outcome, reports),
                names(&["one", "two"]),
                "{outcome:?}"
            );
        }
    }

    #[test]
    fn without_partial_responses_every_answer_is_success() {
        for body in [ONE_FAILED, "not JSON"] {
            assert_eq!(kept(&answered(None, body), false), names(&[]), "{body}");
        }
    }

    #[test]
    fn messages_that_the_function_did_not_get_are_sent_again() {
        let not_reached = Outcome::NotReached {
            reason: "refused".to_owned(),
        };
        assert_eq!(kept(&Outcome::Throttled, true), None);
        assert_eq!(kept(&not_reached, true), None);
    }
}
