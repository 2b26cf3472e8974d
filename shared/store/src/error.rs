//! Why the store did not do what it was asked.

use aws_sdk_dynamodb::error::BoxError;
use domain::{JobId, VoiceModelId};

use crate::{ItemError, rounds::MOST_ROUNDS};

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Others kept writing the entity.
    #[error("writing to DynamoDB: other writers changed the item {MOST_ROUNDS} times in a row")]
    Contended,
    /// DynamoDB will never take it as it is: an item over 400 KB, say.
    #[error("DynamoDB refuses the write")]
    Refused(#[source] BoxError),
    /// DynamoDB did not do it, or did not say that it did.
    #[error("writing to DynamoDB")]
    Write(#[source] BoxError),
    /// DynamoDB did not answer a read.
    #[error("reading from DynamoDB")]
    Read(#[source] BoxError),
    /// An item cannot be read.
    #[error("reading an item that is there already")]
    Item(#[from] ItemError),
    /// There is no such job.
    #[error("there is no job {0}")]
    NoSuchJob(JobId),
    /// There is no such voice model.
    #[error("there is no voice model {0}")]
    NoSuchVoice(VoiceModelId),
}

impl StoreError {
    /// Whether doing it again can succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Contended | Self::Write(_) | Self::Read(_) | Self::Item(_) => true,
            Self::Refused(_) | Self::NoSuchJob(_) | Self::NoSuchVoice(_) => false,
        }
    }
}
