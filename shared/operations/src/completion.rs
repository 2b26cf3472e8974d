//! The steps of the function `completion` that serve an operator, and the reply to one. `operator`
//! invokes `completion` with them. The other steps are those of the state machines and of the
//! schedule, and are known to `completion` alone.

use contract::{Identifier, S3Object};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A step: a payload of the function `completion`. Each can be repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "step",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum CompletionStep {
    /// Cancel an open job. The reply does not say whether it was; the job does.
    Cancel {
        /// The job.
        job_id: Uuid,
    },
    /// Verify that a voice is its owner's. Replied to by [`VoiceVerification`].
    VerifyVoice {
        /// The voice.
        voice_model_id: Uuid,
        /// The tenant that owns it.
        tenant_id: Identifier,
        /// What the owner read aloud. Without it, the step only asks whether the provider is
        /// satisfied.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recording: Option<S3Object>,
    },
}

impl CompletionStep {
    /// The values of `step` that belong to these steps.
    pub const NAMES: [&str; 2] = ["cancel", "verify-voice"];
}

/// The reply to [`CompletionStep::VerifyVoice`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum VoiceVerification {
    /// The owner is verified.
    Verified,
    /// The owner is not verified.
    NotVerified {
        /// What a person can do about it.
        reason: String,
    },
    /// The voice failed before.
    VoiceFailed {
        /// Why, for a person.
        reason: String,
    },
    /// The voice is erased, or is being erased.
    Closed,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tenant() -> Identifier {
        Identifier::parse("tenant-monsoon-arts").unwrap()
    }

    #[test]
    fn every_step_has_its_name_in_json_and_is_read_back() {
        let id = Uuid::from_u128(7);
        let steps = [
            CompletionStep::Cancel { job_id: id },
            CompletionStep::VerifyVoice {
                voice_model_id: id,
                tenant_id: tenant(),
                recording: S3Object::parse("s3://voices/asha.mp3"),
            },
        ];
        for (step, name) in steps.into_iter().zip(CompletionStep::NAMES) {
            let json = serde_json::to_value(&step).unwrap();
            assert_eq!(json["step"], name);
            assert_eq!(
                serde_json::from_value::<CompletionStep>(json).unwrap(),
                step
            );
        }
    }

    #[test]
    fn a_step_has_the_fields_that_completion_documents() {
        let step = CompletionStep::VerifyVoice {
            voice_model_id: Uuid::from_u128(7),
            tenant_id: tenant(),
            recording: None,
        };
        assert_eq!(
            serde_json::to_value(step).unwrap(),
            json!({
                "step": "verify-voice",
                "voiceModelId": "00000000-0000-0000-0000-000000000007",
                "tenantId": "tenant-monsoon-arts",
            })
        );
    }

    #[test]
    fn every_reply_has_its_status_and_is_read_back() {
        let reason = "Record it again.".to_owned();
        for (reply, status) in [
            (VoiceVerification::Verified, "verified"),
            (
                VoiceVerification::NotVerified {
                    reason: reason.clone(),
                },
                "not-verified",
            ),
            (VoiceVerification::VoiceFailed { reason }, "voice-failed"),
            (VoiceVerification::Closed, "closed"),
        ] {
            let json = serde_json::to_value(&reply).unwrap();
            assert_eq!(json["status"], status);
            assert_eq!(
                serde_json::from_value::<VoiceVerification>(json).unwrap(),
                reply
            );
        }
    }
}
