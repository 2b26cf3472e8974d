//! The progress of each record through a batch's phases, and the fate that it ends with.

use std::sync::Arc;

use dead_letters::{DeadLetter, DeadLetterError};
use kafka::PublishError;
use outbox::{CommitError, SendEntryError};
use queue::SendError;
use store::{OutboxEntry, StoreError};
use telemetry::Span;

use crate::{batch::Record, record::ReadEvent, remarks::Remarks};

/// The progress of a record.
pub(crate) enum Progress {
    /// Read: its event and description.
    Described(Box<ReadEvent>),
    /// It can never succeed; it will be dead-lettered.
    Poison(Box<DeadLetter>),
    /// Its decision is committed.
    Committed(OutboxEntry),
    /// It has ended.
    Over(Fate),
}

/// How a record ends in this invocation.
#[derive(Debug)]
pub(crate) enum Fate {
    /// All its consequences are committed, published and sent.
    Done,
    /// It can never succeed; it is stored as a dead letter.
    DeadLetter,
    /// The mapping must redeliver it.
    Retry(Retry),
}

/// Why a record must be redelivered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Retry {
    #[error("a call for several records of the batch")]
    Together(#[source] Arc<StoreError>),
    #[error(transparent)]
    Commit(CommitError),
    #[error(transparent)]
    DeadLetter(DeadLetterError),
    #[error(transparent)]
    Publish(PublishError),
    #[error(transparent)]
    Send(SendEntryError),
    #[error("marking the outbox entry published")]
    Mark(#[source] StoreError),
    #[error("no time is left to {0} it")]
    NoTime(&'static str),
    #[error("it comes after one to be delivered again")]
    Follows,
}

impl Retry {
    /// Whether a call for several records failed: each of them has this reason.
    pub(crate) fn is_of_several(&self) -> bool {
        match self {
            Self::Together(_) | Self::Send(SendEntryError::Send(SendError::Call(_))) => true,
            Self::Send(_)
            | Self::Commit(_)
            | Self::DeadLetter(_)
            | Self::Publish(_)
            | Self::Mark(_)
            | Self::NoTime(_)
            | Self::Follows => false,
        }
    }
}

/// A record and its progress.
pub(crate) struct RecordInHand<'a> {
    /// The index of its partition in the batch.
    pub(crate) partition: usize,
    pub(crate) record: &'a Record<'a>,
    pub(crate) progress: Progress,
    pub(crate) span: Span<'a>,
    pub(crate) remarks: Remarks,
}

impl RecordInHand<'_> {
    /// Its decision is committed.
    pub(crate) fn is_committed(&mut self, entry: OutboxEntry) {
        self.span.happens("committed");
        if let (Progress::Described(read), Some(newer)) = (&self.progress, &entry.older_than) {
            self.span.happens("older than what was known");
            self.remarks.is_older(read, newer);
        }
        self.progress = Progress::Committed(entry);
    }

    /// Its outbox entry, if it waits for the next phase.
    pub(crate) fn entry(&self) -> Option<&OutboxEntry> {
        match &self.progress {
            Progress::Committed(entry) => Some(entry),
            Progress::Described(_) | Progress::Poison(_) | Progress::Over(_) => None,
        }
    }
}
