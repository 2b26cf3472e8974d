//! The objects in the bucket, and the deletion of every version of an object.

use std::collections::BTreeSet;

use aws_sdk_s3::{error::BoxError, primitives::ByteStream};
use contract::Time;
use store::{DeadLetterEntry, OwnedItem};

use crate::{DeadLetter, DeadLetterError, DeadLetters};

impl DeadLetters {
    /// The record of an entry, as it came; `None` if nothing is left of it.
    ///
    /// # Errors
    /// A [`DeadLetterError`].
    pub async fn record(
        &self,
        entry: &DeadLetterEntry,
    ) -> Result<Option<DeadLetter>, DeadLetterError> {
        let Some(object) = &entry.object else {
            return Ok(None);
        };
        let json = self.object(object).await?;
        Ok(json.map(|json| DeadLetter::from_json(&json)).transpose()?)
    }

    /// An object of the bucket for dead letters, a record's or an envelope; `None` if it is not
    /// there.
    ///
    /// # Errors
    /// [`DeadLetterError::Fetch`].
    pub async fn object(&self, key: &str) -> Result<Option<Vec<u8>>, DeadLetterError> {
        let get = match self
            .s3
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
        {
            Ok(get) => get,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_no_such_key()) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(DeadLetterError::Fetch(error.into())),
        };
        let body = get
            .body
            .collect()
            .await
            .map_err(|error| DeadLetterError::Fetch(error.into()))?;
        Ok(Some(body.to_vec()))
    }

    /// Puts `record` where its entry says that it is.
    pub(crate) async fn put(&self, record: &DeadLetter) -> Result<(), DeadLetterError> {
        let put = self
            .s3
            .put_object()
            .bucket(&self.bucket)
            .key(record.object_key());
        let put = put
            .content_type("application/json")
            .body(ByteStream::from(record.to_json()));
        put.send()
            .await
            .map_err(|error| DeadLetterError::Object(error.into()))?;
        Ok(())
    }

    /// Deletes the object of a record. One that is not there any more is fine.
    pub(crate) async fn delete(&self, object: &str) -> Result<(), DeadLetterError> {
        let delete = self.s3.delete_object().bucket(&self.bucket).key(object);
        delete
            .send()
            .await
            .map_err(|error| DeadLetterError::Delete(error.into()))?;
        Ok(())
    }

    /// Deletes a dead letter with every version of its object, and blanks what its entry says.
    ///
    /// # Errors
    /// A [`DeadLetterError`].
    pub async fn erase(&self, record: &OwnedItem, now: Time) -> Result<(), DeadLetterError> {
        if let Some(object) = self.store.object_of_dead_letter(record).await? {
            erase_object(&self.s3, &self.bucket, &object)
                .await
                .map_err(DeadLetterError::Delete)?;
        }
        self.store
            .erase_dead_letter_entry(record, now)
            .await
            .map_err(DeadLetterError::Index)?;
        Ok(())
    }
}

/// Deletes every version of every object of ours whose key begins with `prefix`, so that nothing of
/// them can be had back; returns how many objects there were.
///
/// # Errors
/// What S3 said.
pub async fn erase_objects(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    prefix: &str,
) -> Result<usize, BoxError> {
    let mut keys = BTreeSet::new();
    while erase_page(s3, bucket, prefix, |_| true, &mut keys).await? {}
    Ok(keys.len())
}

/// Deletes one object, with all its versions.
pub(crate) async fn erase_object(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    key: &str,
) -> Result<(), BoxError> {
    // S3 lists in the keys' order, and nothing that begins with a key comes before it.
    while erase_page(s3, bucket, key, |found| found == key, &mut BTreeSet::new()).await? {}
    Ok(())
}

/// Deletes what one page of a listing has that is meant, and says whether there may be more. What
/// was listed is deleted before the next look: there is no second page to be kept track of.
async fn erase_page(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    prefix: &str,
    is_meant: impl Fn(&str) -> bool,
    keys: &mut BTreeSet<String>,
) -> Result<bool, BoxError> {
    let list = s3
        .list_object_versions()
        .bucket(bucket)
        .prefix(prefix)
        .send()
        .await?;
    let versions = list
        .versions()
        .iter()
        .map(|version| (version.key(), version.version_id()));
    let markers = list
        .delete_markers()
        .iter()
        .map(|marker| (marker.key(), marker.version_id()));
    let all = versions
        .chain(markers)
        .map(|(key, version)| (key.unwrap_or_default(), version));
    let mut deleted = false;
    for (key, version) in all.filter(|(key, _)| is_meant(key)) {
        s3.delete_object()
            .bucket(bucket)
            .key(key)
            .set_version_id(version.map(str::to_owned))
            .send()
            .await?;
        keys.insert(key.to_owned());
        deleted = true;
    }
    Ok(deleted && list.is_truncated() == Some(true))
}
