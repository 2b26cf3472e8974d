//! Uploads to the bucket: large files in parts, and no large file is held in memory as a whole.

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use domain::Job;
use drawing::{CACHE, PutError, content_type};
use providers::Stream;

use super::begin_of;
use crate::{App, media, step::StepError};

/// The size of a part, in bytes; at most about this much of a stream is in memory at once. S3
/// accepts no part below 5 MB except the last.
const PART: usize = 8 * 1024 * 1024;

/// The largest accepted file, in bytes.
const LARGEST: usize = 1024 * 1024 * 1024;

/// The result of uploading a stream.
pub(super) enum Streamed {
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
pub(super) struct Upload<'a> {
    pub(super) app: &'a App,
    pub(super) job: &'a Job,
    pub(super) key: String,
}

impl Upload<'_> {
    fn bucket(&self) -> &str {
        &self.app.drawer.config.assets_bucket
    }

    fn content_type(&self) -> &'static str {
        content_type(self.job.asset.format())
    }

    /// Begins an upload and gives it up: S3 says whether it takes the file.
    pub(super) async fn begins(&self) -> Result<(), StepError> {
        Parts::begin(self).await?.abort().await;
        Ok(())
    }

    /// Copies an object from a bucket of ours. The original stays until the job says that the copy
    /// is stored, so that a redelivery can copy it again. If it is gone nevertheless, a copy that
    /// was made before counts.
    pub(super) async fn copied(&self, bucket: &str, key: &str) -> Result<(), StepError> {
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
    pub(super) async fn streamed(&self, mut stream: Stream) -> Result<Streamed, StepError> {
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
