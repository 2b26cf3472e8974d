//! Files in the bucket of the assets: an asset is put there as a whole and deleted again. A file
//! that is not in memory as a whole, a vendor's, is not stored here.

use asset_paths::PathsError;
use aws_sdk_s3::{
    error::{BoxError, SdkError},
    primitives::ByteStream,
};
use contract::FileFormat;
use domain::{Job, State};

use crate::Drawer;

/// The `Cache-Control` of an asset: a copy of it stays valid, because a key never gets another
/// content.
pub const CACHE: &str = "public, max-age=31536000, immutable";

/// Why an asset is not stored. It is trouble of ours, which passes: storing it again is safe.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The asset has no path yet.
    #[error(transparent)]
    Paths(#[from] PathsError),
    /// S3 has trouble.
    #[error("storing the asset in S3")]
    S3(#[source] BoxError),
}

impl<E> From<SdkError<E>> for PutError
where
    E: std::error::Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        Self::S3(error.into())
    }
}

/// Why a file is not deleted. It is trouble of ours, which passes: deleting it again is safe.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// The path of the file is not known yet.
    #[error(transparent)]
    Paths(#[from] PathsError),
    /// S3 has trouble.
    #[error("deleting from S3")]
    S3(#[source] BoxError),
}

/// The content type that the bucket serves a file with.
#[must_use]
pub fn content_type(format: FileFormat) -> &'static str {
    match format {
        FileFormat::Png => "image/png",
        FileFormat::Mp4 => "video/mp4",
        FileFormat::Mp3 => "audio/mpeg",
    }
}

impl Drawer {
    /// Stores `file` as the asset of `job`; returns its key. The key is derived from the job's id,
    /// so storing it twice gives one object.
    ///
    /// # Errors
    /// A [`PutError`].
    pub async fn put(&self, job: &Job, file: Vec<u8>) -> Result<String, PutError> {
        let key = self.paths.get().await?.object_key(job);
        let put = self.s3.put_object().bucket(&self.config.assets_bucket);
        put.key(&key)
            .content_type(content_type(job.asset.format()))
            .cache_control(CACHE)
            .body(ByteStream::from(file))
            .send()
            .await?;
        Ok(key)
    }

    /// Deletes the file with the key `key`. The function has no power to delete versions, so the
    /// bucket has the old one for a week, or until the tenant is erased.
    ///
    /// # Errors
    /// A [`DeleteError`].
    pub async fn delete(&self, key: &str) -> Result<(), DeleteError> {
        let delete = self.s3.delete_object().bucket(&self.config.assets_bucket);
        let deleted = delete.key(key).send().await;
        deleted.map_err(|error| DeleteError::S3(error.into()))?;
        Ok(())
    }

    /// Deletes the asset of a job that was cancelled, failed or erased while the asset was made:
    /// the caller has put it there, and read `job` since. Whether the asset was unwanted; that of an
    /// open or completed job stays.
    ///
    /// # Errors
    /// A [`DeleteError`].
    pub async fn delete_if_unwanted(&self, job: &Job) -> Result<bool, DeleteError> {
        match job.state {
            State::Created | State::Submitted { .. } | State::Completed { .. } => Ok(false),
            State::Failed { .. } | State::Cancelled { .. } | State::Erased { .. } => {
                self.delete(&self.paths.get().await?.object_key(job))
                    .await?;
                Ok(true)
            }
        }
    }
}
