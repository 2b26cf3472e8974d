//! The objects in the bucket.

use aws_sdk_s3::primitives::ByteStream;
use store::DeadLetterEntry;

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
}
