//! Errors that prevent a mapping from being read or started. Later errors are reported, and the
//! poller retries.

use super::template::Unresolved;
use crate::aws;

/// Why the mappings of a stack cannot be read, or why one of them cannot be polled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call to CloudFormation failed.
    #[error(transparent)]
    Aws(#[from] aws::Error),
    /// A call to Lambda failed.
    #[error("{call} failed: {reason}")]
    Service {
        /// The operation.
        call: &'static str,
        /// The client's whole chain of errors.
        reason: String,
    },
    /// CloudFormation has no such stack.
    #[error("there is no stack called {stack}")]
    NoStack {
        /// The stack's name.
        stack: String,
    },
    /// The template itself cannot be read.
    #[error("the stack's template: {reason}")]
    Template {
        /// What cannot be resolved.
        reason: Unresolved,
    },
    /// The template has the mapping, but Lambda does not.
    #[error("{mapping} is in the template, but Lambda lists no such event source mapping")]
    NotDeployed {
        /// The mapping's logical id.
        mapping: String,
    },
    /// A property that only the template has uses something that cannot be resolved.
    #[error("{mapping}: {property}: {reason}")]
    Unknown {
        /// The mapping's logical id.
        mapping: String,
        /// The property.
        property: String,
        /// What cannot be resolved.
        reason: Unresolved,
    },
    /// A property has a value that AWS would refuse.
    #[error("{mapping}: {property} must be {expected}")]
    Wrong {
        /// The mapping's logical id.
        mapping: String,
        /// The property.
        property: String,
        /// The allowed values.
        expected: String,
    },
    /// AWS supports it, but this poller does not.
    #[error("{mapping}: {what} is not supported on one machine")]
    NotSupported {
        /// The mapping's logical id.
        mapping: String,
        /// The property or destination.
        what: String,
    },
    /// A disabled mapping cannot be polled.
    #[error("the mapping of {topic} is disabled")]
    Disabled {
        /// The mapping's topic.
        topic: String,
    },
}

/// A client's error with its causes, in one line. (The SDK's own display of the whole chain ends in
/// pages of debug output, which is too long for the timeline.)
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
