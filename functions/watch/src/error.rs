//! Why a reading failed.

use aws_sdk_lambda::error::BoxError;
use queue::DepthError;
use store::StoreError;

/// Why a reading failed. The next run reads again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadingError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Depth(#[from] DepthError),
    #[error("asking Lambda for the state of the mapping {name}")]
    Mapping { name: String, source: BoxError },
    #[error("asking for the oldest records that are not taken: {0}")]
    Records(String),
}
