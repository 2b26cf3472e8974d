//! A mapping: its settings, with the defaults and the limits of AWS applied.

use std::time::Duration;

/// The settings in force for one mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The mapping's id, a UUID.
    pub uuid: String,
    /// The ARN of the function that the mapping invokes.
    pub function: String,
    /// The ARN of the MSK cluster.
    pub event_source_arn: String,
    /// The mapping's only topic.
    pub topic: String,
    /// The consumer group. It is the mapping's id if the template names none.
    pub consumer_group: String,
    /// The maximum number of records in one invocation, 1 to 10,000. The default is 100.
    pub batch_size: usize,
    /// How long records are gathered, at most 300 s. The default is 500 ms.
    pub window: Duration,
    /// Where a group without committed offsets begins.
    pub start: StartingPosition,
    /// Whether there are provisioned pollers. Without them AWS ignores the error controls below, and
    /// the poller retries the whole batch until it succeeds (kafka-scaling-modes.html).
    pub provisioned: bool,
    /// The maximum number of retries after the first try, 0 to 10,000. `None` is infinite. It is
    /// ten if the template says infinite and there is an on-failure destination.
    pub maximum_retries: Option<u32>,
    /// Records older than this are not sent any more. `None` allows any age.
    pub maximum_age: Option<Duration>,
    /// Whether a batch is split in two on a function error.
    pub bisect: bool,
    /// Whether the function's response may list the records that failed.
    pub report_batch_item_failures: bool,
    /// The destination of discarded records.
    pub destination: Option<Destination>,
    /// Whether the mapping polls at all.
    pub enabled: bool,
}

/// Where a consumer group without committed offsets begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartingPosition {
    /// At the oldest record.
    TrimHorizon,
    /// At the records that arrive after the mapping was created.
    Latest,
    /// At the first record that is not older than this, in milliseconds since the Unix epoch.
    AtTimestamp(i64),
}

/// An on-failure destination that this machine supports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// An S3 bucket, by name.
    S3 {
        /// The bucket's name.
        bucket: String,
    },
    /// A topic of the same cluster, by name.
    Kafka {
        /// The topic's name.
        topic: String,
    },
}
