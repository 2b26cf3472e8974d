//! The topics. A topic has the same name as the CloudEvents type of its events.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use strum::{EnumCount, VariantArray};

/// A topic of the contract: consumed or produced.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    EnumCount,
    VariantArray,
)]
pub enum Topic {
    /// A new event exists; consumed.
    #[serde(rename = "eventzr.event.created.v1")]
    EventCreated,
    /// An event was published; consumed.
    #[serde(rename = "eventzr.event.published.v1")]
    EventPublished,
    /// Content of the CMS was published; consumed.
    #[serde(rename = "eventzr.cms.published.v1")]
    CmsPublished,
    /// A campaign began; consumed.
    #[serde(rename = "eventzr.campaign.launched.v1")]
    CampaignLaunched,
    /// A render job was submitted; produced.
    #[serde(rename = "eventzr.studio.render-job.created.v1")]
    RenderJobCreated,
    /// A render job finished; produced.
    #[serde(rename = "eventzr.studio.render-job.completed.v1")]
    RenderJobCompleted,
    /// A render job failed after all retries; produced.
    #[serde(rename = "eventzr.studio.render-job.failed.v1")]
    RenderJobFailed,
    /// A template was created; produced.
    #[serde(rename = "eventzr.studio.template.created.v1")]
    TemplateCreated,
    /// A template has a new configuration or asset; produced.
    #[serde(rename = "eventzr.studio.template.updated.v1")]
    TemplateUpdated,
    /// The training of a cloned voice was submitted; produced.
    #[serde(rename = "eventzr.studio.voice-model.created.v1")]
    VoiceModelCreated,
    /// A cloned voice is ready for use; produced.
    #[serde(rename = "eventzr.studio.voice-model.ready.v1")]
    VoiceModelReady,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// The topics that the studio consumes; it produces the others.
    pub fn consumed() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|topic| topic.is_consumed())
    }

    /// The name of the topic, and of the type of its events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EventCreated => "eventzr.event.created.v1",
            Self::EventPublished => "eventzr.event.published.v1",
            Self::CmsPublished => "eventzr.cms.published.v1",
            Self::CampaignLaunched => "eventzr.campaign.launched.v1",
            Self::RenderJobCreated => "eventzr.studio.render-job.created.v1",
            Self::RenderJobCompleted => "eventzr.studio.render-job.completed.v1",
            Self::RenderJobFailed => "eventzr.studio.render-job.failed.v1",
            Self::TemplateCreated => "eventzr.studio.template.created.v1",
            Self::TemplateUpdated => "eventzr.studio.template.updated.v1",
            Self::VoiceModelCreated => "eventzr.studio.voice-model.created.v1",
            Self::VoiceModelReady => "eventzr.studio.voice-model.ready.v1",
        }
    }

    /// The function that consumes the topic, which has its folder's name; `None` for a topic that
    /// the studio produces.
    #[must_use]
    pub fn consumer(self) -> Option<&'static str> {
        match self {
            Self::EventCreated => Some("event-created"),
            Self::EventPublished => Some("event-published"),
            Self::CmsPublished => Some("cms-published"),
            Self::CampaignLaunched => Some("campaign-launched"),
            Self::RenderJobCreated
            | Self::RenderJobCompleted
            | Self::RenderJobFailed
            | Self::TemplateCreated
            | Self::TemplateUpdated
            | Self::VoiceModelCreated
            | Self::VoiceModelReady => None,
        }
    }

    /// Whether the studio consumes the topic; it produces the others.
    #[must_use]
    pub fn is_consumed(self) -> bool {
        self.consumer().is_some()
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is not a topic of the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a topic of the studio's contract")]
pub struct UnknownTopic(String);

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(name: &str) -> Result<Self, UnknownTopic> {
        Self::ALL
            .into_iter()
            .find(|topic| topic.as_str() == name)
            .ok_or_else(|| UnknownTopic(name.to_owned()))
    }
}
