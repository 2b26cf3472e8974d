//! Why a dead letter could not be written or read.

use aws_sdk_s3::error::BoxError;
use store::StoreError;

use crate::ContentError;

/// Why a dead letter could not be written or read. Doing it again is safe.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// S3 did not take it.
    #[error("putting a dead letter into S3")]
    Object(#[source] BoxError),
    /// DynamoDB did not take its index entry.
    #[error("indexing a dead letter in DynamoDB")]
    Index(#[source] StoreError),
    /// Its entry could not be read.
    #[error("reading the entry of a dead letter")]
    Entry(#[from] StoreError),
    /// S3 did not give it back.
    #[error("getting a dead letter from S3")]
    Fetch(#[source] BoxError),
    /// S3 did not delete it.
    #[error("deleting a dead letter from S3")]
    Delete(#[source] BoxError),
    /// Its object is not what it should be: another version of the code put it there, or a hand
    /// did.
    #[error("the object of a dead letter cannot be read")]
    Content(#[from] ContentError),
}
