//! The reports that a poller sends to its owner.

use std::sync::Arc;
use std::time::Duration;

use super::action::{Condition, Outcome};

/// A report about one mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The mapping's topic.
    pub topic: Arc<str>,
    /// What happened.
    pub what: What,
}

/// What a poller reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The group assigned partitions to the poller, which now reads them.
    Started {
        /// The partitions' numbers.
        partitions: Vec<i32>,
    },
    /// An invocation ended.
    Invoked {
        /// The number of records in the invocation.
        records: usize,
        /// The partitions' numbers, ascending.
        partitions: Vec<i32>,
        /// How often these records have been sent, including this time.
        attempt: u32,
        /// The time from the request to the answer.
        duration: Duration,
        /// How the invocation ended.
        outcome: Outcome,
    },
    /// Some records were not resolved and will be sent again.
    Retrying {
        /// The number of records.
        records: usize,
        /// The reason, as part of a sentence.
        cause: String,
        /// The pause before the retry.
        pause: Duration,
        /// Whether the batch is split in two.
        split: bool,
    },
    /// Records are at the on-failure destination, or dropped if there is none.
    Discarded {
        /// The number of records.
        records: usize,
        /// The reason.
        condition: Condition,
        /// `s3://<bucket>/<key>` or `kafka://<topic>`. `None` if the records were dropped.
        destination: Option<String>,
    },
    /// The group's offset was committed.
    Committed {
        /// The partition's number.
        partition: i32,
        /// The next offset to read.
        offset: i64,
    },
    /// Kafka or the destination fails, and the poller keeps retrying.
    Trouble {
        /// What went wrong.
        problem: String,
    },
}
