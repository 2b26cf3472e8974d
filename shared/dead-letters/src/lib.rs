//! Dead letters: records that can never succeed, kept whole so that the rest of their partition
//! goes on. The record is an object in a bucket; its entry is in the table (crate `store`). An
//! operator redrives or discards it.

mod error;
mod objects;
mod on_failure;
mod record;
mod resolve;
mod unlisted;
mod versions;
mod write;

use aws_config::SdkConfig;
use runtime::{ConfigError, variable};
use store::Store;

pub use error::DeadLetterError;
pub use record::{ContentError, DeadLetter, DeliveredBy};
pub use versions::{EraseError, erase_object, erase_objects};

/// The bucket for dead letters and the entries in the table.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    store: Store,
    s3: aws_sdk_s3::Client,
    bucket: String,
}

impl DeadLetters {
    /// Those in the bucket that `DEAD_LETTERS_BUCKET` names, with their entries in `store`. Makes
    /// no call yet.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the variable.
    pub fn from_env(store: Store, aws: &SdkConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            store,
            s3: aws_sdk_s3::Client::new(aws),
            bucket: variable("DEAD_LETTERS_BUCKET")?,
        })
    }

    /// The bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }
}
