//! Cloned voices: what the answer says of one, and the result of each step.

use std::str::FromStr;

use contract::{CloningMethod, Identifier, S3Object, Time};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The request for a page of voices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListVoices {
    /// The tenant; absent for those of all tenants. An index has these only if they are failed, or
    /// not ready yet, so that `state` must say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Identifier>,
    /// Only voices in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<VoiceStatus>,
    /// Only voices with this text in the class or the details of their failure, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Only voices registered at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Only voices registered before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// The position at which the previous page ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The most voices of a page.
    pub most: u32,
}

/// A page of voices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoicesListed {
    /// The voices.
    pub voices: Vec<VoiceSummary>,
    /// The ids of voices that this version of the code cannot read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Uuid>,
    /// The position of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

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
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Registered,
        Self::AwaitingOwner,
        Self::Training,
        Self::Ready,
        Self::Failed,
        Self::Erasing,
        Self::Erased,
    ];

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

/// A text that names no [`VoiceStatus`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a voice is registered, awaiting-owner, training, ready, failed, erasing or erased")]
pub struct UnknownStatus;

impl FromStr for VoiceStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownStatus)
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
    /// The tenant; absent in the answer of a version from before lists of voices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Identifier>,
    /// Why it failed: the class and the details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
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
        for status in VoiceStatus::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert_eq!("done".parse::<VoiceStatus>(), Err(UnknownStatus));
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
            tenant: None,
            failure: None,
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
