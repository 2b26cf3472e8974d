//! Errors that prevent a mapping from being read or started. Later errors are reported, and the
//! poller tries again.

use poller::Unresolved;

/// Why a mapping cannot be read, or cannot be polled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template itself cannot be read.
    #[error("the template: {reason}")]
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
    /// A property uses something that cannot be resolved.
    #[error("{mapping}: {property}: {reason}")]
    Unknown {
        /// The mapping's logical id.
        mapping: String,
        /// The property.
        property: String,
        /// What cannot be resolved.
        reason: Unresolved,
    },
    /// A property has a value that AWS or this poller would refuse.
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
        /// The property or the kind of queue.
        what: String,
    },
    /// A disabled mapping cannot be polled.
    #[error("the mapping of {queue} is disabled")]
    Disabled {
        /// The queue's ARN.
        queue: String,
    },
    /// The queue's URL or its visibility timeout cannot be had.
    #[error("{queue} cannot be looked up: {reason}")]
    Queue {
        /// The queue's ARN.
        queue: String,
        /// The client's error.
        reason: String,
    },
}
