//! The data of `eventzr.studio.voice-model.created|ready.v1`.

use serde::{Deserialize, Serialize};

/// The training of a cloned voice was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceModelCreated {
    /// The tenant that owns the voice model.
    pub tenant_id: String,
    /// The user who requested it.
    pub user_id: String,
    /// The voice model's id.
    pub voice_model_id: String,
    /// The name that its owner gave it.
    pub name: String,
    /// The provider that trains it.
    pub provider: String,
    /// The cloning method.
    pub method: CloningMethod,
    /// The spoken language, as a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

/// The training of a cloned voice has finished; the voice can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceModelReady {
    /// The tenant that owns the voice model.
    pub tenant_id: String,
    /// The user who requested it.
    pub user_id: String,
    /// The voice model's id.
    pub voice_model_id: String,
    /// The name that its owner gave it.
    pub name: String,
    /// The provider that trained it.
    pub provider: String,
    /// The cloning method.
    pub method: CloningMethod,
    /// The spoken language, as a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Milliseconds from the submission to the trained voice, including the wait for the owner's
    /// verification.
    pub duration_ms: u64,
    /// The credits that the training used.
    pub credits_used: u64,
}

/// How a voice is cloned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CloningMethod {
    /// From a short sample, immediately.
    Instant,
    /// Trained on longer samples, for hours.
    Professional,
}
