//! Recordings in S3: checks their bucket, format and length, and opens them for the provider.

use aws_sdk_s3::{error::SdkError, operation::get_object::GetObjectError, primitives::ByteStream};
use contract::{FailureClass, S3Object};
use providers::{Recording, VoiceLimits};

use crate::{
    App,
    audio::{self, Format},
    step::StepError,
};

/// Why a voice is not cloned.
pub(super) struct Unfit {
    pub class: FailureClass,
    /// The reason, for a person.
    pub sentence: String,
}

/// How many bytes of a recording are read to find its format and length; pictures may come before
/// the sound.
const BEGIN: u64 = 512 * 1024;

/// Why these samples cannot be used; `None` if they can.
pub(super) async fn unfit(
    app: &App,
    samples: &[S3Object],
    limits: VoiceLimits,
) -> Result<Option<Unfit>, StepError> {
    let mut milliseconds = 0;
    for sample in samples {
        let (bytes, begin) = match begin_of(app, sample).await? {
            Ok(begin) => begin,
            Err(unfit) => return Ok(Some(unfit)),
        };
        if bytes > limits.bytes_each {
            return Ok(Some(invalid(format!(
                "{sample} has {bytes} bytes; at most {} are taken",
                limits.bytes_each
            ))));
        }
        let length = Format::of(&begin).and_then(|format| audio::length_ms(format, &begin, bytes));
        let Some(length) = length else {
            return Ok(Some(invalid(format!(
                "{sample} is no MP3, WAV or FLAC file that says how long it is"
            ))));
        };
        milliseconds += length;
    }
    if milliseconds > limits.milliseconds_in_all {
        let (are, may) = (milliseconds / 1000, limits.milliseconds_in_all / 1000);
        return Ok(Some(invalid(format!(
            "The samples are {are} seconds long; at most {may} are taken"
        ))));
    }
    Ok(None)
}

/// Opens a recording for the provider, under the file name that `name` gives for its format; or
/// returns why it cannot be used.
pub(super) async fn open(
    app: &App,
    recording: &S3Object,
    name: impl Fn(Format) -> String,
) -> Result<Result<Recording, Unfit>, StepError> {
    let (bytes, begin) = match begin_of(app, recording).await? {
        Ok(begin) => begin,
        Err(unfit) => return Ok(Err(unfit)),
    };
    let Some(format) = Format::of(&begin) else {
        return Ok(Err(invalid(format!(
            "{recording} is no MP3, WAV or FLAC file"
        ))));
    };
    let body = match get(app, recording, None).await? {
        Ok((_, body)) => body,
        Err(unfit) => return Ok(Err(unfit)),
    };
    Ok(Ok(Recording {
        file_name: name(format),
        content_type: format.content_type(),
        bytes,
        reader: Box::new(body.into_async_read()),
    }))
}

/// The size of a recording and its first bytes.
async fn begin_of(
    app: &App,
    recording: &S3Object,
) -> Result<Result<(u64, Vec<u8>), Unfit>, StepError> {
    let (bytes, body) = match get(app, recording, Some(format!("bytes=0-{}", BEGIN - 1))).await? {
        Ok(got) => got,
        Err(unfit) => return Ok(Err(unfit)),
    };
    let begin = body
        .collect()
        .await
        .map_err(|error| StepError::Recording(error.into()))?;
    Ok(Ok((bytes, begin.to_vec())))
}

/// Gets an object, or a range of it, from a bucket that may be read; also returns the object's
/// whole size.
async fn get(
    app: &App,
    recording: &S3Object,
    range: Option<String>,
) -> Result<Result<(u64, ByteStream), Unfit>, StepError> {
    if !app
        .config
        .voice_buckets
        .iter()
        .any(|bucket| bucket == recording.bucket())
    {
        return Ok(Err(invalid(format!(
            "The studio may not read the bucket of {recording}"
        ))));
    }
    let get = app
        .s3
        .get_object()
        .bucket(recording.bucket())
        .key(recording.key())
        .set_range(range)
        .send()
        .await;
    let object = match get {
        Ok(object) => object,
        Err(error) if is_missing(&error) => {
            return Ok(Err(invalid(format!("There is nothing at {recording}"))));
        }
        Err(error) => return Err(StepError::Recording(error.into())),
    };
    // For a range, S3's header is like `bytes 0-9/1234`.
    let whole = object
        .content_range()
        .and_then(|range| range.rsplit('/').next()?.parse().ok());
    let bytes = whole
        .or_else(|| u64::try_from(object.content_length()?).ok())
        .unwrap_or(0);
    Ok(Ok((bytes, object.body)))
}

/// Whether the object does not exist. Without the right to list the bucket, S3 answers 403 for a
/// missing object; for a range of an empty object it answers 416.
fn is_missing(error: &SdkError<GetObjectError>) -> bool {
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    error
        .as_service_error()
        .is_some_and(GetObjectError::is_no_such_key)
        || matches!(status, Some(403 | 404 | 416))
}

fn invalid(sentence: String) -> Unfit {
    Unfit {
        class: FailureClass::InvalidInput,
        sentence,
    }
}
