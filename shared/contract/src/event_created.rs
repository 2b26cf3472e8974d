//! The data of `eventzr.event.created.v1`.

use serde::{Deserialize, Serialize};

use crate::{AssetKind, Brand, Identifier, Locale, Moment, Text, TimeZoneName, Venue, version};

/// An event was created. The spec gives no schema for it. This one is an assumption, with as few
/// required fields as possible; unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventCreated {
    /// The tenant that owns the event; the same as the record's key and the envelope's `subject`.
    pub tenant_id: Identifier,
    /// The user who created it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Identifier>,
    /// The event's id, unique within the tenant.
    pub event_id: Identifier,
    /// The event's change count, if its service counts changes. Inbound events about it are ordered
    /// by `version` first, then by `time`.
    #[serde(
        default,
        deserialize_with = "version::read",
        skip_serializing_if = "Option::is_none"
    )]
    pub version: Option<u64>,
    /// Its name.
    pub title: Text<300>,
    /// A few sentences about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<2000>>,
    /// When it begins.
    pub starts_at: Moment,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Moment>,
    /// The venue's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZoneName>,
    /// The language of its pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// The venue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<Venue>,
    /// The organizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organizer: Option<Text<200>>,
    /// The tenant's brand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
    /// The kinds to make; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assets: Option<Vec<AssetKind>>,
}
