//! The data of `eventzr.cms.published.v1`.

use serde::{Deserialize, Serialize};

use crate::{AssetKind, Brand, Identifier, Locale, Text, Translation, version};

/// An item of CMS content was published. The spec gives no schema for it. This one is an
/// assumption, with as few required fields as possible; unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CmsPublished {
    /// The tenant that owns the content; the same as the record's key and the envelope's `subject`.
    pub tenant_id: Identifier,
    /// The user who published it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Identifier>,
    /// The content's id, unique within the tenant.
    pub content_id: Identifier,
    /// The content's change count, if the CMS counts changes. Inbound events about it are ordered
    /// by `version` first, then by `time`.
    #[serde(
        default,
        deserialize_with = "version::read",
        skip_serializing_if = "Option::is_none"
    )]
    pub version: Option<u64>,
    /// Its title.
    pub title: Text<300>,
    /// A few sentences about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Text<2000>>,
    /// Its category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Text<60>>,
    /// Its author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Text<200>>,
    /// The language of the fields above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// Its translations; each gets its own assets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub translations: Vec<ContentTranslation>,
    /// The tenant's brand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
    /// The kinds to make; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assets: Option<Vec<AssetKind>>,
}

/// A translation of the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContentTranslation {
    /// The translation's language.
    pub locale: Locale,
    /// The title.
    pub title: Text<300>,
    /// A few sentences about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Text<2000>>,
    /// Its category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Text<60>>,
}

impl From<ContentTranslation> for Translation {
    fn from(content: ContentTranslation) -> Self {
        Self {
            title: content.title,
            description: content.summary,
            label: content.category,
            call_to_action: None,
        }
    }
}
