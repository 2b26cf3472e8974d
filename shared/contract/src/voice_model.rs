//! The data of `eventzr.studio.voice-model.created|ready.v1`.

use serde::{Deserialize, Serialize};

/// The training of a cloned voice was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceModelCreated {
    /// Whose voice model it is.
    pub tenant_id: String,
    /// Who asked for it.
    pub user_id: String,
    /// The voice model's id.
    pub voice_model_id: String,
    /// What its owner calls it.
    pub name: String,
    /// Who trains it.
    pub provider: String,
    /// How it is cloned.
    pub method: CloningMethod,
    /// The language that is spoken, as a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

/// A cloned voice is trained, and speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceModelReady {
    /// Whose voice model it is.
    pub tenant_id: String,
    /// Who asked for it.
    pub user_id: String,
    /// The voice model's id.
    pub voice_model_id: String,
    /// What its owner calls it.
    pub name: String,
    /// Who trained it.
    pub provider: String,
    /// How it was cloned.
    pub method: CloningMethod,
    /// The language that is spoken, as a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Milliseconds from the submission to the trained voice, waiting for its owner's verification
    /// included.
    pub duration_ms: u64,
    /// Credits that training it used.
    pub credits_used: u64,
}

/// How a voice is cloned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CloningMethod {
    /// From a short sample, at once.
    Instant,
    /// Trained on longer ones, for hours.
    Professional,
}
