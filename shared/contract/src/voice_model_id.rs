//! The id of a cloned voice.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::{Identifier, S3Object, TenantPrefix, text::Parsed};

/// The id of a cloned voice. The caller that starts the training chooses it; it is also the name of
/// the execution. Its one spelling is a UUID in the usual form and in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct VoiceModelId(pub Uuid);

impl VoiceModelId {
    /// Parses a UUID in the usual form and in lower case, so that the id gives exactly that text
    /// again. It is what events carry, and the name of an execution.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(text.parse().ok()?);
        (id.to_string() == text).then_some(id)
    }

    /// Where the file with its training may lie: one place in each of the `buckets` of recordings,
    /// under `tenant`'s prefix. Its key is made of ids alone.
    #[must_use]
    pub fn training_places(
        self,
        buckets: &[String],
        prefix: &TenantPrefix,
        tenant: &Identifier,
    ) -> Vec<S3Object> {
        let key = format!("{}voice-trainings/{self}.json", prefix.of(tenant));
        let place = |bucket: &String| S3Object::parse(&format!("s3://{bucket}/{key}"));
        buckets.iter().filter_map(place).collect()
    }

    /// Whether an execution of this name is one of the voice model's: its id, or `<id>-<n>` from
    /// the first restart on.
    #[must_use]
    pub fn has_execution(self, name: &str) -> bool {
        let is_restart = |rest: &str| {
            let number = rest.strip_prefix('-').unwrap_or_default();
            number
                .parse::<u32>()
                .is_ok_and(|n| n > 0 && n.to_string() == number)
        };
        name.strip_prefix(&self.to_string())
            .is_some_and(|rest| rest.is_empty() || is_restart(rest))
    }
}

impl fmt::Display for VoiceModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for VoiceModelId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Parsed(|text| {
            Self::parse(text).ok_or_else(|| {
                format!(
                    "`{text}` is not the id of a voice model, a UUID in lower case, such as \
                     5f0f6b1a-6f3f-5a55-9a39-0a4a5e0c7d21"
                )
            })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let text = "5f0f6b1a-6f3f-5a55-9a39-0a4a5e0c7d21";
        assert_eq!(VoiceModelId::parse(text).unwrap().to_string(), text);
        for wrong in [
            "",
            "asha",
            "5F0F6B1A-6F3F-5A55-9A39-0A4A5E0C7D21",
            "5f0f6b1a6f3f5a559a390a4a5e0c7d21",
            "{5f0f6b1a-6f3f-5a55-9a39-0a4a5e0c7d21}",
            " 5f0f6b1a-6f3f-5a55-9a39-0a4a5e0c7d21",
        ] {
            assert_eq!(VoiceModelId::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_training_lies_under_its_tenants_prefix_and_its_name_is_the_voices_id() {
        let prefix = TenantPrefix::parse("voices/{tenantId}/").unwrap();
        let tenant = Identifier::parse("a/b").unwrap();
        let voice = VoiceModelId(Uuid::from_u128(7));
        let buckets = ["recordings".to_owned(), "more".to_owned()];
        let places = voice.training_places(&buckets, &prefix, &tenant);
        let key = "voices/a%2Fb/voice-trainings/00000000-0000-0000-0000-000000000007.json";
        let place = |bucket: &str| S3Object::parse(&format!("s3://{bucket}/{key}")).unwrap();
        assert_eq!(places, [place("recordings"), place("more")]);
    }
}
