//! The brand's logo: the only file that a picture is drawn with because an event names it.

use aws_sdk_s3::{
    error::{BoxError, SdkError},
    operation::get_object::{GetObjectError, builders::GetObjectFluentBuilder},
};
use canvas::LARGEST_LOGO;
use contract::{Identifier, MediaType, NotItsOwn, S3Object};
use domain::Job;

use crate::Drawer;

/// Why the logo cannot be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The tenant can fix it.
    #[error(transparent)]
    Unfit(#[from] UnfitLogo),
    /// S3 forbids it. That may pass.
    #[error("there is no logo where the brand says, or the studio may not read it")]
    Forbidden,
    /// S3 has trouble, which passes.
    #[error("fetching the logo from S3")]
    S3(#[source] BoxError),
}

/// What the tenant can fix: a sentence for a person, which names the logo.
#[derive(Debug, thiserror::Error)]
pub enum UnfitLogo {
    /// The logo is not the tenant's own file.
    #[error(transparent)]
    NotItsOwn(#[from] NotItsOwn),
    /// The logo does not exist.
    #[error("there is no logo at {0}")]
    Missing(S3Object),
}

/// The logo that the picture of `job` is drawn with; `None` if its brand names none, or the asset
/// is no picture.
#[must_use]
pub fn logo_of(job: &Job) -> Option<&S3Object> {
    let brand = job.configuration.brand.as_ref()?;
    let logo = brand.logo.as_ref()?;
    (job.asset.media_type() == MediaType::Image).then_some(logo)
}

impl Drawer {
    /// Fetches the file of [`logo_of`] `job`, which must be its tenant's own; `None` without one.
    /// Of a file that is too large for the canvas, only so much is fetched that the canvas says so.
    ///
    /// # Errors
    /// A [`FetchError`].
    pub async fn logo(&self, job: &Job) -> Result<Option<Vec<u8>>, FetchError> {
        match logo_of(job) {
            Some(logo) => Ok(Some(self.fetch(&job.tenant, logo).await?)),
            None => Ok(None),
        }
    }

    async fn fetch(&self, tenant: &Identifier, logo: &S3Object) -> Result<Vec<u8>, FetchError> {
        let get = self.own_file(&self.config.logo_buckets, tenant, logo);
        let object = get.map_err(UnfitLogo::from)?.send().await;
        let object = object.map_err(|error| {
            if is_missing(&error) {
                FetchError::Unfit(UnfitLogo::Missing(logo.clone()))
            } else if is_forbidden(&error) {
                FetchError::Forbidden
            } else {
                FetchError::S3(error.into())
            }
        })?;
        let (mut file, mut body) = (Vec::new(), object.body);
        while let Some(bytes) = body
            .try_next()
            .await
            .map_err(|error| FetchError::S3(error.into()))?
        {
            file.extend_from_slice(&bytes);
            if file.len() > LARGEST_LOGO {
                break;
            }
        }
        Ok(file)
    }

    /// The request for `object`, if it is `tenant`'s own and in one of `buckets`.
    ///
    /// # Errors
    /// [`NotItsOwn`]; S3 is not asked.
    pub fn own_file(
        &self,
        buckets: &[String],
        tenant: &Identifier,
        object: &S3Object,
    ) -> Result<GetObjectFluentBuilder, NotItsOwn> {
        let files = &self.config.tenant_files;
        files.check(buckets, tenant, object)?;
        let get = self.s3.get_object();
        let get = get.bucket(object.bucket()).key(object.key());
        Ok(get.expected_bucket_owner(&files.owner))
    }
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
#[must_use]
pub fn is_forbidden(error: &SdkError<GetObjectError>) -> bool {
    status_of(error) == Some(403)
}

fn status_of(error: &SdkError<GetObjectError>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}
