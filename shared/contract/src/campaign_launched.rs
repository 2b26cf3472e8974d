//! The data of `eventzr.campaign.launched.v1`.

use serde::{Deserialize, Serialize};

use crate::{AssetKind, Brand, Identifier, Locale, Moment, Text, TimeZoneName, Venue};

/// A campaign began. The spec gives no schema for it, so this is an assumption, with as few
/// required fields as serve; fields it does not know are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CampaignLaunched {
    /// Whose campaign it is; the record's key and the envelope's `subject` say the same.
    pub tenant_id: Identifier,
    /// Who launched it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Identifier>,
    /// The campaign's id, unique within the tenant.
    pub campaign_id: Identifier,
    /// How often the campaign had changed, where its service counts; orders what is said of it
    /// before `time` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// What it says in one line.
    pub headline: Text<300>,
    /// What it says in a few sentences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<2000>>,
    /// What it offers, in a few words: `20% off until Sunday`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Text<60>>,
    /// What the reader is asked to do: `Book now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_to_action: Option<Text<40>>,
    /// When what it advertises begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Moment>,
    /// When what it advertises ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Moment>,
    /// The clock of the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZoneName>,
    /// Its language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// Where what it advertises is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<Venue>,
    /// Who advertises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertiser: Option<Text<200>>,
    /// Where it runs. `video` and `audio` have a video and a spot made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// The tenant's look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
    /// What to make of it, where that is not everything its channels ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assets: Option<Vec<AssetKind>>,
}

/// Where a campaign runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// Banners on other people's pages.
    Display,
    /// Posts.
    Social,
    /// Mail.
    Email,
    /// Video.
    Video,
    /// Radio, podcasts, music services.
    Audio,
    /// One that the studio does not know, and makes nothing for.
    #[serde(other)]
    Other,
}
