//! What an operator asks of the studio, and what is answered: the contract between the function
//! `operator`, which does it inside the VPC, and the command line `studio` in front of it. No I/O.
//!
//! A listing, and everything that is done to several records, comes in pages: an answer says where
//! to go on, and whoever asks goes on there.

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

/// What is asked of the function: its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "step",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Step {
    /// Write a dead letter for each record of the on-failure envelopes. Answered by [`Gathered`].
    Gather,
    /// The dead letters that wait for an operator, those that were first seen earliest first.
    /// Answered by [`Listed`].
    ListDeadLetters {
        /// Which of them.
        #[serde(default)]
        filter: Filter,
        /// Where the page before ended.
        #[serde(default)]
        after: Option<String>,
        /// How many at most.
        most: u32,
    },
    /// One record, with its content. Answered by [`Shown`].
    ShowDeadLetter {
        /// Its id.
        id: Uuid,
    },
    /// Give records to their consumers once more. Answered by [`Handled`].
    Redrive {
        /// Which.
        which: Which,
        /// Where the page before ended.
        #[serde(default)]
        after: Option<String>,
        /// Whether to do it; else it is only said what would be done.
        execute: bool,
        /// How.
        #[serde(default)]
        pace: Pace,
    },
    /// Delete records for good. Answered by [`Handled`].
    Discard {
        /// Which.
        which: Which,
        /// Where the page before ended.
        #[serde(default)]
        after: Option<String>,
        /// Whether to do it; else it is only said what would be done.
        execute: bool,
    },
    /// Send an event of the reserved tenant through all of it, and wait for its poster. Answered by
    /// [`Smoked`].
    Smoke {
        /// How long it may take, in seconds.
        within: u32,
    },
    /// A tenant's render jobs, the newest first. Answered by [`JobsListed`].
    ListJobs {
        /// Whose.
        tenant: Identifier,
        /// Which of them.
        #[serde(default)]
        filter: JobFilter,
        /// Where the page before ended.
        #[serde(default)]
        after: Option<String>,
        /// How many at most.
        most: u32,
    },
    /// One job with its history. Answered by [`JobShown`].
    ShowJob {
        /// Whose.
        tenant: Identifier,
        /// Its id.
        job: Uuid,
    },
    /// Have a job that is over made again, by a new one. Answered by [`JobHandled`].
    ResubmitJob {
        /// Whose.
        tenant: Identifier,
        /// Its id.
        job: Uuid,
        /// Whether to do it; else it is only said what would be done.
        execute: bool,
    },
    /// Cancel a job that is open. Answered by [`JobHandled`].
    CancelJob {
        /// Whose.
        tenant: Identifier,
        /// Its id.
        job: Uuid,
        /// Whether to do it; else it is only said what would be done.
        execute: bool,
    },
}

/// An event came through all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Smoked {
    /// The render job that it opened, which is completed.
    pub job: Uuid,
    /// From the publication to the asset, in milliseconds.
    pub milliseconds: u64,
}
