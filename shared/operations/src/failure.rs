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
pub struct Failure {
    error_type: String,
    /// Why it failed, in one sentence.
    pub error_message: String,
}

impl Failure {
    /// The kind, or `None` if the function did not report the error itself: its sandbox died, or
    /// Lambda ended it.
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
    fn a_failure_has_a_kind_only_if_the_function_reported_it() {
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
