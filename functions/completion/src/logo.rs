//! The brand's logo: the only file that the studio fetches because an event names it.

use aws_sdk_s3::{
    error::{BoxError, SdkError},
    operation::get_object::GetObjectError,
};
use contract::{Identifier, NotItsOwn, S3Object};

use crate::{App, own_files};

/// The largest logo that is fetched, in bytes; the canvas has the same limit.
const LARGEST: i64 = 2 * 1024 * 1024;

/// Why the logo cannot be fetched.
#[derive(Debug)]
pub(crate) enum FetchError {
    /// The tenant can fix it.
    Unfit(UnfitLogo),
    /// S3 forbids it. That may pass.
    Forbidden,
    /// S3 has trouble.
    S3(BoxError),
}

/// What the tenant can fix: a sentence for a person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnfitLogo {
    #[error(transparent)]
    NotItsOwn(#[from] NotItsOwn),
    #[error("there is no logo at {0}")]
    Missing(S3Object),
    #[error("the logo {logo} has {bytes} bytes; at most {LARGEST} are drawn")]
    TooLarge { logo: S3Object, bytes: i64 },
}

impl From<UnfitLogo> for FetchError {
    fn from(unfit: UnfitLogo) -> Self {
        Self::Unfit(unfit)
    }
}

/// Fetches `logo`, which must be `tenant`'s own.
pub(crate) async fn fetch(
    app: &App,
    tenant: &Identifier,
    logo: &S3Object,
) -> Result<Vec<u8>, FetchError> {
    let get =
        own_files::get(app, &app.config.logo_buckets, tenant, logo).map_err(UnfitLogo::from)?;
    let object = get.send().await;
    let object = object.map_err(|error| {
        if is_missing(&error) {
            FetchError::Unfit(UnfitLogo::Missing(logo.clone()))
        } else if is_forbidden(&error) {
            FetchError::Forbidden
        } else {
            FetchError::S3(error.into())
        }
    })?;
    let bytes = object.content_length().unwrap_or_default();
    if bytes > LARGEST {
        let logo = logo.clone();
        return Err(UnfitLogo::TooLarge { logo, bytes }.into());
    }
    Ok(object
        .body
        .collect()
        .await
        .map_err(|error| FetchError::S3(error.into()))?
        .to_vec())
}

/// Whether S3 says that the object does not exist.
fn is_missing(error: &SdkError<GetObjectError>) -> bool {
    error
        .as_service_error()
        .is_some_and(GetObjectError::is_no_such_key)
        || status_of(error) == Some(404)
}

/// Whether S3 refuses to return the object. That may pass: a policy is still spreading, or a clock
/// is wrong. Without the right to list the bucket, it is also S3's answer for a missing object.
pub(crate) fn is_forbidden(error: &SdkError<GetObjectError>) -> bool {
    status_of(error) == Some(403)
}

fn status_of(error: &SdkError<GetObjectError>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}
