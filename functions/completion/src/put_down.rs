//! An answer of a provider that cannot be written to the table is put down in the bucket, beside the
//! job's files, and learned from there once the table is back. So a ticket is not lost, and what is
//! made is not bought again.
//!
//! The name of the file has the attempt's token in it, a random UUID of Lambda's, and what it says
//! is no content: a ticket, a cost, a key.

use aws_sdk_s3::{error::SdkError, operation::get_object::GetObjectError, primitives::ByteStream};
use domain::{Answered, Attempt, Job};
use drawing::{PutError, is_forbidden};
use runtime::chain;
use uuid::Uuid;

use crate::{App, step::StepError, usage::spent};

/// Puts down what the last attempt of `job` came to; whether that succeeded.
pub(crate) async fn put_down(app: &App, job: &Job) -> bool {
    let Some(answered) = job.answered_last() else {
        return false;
    };
    let (id, token) = (job.id, answered.attempt.token);
    match write(app, job, &answered).await {
        Ok(()) => {
            tracing::warn!(job = %id, %token, "an answer is put down in the bucket until the table takes it");
            true
        }
        Err(error) => {
            tracing::error!(job = %id, %token, "an answer is not put down either: {}", chain(&error));
            false
        }
    }
}

/// `job` with the answer to its unanswered attempt, if that was put down.
///
/// # Errors
/// S3 does not say, or the table does not take the answer. It is there still.
pub(crate) async fn learn(app: &App, job: Job) -> Result<Job, StepError> {
    let paid = job.attempts.open().filter(|open| open.asked.is_paid());
    let Some((provider, token)) = paid.map(|open| (open.asked, open.token)) else {
        return Ok(job);
    };
    let key = key(app, &job, token).await?;
    let Some(answered) = read(app, &key).await? else {
        return Ok(job);
    };
    let Some(learned) = job.clone().learning(answered) else {
        return Ok(job);
    };
    let learned = app.store.save(learned).await?;
    tracing::info!(job = %learned.id, %provider, "learned what was answered before");
    let credits = learned.attempts.last().map_or(0, Attempt::credits);
    spent(app, provider, credits).await;
    if let Err(error) = app.drawer.delete(&key).await {
        tracing::warn!(key, "left until the job is erased: {}", chain(&error));
    }
    Ok(learned)
}

async fn key(app: &App, job: &Job, token: Uuid) -> Result<String, StepError> {
    let folder = app.drawer.paths.get().await?.folder(job);
    Ok(format!("{folder}answer-{token}.json"))
}

async fn write(app: &App, job: &Job, answered: &Answered) -> Result<(), StepError> {
    let key = key(app, job, answered.attempt.token).await?;
    let json = serde_json::to_vec(answered).map_err(|error| PutError::S3(error.into()))?;
    let put = app.drawer.s3.put_object();
    let put = put.bucket(&app.drawer.config.assets_bucket).key(key);
    let put = put
        .content_type("application/json")
        .cache_control("no-store");
    let put = put.body(ByteStream::from(json)).send().await;
    put.map_err(PutError::from)?;
    Ok(())
}

/// What was put down under `key`; `None` if nothing was, or if it cannot be read.
async fn read(app: &App, key: &str) -> Result<Option<Answered>, StepError> {
    let get = app.drawer.s3.get_object();
    let get = get.bucket(&app.drawer.config.assets_bucket).key(key);
    let object = match get.send().await {
        Ok(object) => object,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(StepError::Answer(error.into())),
    };
    let bytes = object.body.collect().await;
    let bytes = bytes.map_err(|error| StepError::Answer(error.into()))?;
    match serde_json::from_slice(&bytes.to_vec()) {
        Ok(answered) => Ok(Some(answered)),
        Err(error) => {
            tracing::error!(key, "what was put down cannot be read: {error}");
            Ok(None)
        }
    }
}

/// Without the right to list the bucket, S3 answers 403 for a missing object.
fn is_absent(error: &SdkError<GetObjectError>) -> bool {
    let is_missing = error
        .as_service_error()
        .is_some_and(GetObjectError::is_no_such_key);
    is_missing || is_forbidden(error)
}
