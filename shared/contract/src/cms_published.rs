//! The data of `eventzr.cms.published.v1`.

use serde::{Deserialize, Serialize};

use crate::{AssetKind, Brand, Identifier, Locale, Text, Translation};

/// Content of the CMS was published. The spec gives no schema for it, so this is an assumption,
/// with as few required fields as serve; fields it does not know are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CmsPublished {
    /// Whose content it is; the record's key and the envelope's `subject` say the same.
    pub tenant_id: Identifier,
    /// Who published it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Identifier>,
    /// The content's id, unique within the tenant.
    pub content_id: Identifier,
    /// How often the content had changed, where the CMS counts; orders what is said of it before
    /// `time` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Its title.
    pub title: Text<300>,
    /// A few sentences about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Text<2000>>,
    /// What it is filed under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Text<60>>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Text<200>>,
    /// The language of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// The same in other languages: each gets assets of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub translations: Vec<ContentTranslation>,
    /// The tenant's look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
    /// What to make of it, where that is less than everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assets: Option<Vec<AssetKind>>,
}

/// Content in another language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContentTranslation {
    /// Which language.
    pub locale: Locale,
    /// The title.
    pub title: Text<300>,
    /// A few sentences about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Text<2000>>,
    /// What it is filed under.
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
