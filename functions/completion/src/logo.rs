//! The brand's logo. It is the only file that the studio fetches because an event names it, and
//! only from configured buckets.

use aws_sdk_s3::{
    error::{BoxError, SdkError},
    operation::get_object::GetObjectError,
};
use contract::S3Object;

use crate::App;

/// The largest logo that is fetched, in bytes; the canvas has the same limit.
const LARGEST: i64 = 2 * 1024 * 1024;

/// Why the logo cannot be fetched. The tenant can fix all causes but the last; their messages are
/// sentences for a person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the studio may not read the bucket of the logo {0}")]
    NotAllowed(S3Object),
    #[error("there is no logo at {0}")]
    Missing(S3Object),
    #[error("the logo {logo} has {bytes} bytes; at most {LARGEST} are drawn")]
    TooLarge { logo: S3Object, bytes: i64 },
    #[error("fetching the logo {logo} from S3")]
    S3 { logo: S3Object, source: BoxError },
}

/// Fetches `logo`.
pub(crate) async fn fetch(app: &App, logo: &S3Object) -> Result<Vec<u8>, FetchError> {
    if !app
        .config
        .logo_buckets
        .iter()
        .any(|bucket| bucket == logo.bucket())
    {
        return Err(FetchError::NotAllowed(logo.clone()));
    }
    let failed = |source| FetchError::S3 {
        logo: logo.clone(),
        source,
    };
    let object = app
        .s3
        .get_object()
        .bucket(logo.bucket())
        .key(logo.key())
        .send()
        .await;
    let object = object.map_err(|error| match is_missing(&error) {
        true => FetchError::Missing(logo.clone()),
        false => failed(error.into()),
    })?;
    let bytes = object.content_length().unwrap_or_default();
    if bytes > LARGEST {
        return Err(FetchError::TooLarge {
            logo: logo.clone(),
            bytes,
        });
    }
    Ok(object
        .body
        .collect()
        .await
        .map_err(|error| failed(error.into()))?
        .to_vec())
}

/// Whether the object does not exist. Without the right to list the bucket, S3 answers 403 for a
/// missing object.
fn is_missing(error: &SdkError<GetObjectError>) -> bool {
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    error
        .as_service_error()
        .is_some_and(GetObjectError::is_no_such_key)
        || matches!(status, Some(403 | 404))
}
