//! Recordings in S3: whether they may be read, what they are, how long they are; and the way from
//! there to the provider.

use aws_sdk_s3::{error::SdkError, operation::get_object::GetObjectError, primitives::ByteStream};
use contract::{FailureClass, S3Object};
use providers::{Recording, VoiceLimits};

use super::register::Unfit;
use crate::{
    App,
    audio::{self, Format},
    step::StepError,
};

/// How much of a recording says what it is and how long it is, in bytes: pictures may stand before
/// the sound.
const BEGIN: u64 = 512 * 1024;

/// Why these samples cannot be used, if they cannot.
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

/// A recording on its way, called at the provider as `name` calls one of its format; or why it
/// cannot be used.
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

/// How many bytes a recording has, and how it begins.
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

/// An object in a bucket that may be read, or a part of it, and how many bytes it has in all.
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
    // Of a part, S3 says `bytes 0-9/1234`.
    let whole = object
        .content_range()
        .and_then(|range| range.rsplit('/').next()?.parse().ok());
    let bytes = whole
        .or_else(|| u64::try_from(object.content_length()?).ok())
        .unwrap_or(0);
    Ok(Ok((bytes, object.body)))
}

/// Without the right to list a bucket, S3 says of what is not there that it is forbidden; of a part
/// of nothing, that there is no such part.
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
