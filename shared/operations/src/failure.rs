//! A function's error as Lambda returns it: why a step failed.

use serde::Deserialize;

/// The kind of failure. A caller decides by it whether to correct the request, retry or report a
/// defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The named job or record does not exist.
    NotFound,
    /// The request is invalid.
    InvalidInput,
    /// AWS or Kafka failed: retrying is safe and may help.
    Transient,
    /// A defect of the studio: a retry fails in the same way.
    Internal,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::NotFound,
        Self::InvalidInput,
        Self::Transient,
        Self::Internal,
    ];

    /// The value of `errorType`.
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

/// The error of a failed invocation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionError {
    error_type: String,
    /// Why it failed, in one sentence.
    pub error_message: String,
}

impl FunctionError {
    /// The kind, or `None` if the function did not report the error itself: its sandbox died, or
    /// Lambda ended it. `completion` and `erase` tell trouble at a vendor and a forbidden object
    /// apart, because the state machines retry them for other times; an operator repeats both.
    #[must_use]
    pub fn kind(&self) -> Option<FailureKind> {
        match self.error_type.as_str() {
            "Studio.ProviderTrouble" | "Studio.Forbidden" => Some(FailureKind::Transient),
            error_type => FailureKind::ALL
                .into_iter()
                .find(|kind| kind.as_str() == error_type),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_a_kind_only_if_the_function_reported_it() {
        let of = |error_type: &str| {
            let payload = format!(r#"{{"errorType":"{error_type}","errorMessage":"why"}}"#);
            serde_json::from_str::<FunctionError>(&payload).unwrap()
        };
        for kind in FailureKind::ALL {
            assert_eq!(of(kind.as_str()).kind(), Some(kind));
        }
        for of_completion in ["Studio.ProviderTrouble", "Studio.Forbidden"] {
            assert_eq!(of(of_completion).kind(), Some(FailureKind::Transient));
        }
        assert_eq!(of("Runtime.ExitError").kind(), None);
    }
}
