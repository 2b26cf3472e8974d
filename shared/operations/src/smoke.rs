//! The answer to a smoke check: how far its event came.

use contract::Identifier;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::JobState;

/// How far the event of a smoke check came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "outcome",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Smoked {
    /// Its job is completed.
    Through {
        /// The completed job.
        job: Uuid,
        /// The time from the publication to the completed job, in milliseconds; for an event that
        /// was published before the step, the time from the step's begin.
        milliseconds: u64,
    },
    /// No consumer has decided on it: a mapping is paused or not enabled yet, or the consumer is
    /// behind or fails.
    NotTaken {
        /// The event, for a second step that waits for it.
        event: Identifier,
        /// How long the step waited.
        seconds: u64,
    },
    /// It has a job, which neither completed nor failed.
    Open {
        /// The event, for a second step that waits for it.
        event: Identifier,
        /// The job.
        job: Uuid,
        /// The state of the job: created, submitted, or cancelled or erased by an operator.
        state: JobState,
        /// How long the step waited.
        seconds: u64,
    },
    /// Its job failed for good, or its consumer wrote a dead letter for it.
    Failed {
        /// The event.
        event: Identifier,
        /// The failed job; with a dead letter, the one that the event would have had.
        job: Uuid,
        /// Why it failed, for operators.
        detail: String,
    },
}

impl Smoked {
    /// The event, if waiting longer may bring another outcome.
    #[must_use]
    pub fn awaited_event(&self) -> Option<&Identifier> {
        match self {
            Self::NotTaken { event, .. } | Self::Open { event, .. } => Some(event),
            Self::Through { .. } | Self::Failed { .. } => None,
        }
    }
}

/// A [`Smoked`] from a function of any version. The versions that had no `outcome` answered only for
/// an event that came through, and failed for every other.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct SmokedOfAnyVersion(pub Smoked);

impl TryFrom<Value> for SmokedOfAnyVersion {
    type Error = serde_json::Error;

    fn try_from(mut answer: Value) -> Result<Self, serde_json::Error> {
        if let Some(members) = answer.as_object_mut() {
            members.entry("outcome").or_insert_with(|| "through".into());
        }
        serde_json::from_value(answer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_outcome_has_a_form_that_does_not_change() {
        let (job, event) = (Uuid::from_u128(7), Identifier::parse("e-1").unwrap());
        let id = job.to_string();
        for (smoked, form) in [
            (
                Smoked::Through {
                    job,
                    milliseconds: 1234,
                },
                json!({ "outcome": "through", "job": id, "milliseconds": 1234 }),
            ),
            (
                Smoked::NotTaken {
                    event: event.clone(),
                    seconds: 90,
                },
                json!({ "outcome": "not-taken", "event": "e-1", "seconds": 90 }),
            ),
            (
                Smoked::Open {
                    event: event.clone(),
                    job,
                    state: JobState::Submitted,
                    seconds: 90,
                },
                json!({ "outcome": "open", "event": "e-1", "job": id, "state": "submitted", "seconds": 90 }),
            ),
            (
                Smoked::Failed {
                    event,
                    job,
                    detail: "why".to_owned(),
                },
                json!({ "outcome": "failed", "event": "e-1", "job": id, "detail": "why" }),
            ),
        ] {
            assert_eq!(serde_json::to_value(&smoked).unwrap(), form);
            let read: SmokedOfAnyVersion = serde_json::from_value(form).unwrap();
            assert_eq!(read, SmokedOfAnyVersion(smoked));
        }
    }

    #[test]
    fn an_answer_without_an_outcome_is_of_an_event_that_came_through() {
        let read = |json: &str| serde_json::from_str::<SmokedOfAnyVersion>(json);
        let older = format!(r#"{{"job":"{}","milliseconds":1234}}"#, Uuid::from_u128(7));
        assert_eq!(
            read(&older).unwrap().0,
            Smoked::Through {
                job: Uuid::from_u128(7),
                milliseconds: 1234
            }
        );
        for other in [r#"{"outcome":"lost"}"#, "{}", "[]"] {
            assert!(read(other).is_err(), "{other}");
        }
    }
}
