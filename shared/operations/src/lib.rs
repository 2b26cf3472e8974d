//! The requests of an operator and their answers: the contract between the function `operator`,
//! which runs inside the VPC, and the command line `studio`. No I/O.
//!
//! A list, and every step on several records, comes in pages: an answer holds the position of the
//! next page, and the caller asks again from there.

mod dead_letters;
mod failure;
mod jobs;

pub use dead_letters::{
    Bytes, Content, Entry, Fate, Filter, Gathered, Handled, Listed, Pace, Resolved, Shown, Unread,
    Which,
};
pub use failure::{Failure, FailureKind};
pub use jobs::{
    Execution, Happened, Job, JobFate, JobFilter, JobHandled, JobShown, JobState, JobsListed,
};

use contract::Identifier;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A request: the payload of the function `operator`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "step",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Step {
    /// Write a dead letter for each record of the on-failure envelopes. Answered by [`Gathered`].
    Gather,
    /// The dead letters that wait for an operator, in the order in which they were first seen.
    /// Answered by [`Listed`].
    ListDeadLetters {
        /// Selects them.
        #[serde(default)]
        filter: Filter,
        /// The position at which the previous page ended.
        #[serde(default)]
        after: Option<String>,
        /// The most entries of a page.
        most: u32,
    },
    /// One dead letter with its content. Answered by [`Shown`].
    ShowDeadLetter {
        /// Its id.
        id: Uuid,
    },
    /// Invoke the consumers with dead letters again. Answered by [`Handled`].
    Redrive {
        /// The dead letters.
        which: Which,
        /// The position at which the previous page ended.
        #[serde(default)]
        after: Option<String>,
        /// Whether to do it; otherwise the answer only says what the step would do.
        execute: bool,
        /// The rate, and how often a record may come back.
        #[serde(default)]
        pace: Pace,
    },
    /// Delete dead letters for good. Answered by [`Handled`].
    Discard {
        /// The dead letters.
        which: Which,
        /// The position at which the previous page ended.
        #[serde(default)]
        after: Option<String>,
        /// Whether to do it; otherwise the answer only says what the step would do.
        execute: bool,
    },
    /// Send an event of the reserved tenant through the whole pipeline, and wait for its poster.
    /// Answered by [`Smoked`].
    Smoke {
        /// The longest wait, in seconds.
        within: u32,
    },
    /// A tenant's render jobs, newest first. Answered by [`JobsListed`].
    ListJobs {
        /// The tenant.
        tenant: Identifier,
        /// Selects them.
        #[serde(default)]
        filter: JobFilter,
        /// The position at which the previous page ended.
        #[serde(default)]
        after: Option<String>,
        /// The most jobs of a page.
        most: u32,
    },
    /// One job with its history. Answered by [`JobShown`].
    ShowJob {
        /// The tenant.
        tenant: Identifier,
        /// Its id.
        job: Uuid,
    },
    /// Open a new job that makes a closed job again. Answered by [`JobHandled`].
    ResubmitJob {
        /// The tenant.
        tenant: Identifier,
        /// Its id.
        job: Uuid,
        /// Whether to do it; otherwise the answer only says what the step would do.
        execute: bool,
    },
    /// Cancel an open job. Answered by [`JobHandled`].
    CancelJob {
        /// The tenant.
        tenant: Identifier,
        /// Its id.
        job: Uuid,
        /// Whether to do it; otherwise the answer only says what the step would do.
        execute: bool,
    },
}

/// A smoke check's event completed its job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Smoked {
    /// The completed render job.
    pub job: Uuid,
    /// The time from publication to the completed job, in milliseconds.
    pub milliseconds: u64,
}
