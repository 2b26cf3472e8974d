//! Correcting a dead letter: its event goes to its consumer again, edited and under a new id.

use std::fmt;

use contract::Identifier;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::DeadLetterSummary;

/// The request to give a dead letter's consumer an edited record. Nothing is published to the topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Correct {
    /// The dead letter.
    pub id: Uuid,
    /// The record's value: the whole event, or its data if its attributes are in headers.
    pub value: Edited,
    /// The record's key; without it, the key that the record has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Identifier>,
    /// Whether to do it; otherwise the answer only says what the step would do.
    pub execute: bool,
}

/// The text of an edited value. No log and no audit shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Edited(pub String);

impl fmt::Debug for Edited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes>", self.0.len())
    }
}

/// The result of a correction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Corrected {
    /// The dead letter.
    pub record: DeadLetterSummary,
    /// What the step did.
    pub fate: CorrectionFate,
}

/// What a step did to a dead letter, or would do with `execute`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum CorrectionFate {
    /// The step would send it.
    WouldBeSent {
        /// The consumer.
        to: String,
        /// The event's new id.
        event: String,
    },
    /// The consumer took the edited event; the dead letter is resolved.
    Sent {
        /// The consumer.
        to: String,
        /// The event's new id.
        event: String,
    },
    /// The consumer cannot take the edited event either. The dead letter waits as before.
    Refused {
        /// Why.
        cause: String,
    },
    /// The step could not do it now; the dead letter waits as before.
    NotYet {
        /// Why, as far as the operator function knows.
        why: String,
    },
    /// The dead letter cannot be corrected.
    Stays {
        /// Why.
        why: String,
    },
    /// It was already resolved.
    WasResolved,
}

impl CorrectionFate {
    /// Whether the dead letter still waits after a step that should have resolved it.
    #[must_use]
    pub fn is_left(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::NotYet { .. } | Self::Stays { .. } => true,
            Self::WouldBeSent { .. } | Self::Sent { .. } | Self::WasResolved => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::Step;

    use super::*;

    #[test]
    fn a_correction_is_read_back_and_no_log_shows_its_text() {
        let step = Step::Correct(Correct {
            id: Uuid::nil(),
            value: Edited(r#"{"title":"a secret"}"#.to_owned()),
            key: None,
            execute: true,
        });
        let json = serde_json::to_value(&step).unwrap();
        assert_eq!(
            json,
            json!({
                "step": "correct", "id": Uuid::nil(), "execute": true,
                "value": r#"{"title":"a secret"}"#,
            })
        );
        assert_eq!(serde_json::from_value::<Step>(json).unwrap(), step);
        let logged = format!("{step:?}");
        assert!(!logged.contains("secret"), "{logged}");
        assert!(step.is_change());
    }
}
