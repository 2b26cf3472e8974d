//! Cloned voices: what the answer says of one, and the result of each step.

use contract::{CloningMethod, Identifier, S3Object, Time};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The request to verify that a voice is its owner's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyVoice {
    /// The tenant.
    pub tenant: Identifier,
    /// Its id.
    pub voice: Uuid,
    /// What the owner read aloud. Without it, the step only asks whether the provider is satisfied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<S3Object>,
    /// Whether to do it; otherwise the answer only says what the step would do.
    pub execute: bool,
}

/// The request to erase a voice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EraseVoice {
    /// The tenant.
    pub tenant: Identifier,
    /// Its id.
    pub voice: Uuid,
    /// Whether to do it; otherwise the answer only says what the step would do.
    pub execute: bool,
}

/// The state of a cloned voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VoiceStatus {
    /// Its samples are uploaded to the provider.
    Registered,
    /// Its owner has to verify that the voice is theirs.
    AwaitingOwner,
    /// The provider trains it.
    Training,
    /// It can speak.
    Ready,
    /// It failed for good.
    Failed,
    /// It is being erased.
    Erasing,
    /// It is erased.
    Erased,
}

impl VoiceStatus {
    /// The name of the state.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::AwaitingOwner => "awaiting-owner",
            Self::Training => "training",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Erasing => "erasing",
            Self::Erased => "erased",
        }
    }
}

/// A cloned voice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceSummary {
    /// Its id.
    pub id: Uuid,
    /// Its state.
    pub state: VoiceStatus,
    /// The name that its owner gave it; absent once it is erased, and if its input could not be
    /// read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How it is cloned; absent as the name is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<CloningMethod>,
    /// The provider that clones it.
    pub provider: String,
    /// When it was registered.
    pub created_at: Time,
}

/// A cloned voice with what an operator needs to decide about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceShown {
    /// The voice.
    pub voice: VoiceSummary,
    /// The name of its latest Step Functions execution.
    pub execution: String,
    /// The URL of what its owner is to read aloud: `s3://…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captcha: Option<String>,
    /// Why it failed: the class, and the provider's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// The result of verifying or erasing a voice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceHandled {
    /// The voice after the step.
    pub voice: VoiceSummary,
    /// What the step did.
    pub fate: VoiceFate,
}

/// What a step did to a voice, or would do with `execute`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum VoiceFate {
    /// The step would ask the provider whether the owner is verified, and send it the recording if
    /// there is one.
    WouldBeVerified {
        /// The URL of what the owner is to read aloud: `s3://…`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        captcha: Option<String>,
    },
    /// The owner is verified.
    Verified,
    /// The owner is not verified.
    NotVerified {
        /// What a person can do about it.
        why: String,
    },
    /// The step would erase it.
    WouldBeErased {
        /// How many samples and recordings of its owner it has.
        recordings: usize,
    },
    /// It is erased.
    Erased,
    /// A request to the provider may still be on its way: repeat the step in a few minutes.
    Erasing,
    /// The step left it as it was.
    Stays {
        /// Why it was left.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_has_the_same_name_in_json_and_as_text() {
        for status in [
            VoiceStatus::Registered,
            VoiceStatus::AwaitingOwner,
            VoiceStatus::Training,
            VoiceStatus::Ready,
            VoiceStatus::Failed,
            VoiceStatus::Erasing,
            VoiceStatus::Erased,
        ] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }

    #[test]
    fn the_result_of_a_step_on_a_voice_is_read_back() {
        let voice = VoiceSummary {
            id: Uuid::from_u128(7),
            state: VoiceStatus::AwaitingOwner,
            name: Some("Asha, warm".to_owned()),
            method: Some(CloningMethod::Professional),
            provider: "elevenlabs".to_owned(),
            created_at: Time::new("2026-11-27T09:30:00Z".parse().unwrap()),
        };
        let why = "Record it again.".to_owned();
        for (fate, is) in [
            (
                VoiceFate::WouldBeVerified { captcha: None },
                "would-be-verified",
            ),
            (VoiceFate::Verified, "verified"),
            (VoiceFate::NotVerified { why: why.clone() }, "not-verified"),
            (
                VoiceFate::WouldBeErased { recordings: 3 },
                "would-be-erased",
            ),
            (VoiceFate::Erased, "erased"),
            (VoiceFate::Erasing, "erasing"),
            (VoiceFate::Stays { why }, "stays"),
        ] {
            let handled = VoiceHandled {
                voice: voice.clone(),
                fate,
            };
            let json = serde_json::to_value(&handled).unwrap();
            assert_eq!(json["fate"]["is"], is);
            assert_eq!(json["voice"]["method"], json!("professional"));
            assert_eq!(
                serde_json::from_value::<VoiceHandled>(json).unwrap(),
                handled
            );
        }
    }
}
