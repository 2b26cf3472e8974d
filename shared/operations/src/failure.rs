//! Why a step was not taken: what Lambda passes on of a function that failed.

use serde::Deserialize;

/// What whoever asked tells apart what to do by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// There is no such thing.
    NotFound,
    /// What was asked makes no sense.
    InvalidInput,
    /// AWS or Kafka did not do their part: asking again is safe, and may help.
    Transient,
    /// A defect of the studio: asking again brings nothing else.
    Internal,
}

impl FailureKind {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::NotFound,
        Self::InvalidInput,
        Self::Transient,
        Self::Internal,
    ];

    /// As `errorType` has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "Studio.NotFound",
            Self::InvalidInput => "Studio.InvalidInput",
            Self::Transient => "Studio.Transient",
            Self::Internal => "Studio.Internal",
        }
    }
}

/// A function's failure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    error_type: String,
    /// Why, in a sentence.
    pub error_message: String,
}

impl Failure {
    /// What kind it is; `None` if it is not the function's own word: its sandbox died, or Lambda
    /// ended it.
    #[must_use]
    pub fn kind(&self) -> Option<FailureKind> {
        FailureKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == self.error_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_of_a_kind_or_not_the_functions_own() {
        let of = |error_type: &str| {
            let payload = format!(r#"{{"errorType":"{error_type}","errorMessage":"why"}}"#);
            serde_json::from_str::<Failure>(&payload).unwrap()
        };
        for kind in FailureKind::ALL {
            assert_eq!(of(kind.as_str()).kind(), Some(kind));
        }
        assert_eq!(of("Runtime.ExitError").kind(), None);
    }
}
