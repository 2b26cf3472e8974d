//! Why the store did not do what it was asked.

use aws_sdk_dynamodb::error::BoxError;
use domain::WorkId;

use crate::{ItemError, Store};

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

/// What DynamoDB said, and of which table: its own errors do not name one.
#[derive(Debug, thiserror::Error)]
#[error("the table {table}")]
struct OfTable {
    table: String,
    source: BoxError,
}

impl Store {
    /// The error of a read of the table.
    pub(crate) fn unread(&self, error: impl Into<BoxError>) -> StoreError {
        StoreError::Read(self.named(error))
    }

    /// The error of a write to the table.
    pub(crate) fn unwritten(&self, error: impl Into<BoxError>) -> StoreError {
        StoreError::Write(self.named(error))
    }

    fn named(&self, error: impl Into<BoxError>) -> BoxError {
        let table = self.table.clone();
        let source = error.into();
        Box::new(OfTable { table, source })
    }
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
    use aws_config::{BehaviorVersion, SdkConfig};
    use domain::{JobId, derive};

    use super::*;
    use crate::Key;

    #[test]
    fn an_item_that_cannot_be_read_is_named_by_its_key() {
        let job = derive(&[b"a job"]);
        let item = Key::end(JobId(job)).into_item();
        let error = StoreError::Item(ItemError::Attribute("state").of(&item));
        let said = runtime::chain(&error);
        let key = format!("pk `job#{job}`, sk `end`: ");
        assert!(said.contains(&key), "{said}");
        assert!(said.ends_with("attribute `state` is missing or of another type"));
    }

    #[test]
    fn a_refused_call_names_the_table_that_was_asked() {
        let aws = SdkConfig::builder().behavior_version(BehaviorVersion::latest());
        let aws = aws.build();
        let store = Store::new("studio-elsewhere".to_owned(), &aws);
        for error in [
            store.unread("AccessDenied"),
            store.unwritten("AccessDenied"),
        ] {
            let said = runtime::chain(&error);
            assert!(
                said.ends_with("the table studio-elsewhere: AccessDenied"),
                "{said}"
            );
        }
    }

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
