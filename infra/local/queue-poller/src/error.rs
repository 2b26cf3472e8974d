//! Errors that prevent a mapping of a queue from being read or started. Later errors are reported,
//! and the poller tries again.

/// Why a mapping cannot be read, or cannot be polled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The mapping is not deployed, or has a setting that AWS or this poller refuses.
    #[error(transparent)]
    Mapping(#[from] poller::Error),
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
