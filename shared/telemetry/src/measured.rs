//! What is measured.

use std::time::Duration;

use contract::Topic;

use crate::Reading;

/// A measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measured<'a> {
    /// A consumer handled a batch.
    Batch {
        /// The topic of the batch.
        topic: Topic,
        /// The number of records in the batch.
        received: usize,
        /// How many of them are done.
        done: usize,
        /// How many of them became dead letters.
        dead_lettered: usize,
        /// How many of them will be delivered again.
        retried: usize,
        /// The time from the invocation to the answer.
        took: Duration,
    },
    /// Events of a batch were older than what was known, so that their facts were not taken in.
    Older {
        /// Their topic.
        topic: Topic,
        /// How many.
        events: usize,
    },
    /// Events of a batch were ahead of the studio's clock.
    Ahead {
        /// Their topic.
        topic: Topic,
        /// By how much the one was that is furthest ahead.
        milliseconds: u64,
    },
    /// A provider answered a call.
    Call {
        /// The provider.
        provider: &'a str,
        /// How long the call took.
        took: Duration,
    },
    /// A call of a provider failed.
    Failure {
        /// The provider.
        provider: &'a str,
        /// The class of the failure, for programs.
        class: &'a str,
    },
    /// A provider's credits were spent.
    Spent {
        /// The provider.
        provider: &'a str,
        /// The number of credits.
        credits: u64,
    },
    /// The breaker of a provider opened, because the provider refused the studio as a whole.
    BreakerOpened {
        /// The provider.
        provider: &'a str,
    },
    /// A job completed with its asset.
    Completed {
        /// The tenant of the job.
        tenant: &'a str,
        /// The job's id.
        job: &'a str,
        /// The time from the inbound event to the asset, if an inbound event caused the job.
        since_event: Option<Duration>,
        /// The time from the decision on the job to the asset.
        since_decision: Duration,
    },
    /// A job failed for good, or was cancelled.
    Failed {
        /// The tenant of the job.
        tenant: &'a str,
        /// The job's id.
        job: &'a str,
    },
    /// The studio has no font for some of what a job was to show.
    Undrawn {
        /// The tenant of the job.
        tenant: &'a str,
        /// The job's id.
        job: &'a str,
        /// The names of the scripts.
        scripts: &'a str,
        /// The number of characters.
        characters: u64,
    },
    /// The number of dead letters that wait for an operator.
    Waiting {
        /// The number.
        records: usize,
    },
    /// Notices of failed jobs could not be delivered, and are tried again.
    NoticesFailed {
        /// The number of notices.
        notices: usize,
    },
    /// Messages of the queue were put off, because a service that the studio needs had trouble.
    PutOff {
        /// The number of messages.
        messages: usize,
    },
    /// A result that is paid for is kept in the table, because the bucket did not take it.
    Kept {
        /// The provider.
        provider: &'a str,
    },
    /// What `watch` has read.
    Reading(Reading<'a>),
}
