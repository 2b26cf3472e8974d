//! The reports that a poller sends to its owner.

use std::sync::Arc;
use std::time::Duration;

use poller::Outcome;

/// A report about one mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The queue's name.
    pub queue: Arc<str>,
    /// What happened.
    pub what: What,
}

/// What a poller reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The poller begins to receive.
    Started,
    /// An invocation ended.
    Invoked {
        /// The number of messages in the invocation.
        messages: usize,
        /// The largest number of times that one of them was received, including this time.
        receives: u32,
        /// The time from the request to the answer.
        duration: Duration,
        /// How the invocation ended.
        outcome: Outcome,
    },
    /// Messages are deleted, because they are done.
    Deleted {
        /// The number of messages.
        messages: usize,
    },
    /// Messages stay in the queue, and become visible again after a pause.
    Kept {
        /// The number of messages.
        messages: usize,
        /// The reason, as part of a sentence.
        cause: String,
        /// The pause.
        pause: Duration,
    },
    /// SQS fails, and the poller keeps trying.
    Trouble {
        /// What went wrong.
        problem: String,
    },
}
