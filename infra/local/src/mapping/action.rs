//! What a mapping's core is given and what it answers: outcomes in, actions out.

use std::sync::Arc;

use super::payload::Record;
use super::response::ResponseError;

/// What the runner is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Invoke the function with these records and [`settle`](super::batch::Batches::settle) the
    /// outcome.
    Invoke {
        /// Names the unit until it is settled.
        unit: u64,
        /// How many times these records have been sent, this one included.
        attempt: u32,
        /// In order of partition, then offset.
        records: Vec<Arc<Record>>,
    },
    /// Send these records to the on-failure destination, or drop them where there is none, and then
    /// say [`discarded`](super::batch::Batches::discarded).
    Discard {
        /// Names the unit until it is discarded.
        unit: u64,
        /// What is discarded, and why.
        discard: Discard,
    },
    /// Commit `offset` as the next one to be read of `partition`.
    Commit {
        /// Partition number.
        partition: i32,
        /// One past the last resolved record.
        offset: i64,
    },
    /// Nothing to do: some records were not resolved and will be sent again.
    Retrying {
        /// How many records.
        records: usize,
        /// Why.
        cause: RetryReason,
        /// Milliseconds until then.
        pause: i64,
        /// Whether they were split in two.
        split: bool,
    },
    /// Stop fetching a partition: enough of it is buffered.
    Pause {
        /// Partition number.
        partition: i32,
    },
    /// Fetch a partition again.
    Resume {
        /// Partition number.
        partition: i32,
    },
}

/// Records that will not be sent any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discard {
    /// In order of partition, then offset.
    pub records: Vec<Arc<Record>>,
    /// Why.
    pub condition: Condition,
    /// How many times they were sent.
    pub invocations: u32,
    /// Lambda's last answer for them, if it gave one.
    pub answer: Option<Answer>,
}

/// Why records are discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The function failed more often than retries allow.
    RetryAttemptsExhausted,
    /// The records were older than the maximum age when they were about to be sent.
    RecordAgeExceeded,
    /// One record alone makes a payload that Lambda does not take.
    MaximumPayloadSizeExceeded,
}

/// What Lambda said beside the payload: the `responseContext` of an on-failure record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Id of the invocation's request, if the service gave one.
    pub request_id: Option<String>,
    /// HTTP status; 200 also for a function error.
    pub status: i32,
    /// Version that ran, such as `$LATEST`.
    pub executed_version: Option<String>,
    /// Header X-Amz-Function-Error, such as `Unhandled`.
    pub function_error: Option<String>,
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Lambda answered: a result or, where [`Answer::function_error`] is set, a description of the
    /// error.
    Answered {
        /// The answer.
        answer: Answer,
        /// The payload.
        body: Vec<u8>,
    },
    /// The concurrency of the function or the account was used up.
    Throttled,
    /// Lambda did not take the invocation, or the connection broke.
    NotReached {
        /// What went wrong.
        reason: String,
    },
}

/// Why records are sent again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RetryReason {
    /// The function failed.
    #[error("function error {0}")]
    FunctionError(String),
    /// The function listed these records.
    #[error("listed in batchItemFailures")]
    Listed,
    /// The response counts as a failure of the whole batch.
    #[error("{0}")]
    InvalidResponse(ResponseError),
    /// The function was throttled.
    #[error("throttled")]
    Throttled,
    /// Lambda was not reached.
    #[error("{0}")]
    NotReached(String),
}
