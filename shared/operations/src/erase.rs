//! The steps of the function `erase`, and their replies. `operator` invokes `erase` with them, and
//! nothing else does.

use contract::Identifier;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ClosedRemainder, Kept};

/// A step: a payload of the function `erase`. Each can be repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "step",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum EraseStep {
    /// Erase a voice, here and at its provider. Replied to by [`VoiceErasure`].
    EraseVoice {
        /// The voice.
        voice_model_id: Uuid,
        /// The tenant that owns it.
        tenant_id: Identifier,
    },
    /// Erase everything of a tenant. Replied to by [`TenantErasure`].
    EraseTenant {
        /// The tenant.
        tenant_id: Identifier,
    },
}

/// The reply to [`EraseStep::EraseVoice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum VoiceErasure {
    /// The voice is erased.
    VoiceErased,
    /// The voice is no longer worked on, but an invocation from before may still store something of
    /// it, here or at its provider: repeat the step in a few minutes.
    VoiceErasing,
}

/// The reply to [`EraseStep::EraseTenant`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum TenantErasure {
    /// The tenant is erased: a whole pass found nothing.
    Erased {
        /// What the step erased: nothing.
        #[serde(flatten)]
        data: TenantData,
        /// What vendors, buckets and the CDN keep nevertheless, by an operator's decision.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        closed: Vec<ClosedRemainder>,
    },
    /// Something is left or may be left: repeat the step in a few minutes.
    Erasing {
        /// What the step erased.
        #[serde(flatten)]
        data: TenantData,
        /// What vendors, buckets and the CDN did not delete.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        kept: Vec<Kept>,
    },
}

/// Counts of what a tenant has in the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantData {
    /// Render jobs.
    pub jobs: usize,
    /// Cloned voices.
    pub voices: usize,
    /// Entities with their templates.
    pub entities: usize,
    /// Outbox entries. Where they are counted before they are erased, those that jobs lead to are not
    /// among them: they go with their jobs.
    pub outbox_entries: usize,
    /// Dead letters whose key names the tenant.
    pub dead_letters: usize,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn every_step_has_its_name_in_json_and_is_read_back() {
        let tenant_id = Identifier::parse("tenant-monsoon-arts").unwrap();
        let steps = [
            EraseStep::EraseVoice {
                voice_model_id: Uuid::from_u128(7),
                tenant_id: tenant_id.clone(),
            },
            EraseStep::EraseTenant { tenant_id },
        ];
        for (step, name) in steps.into_iter().zip(["erase-voice", "erase-tenant"]) {
            let json = serde_json::to_value(&step).unwrap();
            assert_eq!(json["step"], name);
            assert_eq!(serde_json::from_value::<EraseStep>(json).unwrap(), step);
        }
    }

    #[test]
    fn the_reply_to_erasing_a_voice_has_its_status_and_is_read_back() {
        for (reply, status) in [
            (VoiceErasure::VoiceErased, "voice-erased"),
            (VoiceErasure::VoiceErasing, "voice-erasing"),
        ] {
            let json = json!({ "status": status });
            assert_eq!(serde_json::to_value(reply).unwrap(), json);
            assert_eq!(serde_json::from_value::<VoiceErasure>(json).unwrap(), reply);
        }
    }

    #[test]
    fn the_reply_to_erasing_a_tenant_has_the_counts_beside_its_status() {
        let data = TenantData {
            jobs: 12,
            voices: 1,
            entities: 3,
            outbox_entries: 19,
            dead_letters: 2,
        };
        for (reply, status) in [
            (
                TenantErasure::Erased {
                    data,
                    closed: Vec::new(),
                },
                "erased",
            ),
            (
                TenantErasure::Erasing {
                    data,
                    kept: Vec::new(),
                },
                "erasing",
            ),
        ] {
            let json: Value = json!({
                "status": status, "jobs": 12, "voices": 1, "entities": 3, "outboxEntries": 19,
                "deadLetters": 2,
            });
            assert_eq!(serde_json::to_value(&reply).unwrap(), json);
            assert_eq!(
                serde_json::from_value::<TenantErasure>(json).unwrap(),
                reply
            );
        }
    }
}
