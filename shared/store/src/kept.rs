//! What a provider made, is paid for, and the bucket did not take: it is kept here, in parts, until the
//! bucket takes it. The table does not fail together with S3.
//!
//! A part is an item of its own partition, because DynamoDB writes a megabyte a second of one. A
//! picture of two megabytes costs 2,000 write units, which is a sixth of a cent, and half as many read
//! units for each try to store it. Nothing is kept as long as the bucket takes what is made.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use contract::Time;
use uuid::Uuid;

use crate::{Key, Store, StoreError};

/// The most bytes of a part: an item may have 400 KB, with its names.
/// Source: "Quotas in Amazon DynamoDB", item size.
const PART: usize = 380 * 1024;

/// The most bytes that are kept of one result. What is larger has a ticket, by which its provider
/// gives it again.
pub const MOST_KEPT: usize = 32 * 1024 * 1024;

/// For how many seconds a result is kept: two weeks. It is tried again for a shorter time.
const KEPT_SECONDS: u32 = 14 * 24 * 60 * 60;

impl Store {
    /// Keeps `bytes`, what was made for the attempt with this `token`; returns the number of parts.
    /// Keeping it again writes the same items.
    ///
    /// # Errors
    /// A [`StoreError`]; parts may have been written, and expire. [`StoreError::Refused`] if it has
    /// more than [`MOST_KEPT`] bytes.
    pub async fn keep(&self, token: Uuid, bytes: &[u8], now: Time) -> Result<u32, StoreError> {
        if bytes.len() > MOST_KEPT {
            let what = format!("{} bytes are more than {MOST_KEPT}", bytes.len());
            return Err(StoreError::Refused(what.into()));
        }
        let expires = now.plus_seconds(KEPT_SECONDS).timestamp().as_second();
        let mut parts = 0;
        for part in bytes.chunks(PART) {
            parts += 1;
            let mut item = Key::kept(token, parts).into_item();
            item.insert("bytes".to_owned(), AttributeValue::B(Blob::new(part)));
            item.insert(
                "expires_at".to_owned(),
                AttributeValue::N(expires.to_string()),
            );
            let put = self.dynamodb.put_item().table_name(&self.table);
            let put = put.set_item(Some(item)).send().await;
            put.map_err(|error| self.unwritten(error))?;
        }
        Ok(parts)
    }

    /// What was kept in `parts` for the attempt with this `token`; `None` if a part of it is gone: it
    /// is stored by now, or was erased, or expired.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn kept(&self, token: Uuid, parts: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let mut bytes = Vec::new();
        for part in 1..=parts {
            let item = self.read(Key::kept(token, part)).await?;
            let Some(AttributeValue::B(part)) = item.as_ref().and_then(|item| item.get("bytes"))
            else {
                return Ok(None);
            };
            bytes.extend_from_slice(part.as_ref());
        }
        Ok(Some(bytes))
    }

    /// Deletes what was kept in `parts` for the attempt with this `token`, if it is there.
    ///
    /// # Errors
    /// A [`StoreError`]; what is left expires.
    pub async fn delete_kept(&self, token: Uuid, parts: u32) -> Result<(), StoreError> {
        for part in 1..=parts {
            let delete = self.dynamodb.delete_item().table_name(&self.table);
            let key = Key::kept(token, part).into_item();
            let deleted = delete.set_key(Some(key)).send().await;
            deleted.map_err(|error| self.unwritten(error))?;
        }
        Ok(())
    }
}
