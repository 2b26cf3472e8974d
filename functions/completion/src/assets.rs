//! Stores assets: media goes to the bucket as soon as it is made.

mod upload;

use contract::Shows;
use domain::{Job, Outcome, Output, ProviderId, State, Work};
use providers::{Body, Media, Providers, Refused};
use work::{count_undrawn, say_undrawn};

use crate::{
    App,
    answers::{Unsaved, save_answer},
    audio, media,
    step::{Reply, StepError},
    turns::release_to_next,
    usage::spent,
};
use upload::{Streamed, Upload};

/// The result of storing a file.
pub(crate) enum Stored {
    /// It is in the bucket.
    Stored(Made),
    /// The transfer from the provider broke off, or the file does not have the expected format.
    Lost(Refused),
}

/// A stored file.
pub(crate) struct Made {
    made_by: String,
    credits: u64,
    length_ms: Option<u64>,
    copy: Option<String>,
    shows: Shows,
}

/// Whether the asset is stored. A closed job counts as stored: then `finish` only publishes the
/// existing end again.
pub(crate) fn is_stored(job: &Job) -> bool {
    job.is_closed()
        || matches!(
            job.state,
            State::Submitted {
                output: Some(_),
                ..
            }
        )
}

/// Stores the media under the key that its URL will name. The key is derived from the job's id, so
/// storing it twice gives one object.
pub(crate) async fn store(app: &App, job: &Job, made: Media) -> Result<Stored, StepError> {
    let Media {
        body,
        made_by,
        credits,
        length_ms,
        copy,
        shows,
        // The caller keeps it, once its job says that the asset is stored.
        painting: _,
    } = made;
    let lost = |detail: String| Ok(Stored::Lost(lost(&made_by, credits, &detail)));
    let upload = Upload {
        app,
        job,
        key: app.drawer.paths.get().await?.object_key(job),
    };
    let (begin, bytes) = match body {
        Body::Bytes(bytes) => {
            let begin = begin_of(&bytes);
            let length = bytes.len();
            if !media::is(job.asset.format(), &begin) {
                return lost(format!(
                    "what it made is no {}",
                    job.asset.format().as_str()
                ));
            }
            app.drawer.put(job, bytes).await?;
            (begin, length)
        }
        Body::Stream(stream) => match upload.streamed(stream).await? {
            Streamed::Whole { begin, length } => (begin, length),
            Streamed::Broken(detail) => return lost(detail),
        },
        Body::Object { bucket, key } => {
            upload.copied(&bucket, &key).await?;
            return Ok(Stored::Stored(Made {
                made_by,
                credits,
                length_ms,
                copy,
                shows,
            }));
        }
    };
    let length_ms = length_ms.or_else(|| audio::mp3_length_ms(&begin, bytes as u64));
    Ok(Stored::Stored(Made {
        made_by,
        credits,
        length_ms,
        copy,
        shows,
    }))
}

/// The refusal that stands for media which broke off, or is not what it should be.
pub(crate) fn lost(made_by: &str, credits: u64, detail: &str) -> Refused {
    Refused {
        credits,
        ..Refused::new(
            domain::Refusal::OutcomeUnknown,
            format!("{made_by}: {detail}"),
        )
    }
}

/// Finds out whether the bucket takes the file of `job`, before a provider is paid for it: an upload
/// is begun, for which S3 wants the same right as for a file, and given up.
/// Source: "Amazon S3 multipart upload limits" and "Multipart upload API and permissions" in the S3
/// user guide.
pub(crate) async fn try_bucket(app: &App, job: &Job) -> Result<(), StepError> {
    let key = app.drawer.paths.get().await?.object_key(job);
    Upload { app, job, key }.begins().await
}

/// Writes to the job that its media is stored.
pub(crate) async fn note(
    app: &App,
    provider: ProviderId,
    job: Job,
    made: Made,
) -> Result<Reply, StepError> {
    let now = crate::now();
    // Its cost was counted when it was kept.
    let is_counted = job.kept().is_some();
    let job = job
        .answered(
            Outcome::Made {
                credits: made.credits,
            },
            now,
        )
        .copied(made.copy);
    let output = Output {
        key: app.drawer.paths.get().await?.object_key(&job),
        stored_at: now,
        credits: job.attempts.credits(),
        length_ms: made.length_ms,
        shows: made.shows,
    };
    match save_answer(app, job.clone().stored(made.made_by, output)).await {
        Ok(job) => {
            if !is_counted {
                spent(app, provider, made.credits).await;
            }
            if let Some(Output { shows, .. }) = job.output() {
                say_undrawn(&job, shows);
                count_undrawn(&app.telemetry, &job, &shows.undrawn);
            }
            release_to_next(app, provider, job.id()).await;
            delete_original(app, &job).await;
            Ok(Reply::Stored)
        }
        Err(error) => {
            if matches!(error, Unsaved::Contended) {
                delete_if_unwanted(app, provider, &job).await?;
            }
            Err(error.into())
        }
    }
}

/// Does for a job whose asset is stored what the invocation that stored it may have died before: its
/// slot is released, and the provider's own file is deleted.
pub(crate) async fn tidy_up(app: &App, job: &Job) {
    if let Some(last) = job.attempts.last() {
        release_to_next(app, last.asked, job.id()).await;
    }
    delete_original(app, job).await;
}

/// Deletes the file that the job's last provider itself wrote into the bucket, if it writes there.
/// The job must say before that its asset is stored, or that none is wanted: until then the file is
/// the only one. A file that is left is erased with the job's folder.
async fn delete_original(app: &App, job: &Job) {
    let Some((asked, ticket)) = job
        .attempts
        .last()
        .and_then(|last| Some((last.asked, last.ticket.as_deref()?)))
    else {
        return;
    };
    let deleted = async {
        let folder = app.drawer.paths.get().await?.folder(job);
        match Providers::original(asked, &folder, ticket) {
            Some(key) => app.drawer.delete(&key).await,
            None => Ok(()),
        }
    };
    if let Err(error) = deleted.await {
        tracing::warn!(job = %job.id, "the provider's own file is left: {}", runtime::chain(&error));
    }
}

/// Deletes the file, and the provider's copy, of a job that was cancelled, failed or erased while
/// the file was made. Only this invocation knows of them.
async fn delete_if_unwanted(app: &App, provider: ProviderId, job: &Job) -> Result<(), StepError> {
    let now = app.store.job(job.id).await?;
    if !app.drawer.delete_if_unwanted(&now).await? {
        return Ok(());
    }
    delete_original(app, job).await;
    if let Some(copy) = job
        .attempts
        .last()
        .and_then(|attempt| attempt.ticket.as_deref())
    {
        let vendors = app.providers.vendors();
        vendors
            .erase(provider, copy)
            .await
            .map_err(StepError::Provider)?;
    }
    Ok(())
}

/// The first bytes of a file, by which its format is recognized.
fn begin_of(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len().min(media::ENOUGH)].to_vec()
}
