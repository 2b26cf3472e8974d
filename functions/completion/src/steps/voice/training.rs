//! The training of a voice: a file of its tenant's, in a bucket of recordings. It has names and the
//! owner's consent. Step Functions keeps the input of an execution for 90 days, so the input has
//! ids alone.

use aws_sdk_s3::primitives::ByteStream;
use contract::{FailureClass, Identifier, VoiceTraining};
use domain::VoiceModelId;

use super::samples::{self, OpenError, Unfit, invalid};
use crate::{App, step::StepError};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 256 * 1024;

/// The text of the file of `tenant`'s training `id`, from the first bucket that has it.
pub(super) async fn read(
    app: &App,
    tenant: &Identifier,
    id: VoiceModelId,
) -> Result<String, OpenError> {
    let prefix = &app.drawer.config.tenant_files.prefix;
    let places = id.training_places(&app.config.voice_buckets, prefix, tenant);
    let mut forbidden = None;
    for place in &places {
        match samples::get(app, tenant, place, None).await {
            Ok((bytes, body)) => return text(bytes, body).await,
            // Another bucket may have it.
            Err(OpenError::Unfit(_)) => {}
            // Without the right to list a bucket, S3 says the same of a missing object.
            Err(OpenError::Failed(error @ StepError::RecordingForbidden(_))) => {
                forbidden = forbidden.or(Some(error));
            }
            Err(error) => return Err(error),
        }
    }
    match (forbidden, places.first()) {
        (Some(error), _) => Err(error.into()),
        (None, Some(place)) => {
            let sentence = format!("There is no training at {place}");
            Err(OpenError::Unfit(invalid(sentence)))
        }
        (None, None) => Err(OpenError::Unfit(Unfit {
            class: FailureClass::NotConfigured,
            sentence: "No bucket is set up here that a training can be read from".to_owned(),
        })),
    }
}

async fn text(bytes: u64, body: ByteStream) -> Result<String, OpenError> {
    if bytes > LARGEST {
        let sentence = format!("The training has {bytes} bytes; at most {LARGEST} are read");
        return Err(OpenError::Unfit(invalid(sentence)));
    }
    let read = body
        .collect()
        .await
        .map_err(|error| StepError::Recording(error.into()))?;
    String::from_utf8(read.to_vec())
        .map_err(|_| OpenError::Unfit(invalid("The training is no text in UTF-8".to_owned())))
}

/// The training in a file of `tenant`'s.
pub(super) fn parse(text: &str, tenant: &Identifier) -> Result<VoiceTraining, Unfit> {
    let training = VoiceTraining::parse(text).map_err(|error| invalid(error.to_string()))?;
    if training.tenant_id != *tenant {
        let sentence = "The training names another tenant than its execution does";
        return Err(invalid(sentence.to_owned()));
    }
    Ok(training)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_training_is_taken_only_for_the_tenant_that_it_names() {
        let example = include_str!("../../../../../events/voice-training/example.json");
        let parsed = |tenant: &str| parse(example, &Identifier::parse(tenant).unwrap());
        assert!(parsed("tenant-monsoon-arts").is_ok());
        let refused = parsed("tenant-other").unwrap_err();
        assert_eq!(refused.class, FailureClass::InvalidInput);
        assert!(refused.sentence.contains("another tenant"));
    }
}
