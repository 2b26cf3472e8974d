//! The named points at which functions are killed.

use std::fmt;

use contract::Topic;
use fault_proxy::Moment;

/// The point at which a function is killed: before or after one of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// Before a consumer commits its decision.
    BeforeCommit,
    /// After the commit, before the publish.
    BetweenCommitAndPublish,
    /// After the publish, before a message is sent.
    BetweenPublishAndSend,
    /// After a message is sent, before the function answers the batch.
    BeforeTheResponse,
    /// Before the jobs of the messages are read.
    BeforeInputs,
    /// After the pictures are stored, before the ends of their jobs are committed.
    BeforeEnds,
    /// After a message is put off, before the function answers the batch.
    BetweenPutOffAndAnswer,
    /// After an attempt is recorded.
    AfterSubmit,
    /// During the upload of the asset.
    DuringUpload,
    /// After the end of a job is committed, before it is published.
    BetweenEndAndPublish,
    /// After a slot is released, before the line is looked at. A sweep looks at it, too.
    BetweenReleaseAndWake,
}

impl Point {
    pub const OF_CONSUMERS: [Self; 4] = [
        Self::BeforeCommit,
        Self::BetweenCommitAndPublish,
        Self::BetweenPublishAndSend,
        Self::BeforeTheResponse,
    ];
    pub const OF_RENDER: [Self; 5] = [
        Self::BeforeInputs,
        Self::DuringUpload,
        Self::BeforeEnds,
        Self::BetweenEndAndPublish,
        Self::BetweenPutOffAndAnswer,
    ];
    pub const OF_COMPLETION: [Self; 4] = [
        Self::AfterSubmit,
        Self::DuringUpload,
        Self::BetweenEndAndPublish,
        Self::BetweenReleaseAndWake,
    ];

    /// The service, the operation, and whether to kill before or after the call.
    #[must_use]
    pub fn call(self) -> (&'static str, &'static str, Moment) {
        match self {
            Self::BeforeCommit | Self::BeforeEnds => {
                ("dynamodb", "TransactWriteItems", Moment::Before)
            }
            Self::BetweenCommitAndPublish | Self::BetweenEndAndPublish => {
                ("dynamodb", "TransactWriteItems", Moment::After)
            }
            Self::BetweenPublishAndSend => ("sqs", "SendMessageBatch", Moment::Before),
            Self::BeforeTheResponse | Self::BetweenPutOffAndAnswer => {
                ("sqs", "SendMessageBatch", Moment::After)
            }
            Self::BeforeInputs => ("dynamodb", "BatchGetItem", Moment::Before),
            Self::AfterSubmit => ("dynamodb", "PutItem", Moment::After),
            Self::DuringUpload => ("s3", "PutObject", Moment::Before),
            Self::BetweenReleaseAndWake => ("dynamodb", "Query", Moment::Before),
        }
    }

    /// A text that the call's body contains.
    #[must_use]
    pub fn body(self) -> Option<&'static str> {
        (self == Self::BetweenReleaseAndWake).then_some(LINE)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeCommit => "before commit",
            Self::BetweenCommitAndPublish => "between commit and publish",
            Self::BetweenPublishAndSend => "between publish and send",
            Self::BeforeTheResponse => "after sending, before the response",
            Self::BeforeInputs => "before it reads the jobs",
            Self::BeforeEnds => "before the ends' commit",
            Self::BetweenPutOffAndAnswer => "between putting off and the answer",
            Self::AfterSubmit => "after submit",
            Self::DuringUpload => "during upload",
            Self::BetweenEndAndPublish => "between the end's commit and publish",
            Self::BetweenReleaseAndWake => "between a slot's release and the next turn",
        })
    }
}

/// How the keys of vendors' lines begin.
pub const LINE: &str = "waiting#";

/// The function that draws.
pub const RENDER: &str = "render";

/// The function that takes the steps of long jobs.
pub const COMPLETION: &str = "completion";

/// Every point of every function, by the function's name. Each round of the storm has all of them.
pub fn points() -> impl Iterator<Item = (&'static str, Point)> {
    let consumers = Topic::consumed().filter_map(Topic::consumer);
    let of_consumers = consumers.flat_map(|name| Point::OF_CONSUMERS.map(|point| (name, point)));
    of_consumers
        .chain(Point::OF_RENDER.map(|point| (RENDER, point)))
        .chain(Point::OF_COMPLETION.map(|point| (COMPLETION, point)))
}

/// The name that the local stack deploys a function under.
pub fn deployed(function: &str) -> String {
    format!("studio-{function}-local")
}
