//! The brand's logo: the only thing that is fetched because an event says so, and only from buckets
//! that the configuration names.

use aws_sdk_s3::{
    error::{BoxError, SdkError},
    operation::get_object::GetObjectError,
};
use contract::S3Object;

use crate::App;

/// The largest logo that is fetched, in bytes. It is as much as the canvas takes.
const LARGEST: i64 = 2 * 1024 * 1024;

/// Why there is no logo. All but the last are the tenant's to mend, and say so in a sentence for a
/// person.
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

/// The bytes of `logo`.
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

/// Without the right to list a bucket, S3 says of what is not there that it is forbidden.
fn is_missing(error: &SdkError<GetObjectError>) -> bool {
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    error
        .as_service_error()
        .is_some_and(GetObjectError::is_no_such_key)
        || matches!(status, Some(403 | 404))
}
