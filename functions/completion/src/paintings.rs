//! Paintings: what a vendor painted under the text of a picture stays with its entity. While only
//! facts change that the canvas sets, such as the date, the picture keeps its painting, and the
//! tenant pays nothing.

use aws_sdk_s3::primitives::ByteStream;
use domain::{Job, ProviderId};
use drawing::{CACHE, PutError};
use runtime::chain;

use crate::{App, step::StepError};

/// The painting that `provider` made for the entity of `job` on an equal request before, if it paints
/// and the bucket has one.
///
/// # Errors
/// The bucket does not say: asking the vendor now could pay for a second one.
pub(crate) async fn kept_for(
    app: &App,
    provider: ProviderId,
    job: &Job,
) -> Result<Option<Vec<u8>>, StepError> {
    let Some(request) = app.providers.painting_request(provider, job) else {
        return Ok(None);
    };
    let key = app.drawer.paths.get().await?.painting_key(job, &request);
    let get = app.drawer.s3.get_object();
    let get = get.bucket(&app.drawer.config.assets_bucket).key(key);
    let broken = |error: aws_sdk_s3::error::BoxError| StepError::Asset(PutError::S3(error));
    match get.send().await {
        Ok(object) => {
            let body = object.body.collect().await;
            let bytes = body.map_err(|error| broken(error.into()))?;
            Ok(Some(bytes.to_vec()))
        }
        Err(error) => {
            // Without the right to list the bucket, S3 answers 403 for a missing object.
            let status = error.raw_response().map(|raw| raw.status().as_u16());
            match status {
                Some(403 | 404) => Ok(None),
                _ => Err(broken(error.into())),
            }
        }
    }
}

/// Keeps `png`, which `provider` painted for `job`, for the next picture of its entity. Without it the
/// next one is paid for again, so trouble with it stops nothing.
pub(crate) async fn keep(app: &App, provider: ProviderId, job: &Job, png: Vec<u8>) {
    let Some(request) = app.providers.painting_request(provider, job) else {
        return;
    };
    let put = async {
        let key = app.drawer.paths.get().await?.painting_key(job, &request);
        let put = app.drawer.s3.put_object().key(key);
        let put = put.bucket(&app.drawer.config.assets_bucket);
        let put = put.content_type("image/png").cache_control(CACHE);
        put.body(ByteStream::from(png)).send().await?;
        Ok::<(), PutError>(())
    };
    if let Err(error) = put.await {
        tracing::warn!(job = %job.id, %provider, "the painting is not kept: {}", chain(&error));
    }
}
