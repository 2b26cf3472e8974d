//! The data of `eventzr.studio.render-job.created|completed|failed.v1`.

use serde::{Deserialize, Serialize};

use crate::{AssetKind, Topic};

/// What kind of media a job makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaType {
    /// A still image.
    Image,
    /// A video.
    Video,
    /// Speech, sound or music.
    Audio,
}

/// A file format of an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Portable Network Graphics.
    Png,
    /// MPEG-4 with H.264.
    Mp4,
    /// MPEG audio layer III.
    Mp3,
}

impl Format {
    /// The format as the contract writes it, and as file names end.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Mp4 => "mp4",
            Self::Mp3 => "mp3",
        }
    }
}

/// A render job was submitted: what is asked for, and what asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderJobCreated {
    /// Whose job it is.
    pub tenant_id: String,
    /// Who triggered it; `studio-svc` where the trigger names nobody.
    pub user_id: String,
    /// The job's id.
    pub job_id: String,
    /// The kind of media.
    #[serde(rename = "type")]
    pub media_type: MediaType,
    /// Who is to make it.
    pub provider: String,
    /// The template it renders.
    pub template_id: String,
    /// What the template is.
    pub asset: AssetKind,
    /// The language of the translation that it shows, as a BCP 47 tag; absent where it shows the
    /// original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Pixels; absent for audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels; absent for audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// The format of the file.
    pub format: Format,
    /// The event that asked for it.
    pub trigger: Trigger,
    /// The job that an operator had made again by this one; absent where an event asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resubmit_of: Option<String>,
}

/// The inbound event that a job answers, by its CloudEvents attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Its type.
    #[serde(rename = "type")]
    pub topic: Topic,
    /// Its source.
    pub source: String,
    /// Its id.
    pub id: String,
}

/// A render job finished: the fields of the spec's example, and how long the media lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderJobCompleted {
    /// Whose job it is.
    pub tenant_id: String,
    /// Who triggered it.
    pub user_id: String,
    /// The job's id.
    pub job_id: String,
    /// The kind of media.
    #[serde(rename = "type")]
    pub media_type: MediaType,
    /// Who made it.
    pub provider: String,
    /// Where the file is: a stable URL, not signed.
    pub output_url: String,
    /// Milliseconds from the submission to the stored file.
    pub duration_ms: u64,
    /// Credits that making it used.
    pub credits_used: u64,
    /// How long the media lasts, in milliseconds: of a video or an audio, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_ms: Option<u64>,
}

/// A render job failed for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderJobFailed {
    /// Whose job it is.
    pub tenant_id: String,
    /// Who triggered it.
    pub user_id: String,
    /// The job's id.
    pub job_id: String,
    /// The kind of media.
    #[serde(rename = "type")]
    pub media_type: MediaType,
    /// Who was to make it.
    pub provider: String,
    /// The template it was to render.
    pub template_id: String,
    /// What the template is.
    pub asset: AssetKind,
    /// The class of the failure.
    pub failure: FailureClass,
    /// What went wrong and what to do, in a sentence or two for a person.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether submitting it again, unchanged, can help.
    pub can_resubmit: bool,
}

/// Why a render job failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The content cannot be rendered as it is.
    InvalidInput,
    /// A service the studio needs did not answer, often enough to give up.
    Unavailable,
    /// It took longer than a render may.
    Timeout,
    /// Its execution ended without a word, again and again.
    Abandoned,
    /// No provider for this kind of media is configured.
    NotConfigured,
    /// The provider's rules forbid the content.
    Moderation,
    /// The provider was asked and never answered; asking again might pay again.
    OutcomeUnknown,
    /// Somebody who may do so cancelled it.
    Cancelled,
    /// A defect of the studio.
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
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }
}
