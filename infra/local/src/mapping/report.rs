//! What a poller tells whoever started it.

use std::sync::Arc;
use std::time::Duration;

use super::action::{Condition, Outcome};

/// What happened at one mapping.
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
    /// The group gave the poller partitions: it reads.
    Started {
        /// Partition numbers.
        partitions: Vec<i32>,
    },
    /// An invocation ended.
    Invoked {
        /// How many records it carried.
        records: usize,
        /// Partition numbers, ascending.
        partitions: Vec<i32>,
        /// How many times these records have been sent, this one included.
        attempt: u32,
        /// From the request to the answer.
        duration: Duration,
        /// How it ended.
        outcome: Outcome,
    },
    /// Some records were not resolved and will be sent again.
    Retrying {
        /// How many.
        records: usize,
        /// Why, as a sentence's part.
        cause: String,
        /// When.
        pause: Duration,
        /// Whether the batch is split in two.
        split: bool,
    },
    /// Records are at the on-failure destination or, where there is none, dropped.
    Discarded {
        /// How many.
        records: usize,
        /// Why.
        condition: Condition,
        /// `s3://<bucket>/<key>` or `kafka://<topic>`; `None` where they were dropped.
        destination: Option<String>,
    },
    /// The group's offset was committed.
    Committed {
        /// Partition number.
        partition: i32,
        /// The next offset to be read.
        offset: i64,
    },
    /// Kafka or the destination does not do what it should; the poller goes on trying.
    Trouble {
        /// What went wrong.
        problem: String,
    },
}
