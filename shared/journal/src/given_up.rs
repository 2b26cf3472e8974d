//! What the mappings gave up: objects that AWS puts into the bucket for records set aside, one for each batch.

use crate::{Journal, SetAsideError, erase::erase_object};

/// What the key of each of them begins with.
const PREFIX: &str = "aws/lambda/";

impl Journal {
    /// The keys of what the mappings gave up, those after `after`, and whether there are more.
    ///
    /// # Errors
    /// A [`SetAsideError`].
    pub async fn envelopes(&self, after: Option<String>) -> Result<(Vec<String>, bool), SetAsideError> {
        let list = self.s3.list_objects_v2().bucket(&self.set_aside_bucket).prefix(PREFIX).set_start_after(after);
        let list = list.send().await.map_err(|error| SetAsideError::Fetch(error.into()))?;
        let keys = list.contents().iter().filter_map(|object| object.key().map(str::to_owned));
        Ok((keys.collect(), list.is_truncated() == Some(true)))
    }

    /// Deletes an envelope, each of whose records stands by itself now, with all its versions: nobody looks there for what is a tenant's.
    ///
    /// # Errors
    /// A [`SetAsideError`]; doing it again is safe.
    pub async fn delete_envelope(&self, key: &str) -> Result<(), SetAsideError> {
        erase_object(&self.s3, &self.set_aside_bucket, key).await.map_err(SetAsideError::Delete)
    }
}
