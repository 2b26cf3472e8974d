//! The input and output of a mapping's core: outcomes go in, actions come out.

use std::sync::Arc;

use super::payload::Record;
use super::response::ResponseError;

/// What the runner must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Invoke the function with these records, and [`settle`](super::batch::Batches::settle) the
    /// outcome.
    Invoke {
        /// The unit's id until it is settled.
        unit: u64,
        /// How often these records have been sent, including this time.
        attempt: u32,
        /// The records in order of partition, then offset.
        records: Vec<Arc<Record>>,
    },
    /// Send these records to the on-failure destination, or drop them if there is none, and then
    /// call [`discarded`](super::batch::Batches::discarded).
    Discard {
        /// The unit's id until it is discarded.
        unit: u64,
        /// The discarded records, and the reason.
        discard: Discard,
    },
    /// Commit `offset` as the next one to read from `partition`.
    Commit {
        /// The partition's number.
        partition: i32,
        /// One past the last resolved record.
        offset: i64,
    },
    /// Nothing to do. Some records were not resolved and will be sent again.
    Retrying {
        /// The number of records.
        records: usize,
        /// The reason.
        cause: RetryReason,
        /// The pause before the retry, in milliseconds.
        pause: i64,
        /// Whether the batch was split in two.
        split: bool,
    },
    /// Stop fetching a partition, because enough of its records are buffered.
    Pause {
        /// The partition's number.
        partition: i32,
    },
    /// Fetch a partition again.
    Resume {
        /// The partition's number.
        partition: i32,
    },
}

/// Records that will not be sent any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discard {
    /// The records in order of partition, then offset.
    pub records: Vec<Arc<Record>>,
    /// The reason.
    pub condition: Condition,
    /// How often they were sent.
    pub invocations: u32,
    /// Lambda's last answer for them, if it gave one.
    pub answer: Option<Answer>,
}

/// Why records are discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The function failed more often than the retry limit allows.
    RetryAttemptsExhausted,
    /// The records exceeded the maximum age when they were due to be sent.
    RecordAgeExceeded,
    /// A single record makes a payload that is too large for Lambda.
    MaximumPayloadSizeExceeded,
}

/// Lambda's answer without the payload: the `responseContext` of an on-failure envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The id of the invocation's request, if the service gave one.
    pub request_id: Option<String>,
    /// The HTTP status. It is 200 even for a function error.
    pub status: i32,
    /// The version that ran, such as `$LATEST`.
    pub executed_version: Option<String>,
    /// The header X-Amz-Function-Error, such as `Unhandled`.
    pub function_error: Option<String>,
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Lambda answered: with a result, or with a description of the error if
    /// [`Answer::function_error`] is set.
    Answered {
        /// The answer.
        answer: Answer,
        /// The payload.
        body: Vec<u8>,
    },
    /// The concurrency of the function or of the account was exhausted.
    Throttled,
    /// Lambda did not accept the invocation, or the connection broke.
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
    /// The function's response lists these records.
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
