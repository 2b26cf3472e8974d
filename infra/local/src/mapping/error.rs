//! What keeps a mapping from being read or started. What goes wrong afterwards is reported, and
//! tried again.

use super::template::Unresolved;
use crate::aws;

/// Why the mappings of a stack cannot be read, or one of them not be polled.
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
    /// CloudFormation knows no such stack.
    #[error("there is no stack called {stack}")]
    NoStack {
        /// The name that was asked for.
        stack: String,
    },
    /// The template itself cannot be read.
    #[error("the stack's template: {reason}")]
    Template {
        /// What is not known.
        reason: Unresolved,
    },
    /// The template has the mapping, Lambda does not.
    #[error("{mapping} is in the template, but Lambda lists no such event source mapping")]
    NotDeployed {
        /// Logical id.
        mapping: String,
    },
    /// A property that only the template knows uses something that cannot be resolved.
    #[error("{mapping}: {property}: {reason}")]
    Unknown {
        /// Logical id.
        mapping: String,
        /// The property.
        property: String,
        /// What is not known.
        reason: Unresolved,
    },
    /// A property that AWS would refuse.
    #[error("{mapping}: {property} must be {expected}")]
    Wrong {
        /// Logical id.
        mapping: String,
        /// The property.
        property: String,
        /// What it may be.
        expected: String,
    },
    /// AWS does it, this poller does not.
    #[error("{mapping}: {what} is not supported on one machine")]
    NotSupported {
        /// Logical id.
        mapping: String,
        /// The property or destination.
        what: String,
    },
    /// A disabled mapping was asked to poll.
    #[error("the mapping of {topic} is disabled")]
    Disabled {
        /// The mapping's topic.
        topic: String,
    },
}

/// A client's error with what caused it, in one line. (The SDK's own display of the whole chain
/// ends in pages of debug output, which no timeline has room for.)
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
