//! Recordings in S3: checks whose they are, their format and their length, and opens them for the
//! provider.

use aws_sdk_s3::{error::SdkError, operation::get_object::GetObjectError, primitives::ByteStream};
use contract::{FailureClass, Identifier, S3Object};
use drawing::is_forbidden;
use providers::{Recording, VoiceLimits};

use crate::{
    App,
    audio::{self, Format},
    step::StepError,
};

/// Why a voice is not cloned.
#[derive(Debug)]
pub(super) struct Unfit {
    pub class: FailureClass,
    /// The reason, for a person.
    pub sentence: String,
}

/// Why a recording is not opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// It cannot be used.
    #[error("{}", .0.sentence)]
    Unfit(Unfit),
    /// It could not be read.
    #[error(transparent)]
    Failed(#[from] StepError),
}

/// How many bytes of a recording are read to find its format and length; pictures may come before
/// the sound.
const BEGIN: u64 = 512 * 1024;

/// Why `tenant` cannot use these samples; `None` if it can.
pub(super) async fn unfit(
    app: &App,
    tenant: &Identifier,
    samples: &[S3Object],
    limits: VoiceLimits,
) -> Result<Option<Unfit>, StepError> {
    let mut milliseconds = 0;
    for (number, sample) in (1..).zip(samples) {
        let (bytes, begin) = match begin_of(app, tenant, sample).await {
            Ok(begin) => begin,
            Err(OpenError::Unfit(unfit)) => return Ok(Some(unfit)),
            Err(OpenError::Failed(error)) => return Err(of_sample(error, number)),
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

/// Opens a recording of `tenant` for the provider, under the file name that `name` gives for its
/// format.
pub(super) async fn open(
    app: &App,
    tenant: &Identifier,
    recording: &S3Object,
    name: impl Fn(Format) -> String,
) -> Result<Recording, OpenError> {
    let (bytes, begin) = begin_of(app, tenant, recording).await?;
    let Some(format) = Format::of(&begin) else {
        let sentence = format!("{recording} is no MP3, WAV or FLAC file");
        return Err(OpenError::Unfit(invalid(sentence)));
    };
    let (_, body) = get(app, tenant, recording, None).await?;
    Ok(Recording {
        file_name: name(format),
        content_type: format.content_type(),
        bytes,
        reader: Box::new(body.into_async_read()),
    })
}

/// The size of a recording and its first bytes.
async fn begin_of(
    app: &App,
    tenant: &Identifier,
    recording: &S3Object,
) -> Result<(u64, Vec<u8>), OpenError> {
    let range = format!("bytes=0-{}", BEGIN - 1);
    let (bytes, body) = get(app, tenant, recording, Some(range)).await?;
    let begin = body
        .collect()
        .await
        .map_err(|error| StepError::Recording(error.into()))?;
    Ok((bytes, begin.to_vec()))
}

/// The error of sample number `number`, for Step Functions: what it keeps of the error names no
/// address, because an address may have a name in it.
pub(super) fn of_sample(error: StepError, number: usize) -> StepError {
    match error {
        StepError::RecordingForbidden(_) => StepError::SampleForbidden(number),
        error => error,
    }
}

/// Gets an object of `tenant`'s, or a range of it; also returns the object's whole size.
pub(super) async fn get(
    app: &App,
    tenant: &Identifier,
    recording: &S3Object,
    range: Option<String>,
) -> Result<(u64, ByteStream), OpenError> {
    let get = app
        .drawer
        .own_file(&app.config.voice_buckets, tenant, recording)
        .map_err(|refusal| OpenError::Unfit(invalid(refusal.to_string())))?;
    let object = match get.set_range(range).send().await {
        Ok(object) => object,
        Err(error) if is_missing(&error) => {
            let sentence = format!("There is nothing at {recording}");
            return Err(OpenError::Unfit(invalid(sentence)));
        }
        Err(error) if is_forbidden(&error) => {
            return Err(StepError::RecordingForbidden(recording.clone()).into());
        }
        Err(error) => return Err(StepError::Recording(error.into()).into()),
    };
    // For a range, S3's header is like `bytes 0-9/1234`.
    let whole = object
        .content_range()
        .and_then(|range| range.rsplit('/').next()?.parse().ok());
    let bytes = whole
        .or_else(|| u64::try_from(object.content_length()?).ok())
        .unwrap_or(0);
    Ok((bytes, object.body))
}

/// Whether the object does not exist. For a range of an empty object S3 answers 416.
fn is_missing(error: &SdkError<GetObjectError>) -> bool {
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    error
        .as_service_error()
        .is_some_and(GetObjectError::is_no_such_key)
        || matches!(status, Some(404 | 416))
}

/// What the tenant can change.
pub(super) fn invalid(sentence: String) -> Unfit {
    Unfit {
        class: FailureClass::InvalidInput,
        sentence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_functions_is_told_the_number_of_a_sample_and_not_its_address() {
        let object = S3Object::parse("s3://voices/tenant-gone/asha-rao.mp3").unwrap();
        let error = of_sample(StepError::RecordingForbidden(object), 2);
        assert_eq!(
            error.to_string(),
            "There is nothing where sample 2 is to be, or the studio may not read it"
        );
        assert_eq!(error.error_type(), "Studio.Forbidden");
    }
}
