//! The data of `eventzr.campaign.launched.v1`.

use serde::{Deserialize, Serialize};

use crate::{
    AssetKind, Brand, Identifier, Locale, Moment, Text, TimeZoneName, Venue, VoiceModelId, version,
};

/// A campaign began. The spec gives no schema for it. This one is an assumption, with as few
/// required fields as possible; unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CampaignLaunched {
    /// The tenant that owns the campaign; the same as the record's key and the envelope's
    /// `subject`.
    pub tenant_id: Identifier,
    /// The user who launched it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Identifier>,
    /// The campaign's id, unique within the tenant.
    pub campaign_id: Identifier,
    /// The campaign's change count, if its service counts changes. Inbound events about it are
    /// ordered by `version` first, then by `time`.
    #[serde(
        default,
        deserialize_with = "version::read",
        skip_serializing_if = "Option::is_none"
    )]
    pub version: Option<u64>,
    /// Its headline.
    pub headline: Text<300>,
    /// Its description, a few sentences long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<2000>>,
    /// Its offer, in a few words: `20% off until Sunday`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Text<60>>,
    /// The call to action: `Book now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_to_action: Option<Text<40>>,
    /// The start of the advertised event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Moment>,
    /// The end of the advertised event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Moment>,
    /// The venue's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZoneName>,
    /// Its language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// The venue of the advertised event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<Venue>,
    /// The advertiser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertiser: Option<Text<200>>,
    /// The channels it runs on. `video` adds a video, `audio` adds an audio spot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// The cloned voice that speaks its spot; one of the tenant's own that is ready. Absent: a voice
    /// that the studio's operators set up for its language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice_model_id: Option<VoiceModelId>,
    /// The tenant's brand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
    /// The kinds to make; absent means all that its channels call for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assets: Option<Vec<AssetKind>>,
}

/// A channel that a campaign runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// Banners on third-party sites.
    Display,
    /// Posts.
    Social,
    /// Mail.
    Email,
    /// Video.
    Video,
    /// Radio, podcasts, music services.
    Audio,
    /// A channel that the studio does not know. It adds no assets.
    #[serde(other)]
    Other,
}
