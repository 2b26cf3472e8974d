//! Submit and poll: the provider is asked, and what it made is stored at once.

use aws_sdk_s3::primitives::ByteStream;
use events::{MediaType, Time};
use jobs::{Job, JobId, Output, State};
use providers::{Answer, Media, Order, Provider};

use crate::{
    Studio, logo,
    step::{Reply, StepError},
};

/// Asks the provider for the media of a job. That it is asked is written down before it is; a provider that has given a ticket is
/// not asked for the same thing twice.
pub(crate) async fn submit(studio: &Studio, id: JobId, now: Time) -> Result<Reply, StepError> {
    let job = studio.journal.job(id).await?;
    if is_stored(&job) {
        return Ok(Reply::Stored);
    }
    if let State::Submitted { ticket: Some(_), .. } = job.state {
        return poll(studio, id).await;
    }
    let provider = provider_of(studio, &job)?;
    let logo = logo_of(studio, &job).await?;
    let job = studio.journal.save_job(job.submitted(provider.name(), now)).await?;
    let answer = provider.submit(Order { job: &job, logo: logo.as_deref() }).await;
    take(studio, provider, job, answer).await
}

/// Asks again whether the media of a job is made.
pub(crate) async fn poll(studio: &Studio, job: JobId) -> Result<Reply, StepError> {
    let job = studio.journal.job(job).await?;
    let ticket = match &job.state {
        State::Submitted { ticket, output: None, .. } => ticket.clone(),
        _ if is_stored(&job) => return Ok(Reply::Stored),
        _ => return Err(StepError::NothingStored(job.id)),
    };
    let provider = provider_of(studio, &job)?;
    let logo = logo_of(studio, &job).await?;
    let answer = provider.poll(Order { job: &job, logo: logo.as_deref() }, ticket.as_deref()).await;
    take(studio, provider, job, answer).await
}

/// Who makes media of the job's type.
fn provider_of<'a>(studio: &'a Studio, job: &Job) -> Result<&'a Provider, StepError> {
    match job.asset.media_type() {
        MediaType::Image => Ok(&studio.provider),
        media @ (MediaType::Video | MediaType::Audio) => Err(StepError::NotConfigured(media)),
    }
}

async fn logo_of(studio: &Studio, job: &Job) -> Result<Option<Vec<u8>>, StepError> {
    match job.configuration.brand.as_ref().and_then(|brand| brand.logo.as_ref()) {
        Some(logo) => Ok(Some(logo::fetch(studio, logo).await?)),
        None => Ok(None),
    }
}

/// A closed job counts as stored: `finish` then tells again what was decided, and nothing else.
fn is_stored(job: &Job) -> bool {
    job.is_closed() || matches!(job.state, State::Submitted { output: Some(_), .. })
}

async fn take(
    studio: &Studio,
    provider: &Provider,
    job: Job,
    answer: Result<Answer, providers::ProviderError>,
) -> Result<Reply, StepError> {
    let answer = answer.map_err(|source| StepError::Provider { provider: provider.name(), source })?;
    match answer {
        Answer::Done(media) => store(studio, job, media).await,
        Answer::Pending { ticket, poll_after_seconds } => {
            studio.journal.save_job(job.accepted(ticket)).await?;
            Ok(Reply::Pending { poll_after_seconds })
        }
    }
}

/// Puts the media where its URL will say, then writes down that it is there. The key is made of the job's id, so storing it twice
/// is storing it once.
async fn store(studio: &Studio, job: Job, media: Media) -> Result<Reply, StepError> {
    let key = job.object_key();
    studio
        .s3
        .put_object()
        .bucket(&studio.config.assets_bucket)
        .key(&key)
        .content_type(media.content_type)
        .cache_control("public, max-age=31536000, immutable")
        .body(ByteStream::from(media.bytes))
        .send()
        .await
        .map_err(|error| StepError::Store(error.into()))?;
    let output = Output { key, stored_at: crate::now(), credits: media.credits };
    studio.journal.save_job(job.stored(output)).await?;
    Ok(Reply::Stored)
}
