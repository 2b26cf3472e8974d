//! Why a demo failed.

use std::io;
use std::path::PathBuf;

use contract::Topic;

use crate::records::Produced;
use crate::{aws, dead_letters, input, stack};

/// Why the demo failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no event to publish.
    #[error(transparent)]
    Input(#[from] input::Error),
    /// The contract has the topic, but the deployed stack has no function for it.
    #[error("no function in infra/template.yaml consumes {0}")]
    NotDeployed(Topic),
    /// The record is larger than the broker accepts.
    #[error("the event has {size} bytes, more than the broker accepts in one record")]
    TooLarge {
        /// The size in bytes.
        size: usize,
    },
    /// The functions' metrics cannot be read.
    #[error(transparent)]
    Metrics(#[from] aws::Error),
    /// The stack failed.
    #[error(transparent)]
    Stack(#[from] stack::Error),
    /// The function would dead-letter the event.
    #[error("{from} would become a dead letter, so nothing was started: {cause}")]
    Foreseen {
        /// The file of the event, or standard input.
        from: String,
        /// Why, in the function's words.
        cause: String,
    },
    /// The function dead-lettered the event.
    #[error("the event was dead-lettered: {0}")]
    DeadLetter(String),
    /// Render jobs failed.
    #[error("{failed} of {opened} render jobs failed: {reason}")]
    Failed {
        /// How many failed.
        failed: usize,
        /// How many were opened.
        opened: usize,
        /// Why the first one failed.
        reason: String,
    },
    /// An event was published twice.
    #[error(
        "the event {id} was published twice, the second time at {topic} partition {partition} offset {offset}"
    )]
    Twice {
        /// The event's id.
        id: String,
        /// The topic of the second record.
        topic: String,
        /// The partition of the second record.
        partition: i32,
        /// The offset of the second record.
        offset: i64,
    },
    /// The demo took too long.
    #[error("after {seconds} s {waiting}; the emulator's log is {log}")]
    TimedOut {
        /// The time limit, in seconds.
        seconds: u64,
        /// What the demo was still waiting for.
        waiting: String,
        /// The copy of the emulator's log.
        log: PathBuf,
    },
    /// The voice was not cloned.
    #[error("the voice was not cloned: {0}")]
    VoiceFailed(String),
    /// Its vendor was not asked for the voice that was cloned.
    #[error("the spot is not spoken by the voice that was cloned, {0}")]
    OtherVoice(String),
    /// The emulator refused a call to AWS.
    #[error("cannot {what}: {reason}")]
    Aws {
        /// What the demo tried.
        what: &'static str,
        /// The emulator's answer.
        reason: String,
    },
    /// The mapping discarded the record.
    #[error("the mapping discarded the event ({condition}); it is at {destination}")]
    Discarded {
        /// The on-failure condition.
        condition: String,
        /// Where the mapping put the record.
        destination: String,
    },
    /// The topics cannot be read.
    #[error("the broker cannot be read")]
    Read(#[source] kafka_client::Error),
    /// The table cannot be read.
    #[error(transparent)]
    Table(#[from] dead_letters::Error),
    /// An asset is not at its URL.
    #[error("the asset {url} cannot be fetched: {reason}")]
    Asset {
        /// The asset's URL.
        url: String,
        /// Why the asset cannot be fetched.
        reason: String,
    },
    /// The demo's results cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why it cannot be written.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// The error for a record whose event was published before.
    pub(crate) fn twice(record: &Produced) -> Self {
        Self::Twice {
            id: record.event()["id"].as_str().unwrap_or_default().to_owned(),
            topic: record.topic.clone(),
            partition: record.partition,
            offset: record.offset,
        }
    }
}
