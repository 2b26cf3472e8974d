//! The data of `eventzr.event.created.v1`.

use serde::{Deserialize, Serialize};

use crate::{AssetKind, Brand, Identifier, Locale, Moment, Text, TimeZoneName, Venue};

/// A new event. The spec gives no schema for it, so this is an assumption, with as few required
/// fields as serve; fields it does not know are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventCreated {
    /// Whose event it is; the record's key and the envelope's `subject` say the same.
    pub tenant_id: Identifier,
    /// Who created it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Identifier>,
    /// The event's id, unique within the tenant.
    pub event_id: Identifier,
    /// How often the event had changed, where its service counts; orders what is said of it before
    /// `time` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    /// The clock of the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZoneName>,
    /// The language of its pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<Venue>,
    /// Who invites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organizer: Option<Text<200>>,
    /// The tenant's look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
    /// What to make of it, where that is less than everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assets: Option<Vec<AssetKind>>,
}
