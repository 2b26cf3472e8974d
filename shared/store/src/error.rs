//! Why the store did not do what it was asked.

use aws_sdk_dynamodb::error::BoxError;
use domain::WorkId;

use crate::ItemError;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Others kept writing the entity.
    #[error("writing to DynamoDB: other writers changed the item in every round")]
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
    /// An item cannot be read: another version of the code wrote it, or a hand did. It stays as it
    /// is, and this version never can read it.
    #[error(
        "an item in the table cannot be read by this version of the code; deploy the version that wrote it"
    )]
    Item(#[from] ItemError),
    /// There is no such job or voice model.
    #[error("there is no {0}")]
    NotFound(WorkId),
}

impl StoreError {
    /// Whether doing it again can succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Contended | Self::Write(_) | Self::Read(_) => true,
            Self::Refused(_) | Self::NotFound(_) | Self::Item(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{JobId, derive};

    use super::*;

    #[test]
    fn trouble_may_pass_and_what_stands_in_the_table_or_is_refused_does_not() {
        let absent = WorkId::Job(JobId(derive(&[b"a job"])));
        for (error, is_transient) in [
            (StoreError::Contended, true),
            (StoreError::Write("no answer".into()), true),
            (StoreError::Read("no answer".into()), true),
            (StoreError::Refused("too large".into()), false),
            (StoreError::Item(ItemError::Attribute("state")), false),
            (StoreError::NotFound(absent), false),
        ] {
            assert_eq!(error.is_transient(), is_transient, "{error}");
        }
    }
}
