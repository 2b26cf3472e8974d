//! The data of `eventzr.studio.render-job.created|completed|failed.v1`.

use serde::{Deserialize, Serialize};

use crate::{AssetKind, FileFormat, MediaType, Shows, Topic, VoiceModelId};

/// A render job was submitted: the asset to render and the event that triggered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderJobCreated {
    /// The tenant that owns the job.
    pub tenant_id: String,
    /// The user who triggered it; `studio-svc` if the trigger names no user.
    pub user_id: String,
    /// The job's id.
    pub job_id: String,
    /// The media type.
    #[serde(rename = "type")]
    pub media_type: MediaType,
    /// The provider it is assigned to.
    pub provider: String,
    /// The template to render.
    pub template_id: String,
    /// The template's kind of asset.
    pub asset: AssetKind,
    /// The language of the translation to show, as a BCP 47 tag; absent for the original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// In pixels; absent for audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// In pixels; absent for audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// The format of the file.
    pub format: FileFormat,
    /// The cloned voice that is to speak it; absent where none was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice_model_id: Option<VoiceModelId>,
    /// The event that triggered it.
    pub trigger: Trigger,
    /// The job that an operator resubmitted as this one; absent if an event triggered the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resubmit_of: Option<String>,
}

/// The inbound event that triggered a job, by its CloudEvents attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The event's type.
    #[serde(rename = "type")]
    pub topic: Topic,
    /// The event's source.
    pub source: String,
    /// The event's id.
    pub id: String,
}

/// A render job completed: the fields of the spec's example, the length of the media, and what is
/// not as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderJobCompleted {
    /// The tenant that owns the job.
    pub tenant_id: String,
    /// The user who triggered it; `studio-svc` if the trigger names no user.
    pub user_id: String,
    /// The job's id.
    pub job_id: String,
    /// The media type.
    #[serde(rename = "type")]
    pub media_type: MediaType,
    /// The provider that made the asset.
    pub provider: String,
    /// The file's stable, unsigned URL.
    pub output_url: String,
    /// Milliseconds from the submission to the stored file.
    pub duration_ms: u64,
    /// The credits that the job used.
    pub credits_used: u64,
    /// The length of a video or audio file in milliseconds, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_ms: Option<u64>,
    /// The cloned voice that speaks it; absent where none was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice_model_id: Option<VoiceModelId>,
    /// What it shows of its job; empty for video and audio.
    #[serde(flatten)]
    pub shows: Shows,
}

/// A render job failed for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderJobFailed {
    /// The tenant that owns the job.
    pub tenant_id: String,
    /// The user who triggered it; `studio-svc` if the trigger names no user.
    pub user_id: String,
    /// The job's id.
    pub job_id: String,
    /// The media type.
    #[serde(rename = "type")]
    pub media_type: MediaType,
    /// The provider it was assigned to.
    pub provider: String,
    /// The template to render.
    pub template_id: String,
    /// The template's kind of asset.
    pub asset: AssetKind,
    /// The class of the failure.
    pub failure: FailureClass,
    /// The problem and its remedy, in one or two sentences for a person.
    pub reason: String,
    /// The number of attempts.
    pub attempts: u32,
    /// Whether resubmitting it unchanged can help.
    pub can_resubmit: bool,
}

/// Why a render job failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The content cannot be rendered as it is.
    InvalidInput,
    /// A service that the studio needs stayed unavailable through all retries.
    Unavailable,
    /// The render exceeded its time limit.
    Timeout,
    /// What worked on it ended repeatedly without a result, or it was not begun for a day.
    Abandoned,
    /// No provider is configured for this media type.
    NotConfigured,
    /// The provider's rules forbid the content.
    Moderation,
    /// The request was sent and never answered; another request might be charged again.
    OutcomeUnknown,
    /// Its tenant has as many open jobs as it may.
    TooManyOpen,
    /// An operator cancelled it, or the erasure of its tenant did.
    Cancelled,
    /// A bug in the studio.
    Internal,
}

impl FailureClass {
    /// The class as the contract writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid-input",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Abandoned => "abandoned",
            Self::NotConfigured => "not-configured",
            Self::Moderation => "moderation",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::TooManyOpen => "too-many-open",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }
}
