//! The training of a cloned voice: a file that an execution of the state machine `voice-training`
//! reads. The execution's name is the voice model's id. `events/voice-training/schema.json`
//! describes the same.

use serde::{Deserialize, Serialize};

use crate::{CloningMethod, DataError, Identifier, Locale, Moment, S3Object, Text};

/// A voice to clone, the samples to clone it from, and its owner's consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceTraining {
    /// The tenant that will own the voice model.
    pub tenant_id: Identifier,
    /// The user who requests it.
    pub user_id: Identifier,
    /// The name that its owner gave it.
    pub name: Text<200>,
    /// The spoken language.
    pub locale: Locale,
    /// The cloning method.
    #[serde(default = "professional")]
    pub method: CloningMethod,
    /// Recordings of the voice, in the order of use: 1 to 25, without duplicates.
    #[serde(deserialize_with = "samples")]
    pub samples: Vec<S3Object>,
    /// The consent of the voice's owner.
    pub consent: Consent,
}

/// The consent of the voice's owner. The studio clones no voice without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consent {
    /// The voice's owner.
    pub given_by: Text<200>,
    /// When the owner agreed.
    pub given_at: Moment,
    /// The reference under which the consent's record can be looked up.
    pub record: Identifier,
    /// The statement that the owner agreed to, in their words or as it was shown to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Text<2000>>,
}

/// The maximum number of samples of one voice.
pub const MOST_SAMPLES: usize = 25;

impl VoiceTraining {
    /// Parses the text of a training.
    ///
    /// # Errors
    /// A [`DataError`] with the path of the field and what is wrong with it.
    pub fn parse(input: &str) -> Result<Self, DataError> {
        let mut deserializer = serde_json::Deserializer::from_str(input);
        serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|error| DataError::new("input", error))
    }
}

fn professional() -> CloningMethod {
    CloningMethod::Professional
}

fn samples<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<S3Object>, D::Error> {
    use serde::de::Error as _;
    let samples = Vec::<S3Object>::deserialize(deserializer)?;
    if samples.is_empty() {
        return Err(D::Error::custom("there is no sample of the voice"));
    }
    if samples.len() > MOST_SAMPLES {
        return Err(D::Error::custom(format!(
            "there are {} samples; at most {MOST_SAMPLES} are taken",
            samples.len()
        )));
    }
    match (1..samples.len()).find(|&index| samples[..index].contains(&samples[index])) {
        Some(index) => Err(D::Error::custom(format!(
            "{} is named twice",
            samples[index]
        ))),
        None => Ok(samples),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn input() -> Value {
        serde_json::from_str(include_str!("../../../events/voice-training/example.json")).unwrap()
    }

    #[test]
    fn the_example_is_read_and_written_as_it_is() {
        let training = VoiceTraining::parse(&input().to_string()).unwrap();
        assert_eq!(serde_json::to_value(training).unwrap(), input());
    }

    #[test]
    fn a_refusal_names_the_missing_or_invalid_field() {
        let refused = |path: &[&str], value: Value| {
            let mut input = input();
            let (last, parents) = path.split_last().unwrap();
            let place = parents
                .iter()
                .fold(&mut input, |value, name| &mut value[*name]);
            match value {
                Value::Null => drop(place.as_object_mut().unwrap().remove(*last)),
                value => place[*last] = value,
            }
            VoiceTraining::parse(&input.to_string())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refused(&["consent"], Value::Null),
            "input: missing field `consent`"
        );
        assert_eq!(
            refused(&["consent", "givenAt"], Value::Null),
            "input.consent: missing field `givenAt`"
        );
        assert_eq!(
            refused(&["samples"], Value::Null),
            "input: missing field `samples`"
        );
        assert_eq!(
            refused(&["samples"], json!([])),
            "input.samples: there is no sample of the voice"
        );
        let twice = refused(
            &["samples"],
            json!(["s3://voices/a.mp3", "s3://voices/a.mp3"]),
        );
        assert_eq!(twice, "input.samples: s3://voices/a.mp3 is named twice");
        let many = (0..26)
            .map(|number| json!(format!("s3://voices/{number}.mp3")))
            .collect();
        assert_eq!(
            refused(&["samples"], Value::Array(many)),
            "input.samples: there are 26 samples; at most 25 are taken"
        );
        assert!(
            refused(&["samples"], json!(["https://example.com/a.mp3"]))
                .contains("is not an address in S3")
        );
        assert_eq!(refused(&["name"], json!(" ")), "input.name: it is blank");
    }
}
