//! The on-failure envelopes: objects that AWS puts into the bucket for dead letters, one for each
//! batch.

use crate::{DeadLetterError, DeadLetters};

/// What the key of each of them begins with.
const PREFIX: &str = "aws/lambda/";

impl DeadLetters {
    /// The keys of the on-failure envelopes, those after `after`, and whether there are more.
    ///
    /// # Errors
    /// A [`DeadLetterError`].
    pub async fn envelopes(
        &self,
        after: Option<String>,
    ) -> Result<(Vec<String>, bool), DeadLetterError> {
        let list = self
            .s3
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(PREFIX)
            .set_start_after(after);
        let list = list
            .send()
            .await
            .map_err(|error| DeadLetterError::Fetch(error.into()))?;
        let keys = list
            .contents()
            .iter()
            .filter_map(|object| object.key().map(str::to_owned));
        Ok((keys.collect(), list.is_truncated() == Some(true)))
    }

    /// Deletes an envelope, each of whose records stands by itself now, with all its versions:
    /// no erasure looks there for what is a tenant's.
    ///
    /// # Errors
    /// A [`DeadLetterError`]; doing it again is safe.
    pub async fn delete_envelope(&self, key: &str) -> Result<(), DeadLetterError> {
        let erased = self.erase_object(key).await;
        erased.map_err(|error| DeadLetterError::Delete(error.into()))?;
        Ok(())
    }
}
