//! Errors that prevent a mapping from being read or started. Later errors are reported, and the
//! poller retries.

use super::template::Unresolved;

/// Why a mapping cannot be read, or cannot be polled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template itself cannot be read.
    #[error("the template: {reason}")]
    Template {
        /// What cannot be resolved.
        reason: Unresolved,
    },
    /// The resource is no mapping of a Kafka topic.
    #[error("{mapping} is not an AWS::Lambda::EventSourceMapping with Topics")]
    NotKafka {
        /// The mapping's logical id.
        mapping: String,
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
    /// A property has a value that AWS or the poller would refuse.
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
    #[error("{mapping}: {what} is not supported by this poller")]
    NotSupported {
        /// The mapping's logical id.
        mapping: String,
        /// The property, the destination or the kind of queue.
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
