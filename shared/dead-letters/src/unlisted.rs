//! What an erasure deletes: the object of an entry, and the objects of a tenant that no entry
//! names.
//!
//! A record is put into the bucket before its entry is written, so that an entry always has its
//! object. A function that dies in between leaves an object that only the bucket knows.

use contract::Identifier;

use crate::{
    DeadLetters,
    record::folder_of,
    versions::{EraseError, erase_object, erase_objects},
};

impl DeadLetters {
    /// Deletes an object with all its versions.
    ///
    /// # Errors
    /// An [`EraseError`].
    pub async fn erase_object(&self, key: &str) -> Result<usize, EraseError> {
        erase_object(&self.s3, &self.bucket, None, key).await
    }

    /// Deletes every object whose record's key names `tenant`, with all its versions; returns how
    /// many there were.
    ///
    /// # Errors
    /// An [`EraseError`].
    pub async fn erase_objects_of(&self, tenant: &Identifier) -> Result<usize, EraseError> {
        erase_objects(&self.s3, &self.bucket, &folder_of(Some(tenant))).await
    }
}
