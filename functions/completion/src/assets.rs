//! Stores assets: media goes to the bucket as soon as it is made, large files in parts, and no
//! large file is held in memory as a whole.

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use contract::{Adjusted, Undrawn};
use domain::{Job, Outcome, Output, ProviderId, State, Work};
use drawing::{CACHE, PutError, content_type};
use providers::{Body, Media, Providers, Refused, Stream};
use store::StoreError;
use work::{count_undrawn, say_undrawn, spent};

use crate::{
    App,
    answers::save_answer,
    audio, media,
    step::{Reply, StepError},
    turns::release_to_next,
};

/// The size of a part, in bytes; at most about this much of a stream is in memory at once. S3
/// accepts no part below 5 MB except the last.
const PART: usize = 8 * 1024 * 1024;

/// The largest accepted file, in bytes.
const LARGEST: usize = 1024 * 1024 * 1024;

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
    undrawn: Vec<Undrawn>,
    adjusted: Vec<Adjusted>,
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
        undrawn,
        adjusted,
    } = made;
    let lost = |detail: String| {
        Ok(Stored::Lost(Refused {
            refusal: domain::Refusal::OutcomeUnknown,
            detail: format!("{made_by}: {detail}"),
            credits,
        }))
    };
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
                undrawn,
                adjusted,
            }));
        }
    };
    let length_ms = length_ms.or_else(|| audio::mp3_length_ms(&begin, bytes as u64));
    Ok(Stored::Stored(Made {
        made_by,
        credits,
        length_ms,
        copy,
        undrawn,
        adjusted,
    }))
}

/// Writes to the job that its media is stored.
pub(crate) async fn note(
    app: &App,
    provider: ProviderId,
    job: Job,
    made: Made,
) -> Result<Reply, StepError> {
    let now = crate::now();
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
        undrawn: made.undrawn,
        adjusted: made.adjusted,
    };
    match save_answer(app, job.clone().stored(made.made_by, output)).await {
        Ok(job) => {
            spent(&app.telemetry, provider, made.credits);
            if let Some(Output {
                undrawn, adjusted, ..
            }) = job.output()
            {
                say_undrawn(&job, undrawn, adjusted);
                count_undrawn(&app.telemetry, &job, undrawn);
            }
            release_to_next(app, provider, job.id()).await;
            delete_original(app, &job).await;
            Ok(Reply::Stored)
        }
        Err(error) => {
            if matches!(error, StoreError::Contended) {
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

/// The result of uploading a stream.
enum Streamed {
    /// All of it is uploaded.
    Whole {
        /// Its first bytes.
        begin: Vec<u8>,
        /// Its length in bytes.
        length: usize,
    },
    /// It broke off or is not the expected format; the reason, for operators.
    Broken(String),
}

/// An upload to the bucket.
struct Upload<'a> {
    app: &'a App,
    job: &'a Job,
    key: String,
}

impl Upload<'_> {
    fn bucket(&self) -> &str {
        &self.app.drawer.config.assets_bucket
    }

    fn content_type(&self) -> &'static str {
        content_type(self.job.asset.format())
    }

    /// Copies an object from a bucket of ours. The original stays until the job says that the copy
    /// is stored, so that a redelivery can copy it again. If it is gone nevertheless, a copy that
    /// was made before counts.
    async fn copied(&self, bucket: &str, key: &str) -> Result<(), StepError> {
        let copy = self
            .app
            .drawer
            .s3
            .copy_object()
            .copy_source(format!("{bucket}/{key}"))
            .bucket(self.bucket());
        let copy = copy
            .key(&self.key)
            .content_type(self.content_type())
            .cache_control(CACHE);
        let copy = copy.metadata_directive(aws_sdk_s3::types::MetadataDirective::Replace);
        let Err(error) = copy.send().await else {
            return Ok(());
        };
        // Without the right to list the bucket, S3 answers 403 for a missing object.
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        if matches!(status, Some(403 | 404)) && self.is_there().await {
            return Ok(());
        }
        Err(StepError::Asset(error.into()))
    }

    /// Whether the asset is in the bucket. `false` also if S3 does not say.
    async fn is_there(&self) -> bool {
        let head = self.app.drawer.s3.head_object();
        let head = head.bucket(self.bucket()).key(&self.key).send().await;
        head.is_ok()
    }

    /// Uploads a stream.
    async fn streamed(&self, mut stream: Stream) -> Result<Streamed, StepError> {
        let mut part: Vec<u8> = Vec::new();
        let mut begin = Vec::new();
        let mut length = 0;
        let mut parts: Option<Parts<'_>> = None;
        let broken = loop {
            match stream.next().await {
                Ok(Some(chunk)) => {
                    length += chunk.len();
                    part.extend_from_slice(&chunk);
                    if begin.is_empty() && part.len() >= media::ENOUGH {
                        begin = begin_of(&part);
                        if !media::is(self.job.asset.format(), &begin) {
                            break Some(format!(
                                "what it made is no {}",
                                self.job.asset.format().as_str()
                            ));
                        }
                    }
                    if length > LARGEST {
                        break Some(format!("what it made has more than {LARGEST} bytes"));
                    }
                    while part.len() > PART {
                        let rest = part.split_off(PART);
                        let parts = match &mut parts {
                            Some(parts) => parts,
                            none => none.insert(Parts::begin(self).await?),
                        };
                        parts.put(std::mem::replace(&mut part, rest)).await?;
                    }
                }
                Ok(None) if length < media::ENOUGH => {
                    break Some(format!("what it made has only {length} bytes"));
                }
                Ok(None) => break None,
                Err(error) => break Some(runtime::chain(&error)),
            }
        };
        match (broken, parts) {
            (Some(why), Some(parts)) => {
                parts.abort().await;
                Ok(Streamed::Broken(why))
            }
            (Some(why), None) => Ok(Streamed::Broken(why)),
            (None, None) => {
                self.app.drawer.put(self.job, part).await?;
                Ok(Streamed::Whole { begin, length })
            }
            (None, Some(mut parts)) => {
                parts.put(part).await?;
                parts.complete().await?;
                Ok(Streamed::Whole { begin, length })
            }
        }
    }
}

/// A multipart upload. The bucket's lifecycle removes one that is neither completed nor aborted.
struct Parts<'a> {
    upload: &'a Upload<'a>,
    id: String,
    done: Vec<CompletedPart>,
}

impl<'a> Parts<'a> {
    async fn begin(upload: &'a Upload<'a>) -> Result<Self, StepError> {
        let create = upload
            .app
            .drawer
            .s3
            .create_multipart_upload()
            .bucket(upload.bucket())
            .key(&upload.key);
        let create = create
            .content_type(upload.content_type())
            .cache_control(CACHE);
        let created = create
            .send()
            .await
            .map_err(|error| StepError::Asset(error.into()))?;
        let id = created
            .upload_id()
            .ok_or_else(|| StepError::Asset(PutError::S3("S3 named no upload".into())))?
            .to_owned();
        Ok(Self {
            upload,
            id,
            done: Vec::new(),
        })
    }

    async fn put(&mut self, bytes: Vec<u8>) -> Result<(), StepError> {
        let number = i32::try_from(self.done.len() + 1).unwrap_or(i32::MAX);
        let put = self
            .upload
            .app
            .drawer
            .s3
            .upload_part()
            .bucket(self.upload.bucket())
            .key(&self.upload.key);
        let put = put
            .upload_id(&self.id)
            .part_number(number)
            .body(ByteStream::from(bytes));
        let uploaded = put
            .send()
            .await
            .map_err(|error| StepError::Asset(error.into()))?;
        self.done.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(uploaded.e_tag)
                .build(),
        );
        Ok(())
    }

    async fn complete(self) -> Result<(), StepError> {
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(self.done))
            .build();
        let complete = self
            .upload
            .app
            .drawer
            .s3
            .complete_multipart_upload()
            .bucket(self.upload.bucket());
        let complete = complete
            .key(&self.upload.key)
            .upload_id(&self.id)
            .multipart_upload(parts);
        complete
            .send()
            .await
            .map_err(|error| StepError::Asset(error.into()))?;
        Ok(())
    }

    async fn abort(self) {
        let abort = self
            .upload
            .app
            .drawer
            .s3
            .abort_multipart_upload()
            .bucket(self.upload.bucket());
        if let Err(error) = abort.key(&self.upload.key).upload_id(&self.id).send().await {
            tracing::warn!(
                key = self.upload.key,
                "an upload is left to the bucket's lifecycle: {}",
                runtime::chain(&error)
            );
        }
    }
}

fn begin_of(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len().min(media::ENOUGH)].to_vec()
}
