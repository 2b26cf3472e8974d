//! What the function `watch` reads each minute, so that alarms are raised about what does *not*
//! happen.

use std::time::Duration;

use contract::Topic;

use crate::emf::{Line, Measure};

/// What an open job waits for: the values of the dimension `Waits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// For the queue: the canvas draws it at once.
    ForTheQueue,
    /// To be begun: no vendor was asked for it yet.
    ToBegin,
    /// For a vendor.
    ForAVendor,
    /// For its turn at a vendor.
    ForItsTurn,
}

impl Waits {
    /// The value of the dimension.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ForTheQueue => "queue",
            Self::ToBegin => "begin",
            Self::ForAVendor => "vendor",
            Self::ForItsTurn => "turn",
        }
    }
}

/// A reading of `watch`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading<'a> {
    /// Jobs had no asset when the service's objective was over.
    Late {
        /// The number of jobs.
        jobs: usize,
    },
    /// The oldest of the open jobs that wait for the same.
    OldestJob {
        /// What they wait for.
        waits: Waits,
        /// Its age; zero if there is none.
        age: Duration,
    },
    /// The oldest voice that is not ready.
    OldestVoice {
        /// Its age; zero if there is none.
        age: Duration,
    },
    /// The oldest event that is committed, and not known to be published.
    OldestUnpublished {
        /// Its age; zero if there is none.
        age: Duration,
    },
    /// The dead letters that wait for an operator.
    DeadLetters {
        /// Their number.
        records: usize,
        /// The age of the oldest; zero if there is none.
        oldest: Duration,
    },
    /// The oldest record that a consumer has not taken.
    OldestRecord {
        /// The topic.
        topic: Topic,
        /// Its age; zero if all are taken.
        age: Duration,
    },
    /// The oldest message that waits in the queue.
    OldestMessage {
        /// The age of its job; zero if no message waits.
        age: Duration,
    },
    /// The event source mappings.
    Mappings {
        /// How many are not enabled.
        not_enabled: usize,
    },
    /// A schedule's last run that did its work.
    Heartbeat {
        /// The schedule.
        schedule: &'a str,
        /// How long ago that was.
        age: Duration,
    },
    /// All of it.
    Done {
        /// How many failed.
        failed: usize,
    },
}

impl<'a> Reading<'a> {
    /// Adds its metrics to the line, and what they are of.
    pub(crate) fn describe(self, line: &mut Line<'a>) {
        let (name, measure) = match self {
            Self::Late { jobs } => ("AssetsLate", Measure::Count(jobs as u64)),
            Self::OldestJob { waits, age } => {
                line.dimensions.push(("Waits", waits.as_str()));
                ("OldestJobAge", Measure::Seconds(age))
            }
            Self::OldestVoice { age } => ("OldestVoiceAge", Measure::Seconds(age)),
            Self::OldestUnpublished { age } => ("OldestUnpublishedAge", Measure::Seconds(age)),
            Self::DeadLetters { records, oldest } => {
                line.metrics
                    .push(("DeadLetterDepth", Measure::Count(records as u64)));
                ("OldestDeadLetterAge", Measure::Seconds(oldest))
            }
            Self::OldestRecord { topic, age } => {
                line.dimensions.push(("Topic", topic.as_str()));
                ("OldestRecordAge", Measure::Seconds(age))
            }
            Self::OldestMessage { age } => ("OldestMessageAge", Measure::Seconds(age)),
            Self::Mappings { not_enabled } => {
                ("MappingsNotEnabled", Measure::Count(not_enabled as u64))
            }
            Self::Heartbeat { schedule, age } => {
                line.dimensions.push(("Schedule", schedule));
                ("HeartbeatAge", Measure::Seconds(age))
            }
            Self::Done { failed } => ("ReadingsFailed", Measure::Count(failed as u64)),
        };
        line.metrics.push((name, measure));
    }
}
