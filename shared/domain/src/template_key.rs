//! The key of a template.

use std::fmt;

use contract::{AssetKind, Locale};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The key of a template within its entity: a kind of asset, in the entity's own language (`None`)
/// or in one that it is translated into. Written `poster` or `blog-image/hi-IN`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TemplateKey {
    /// The kind of asset.
    pub kind: AssetKind,
    /// The language of a translation.
    pub locale: Option<Locale>,
}

impl fmt::Display for TemplateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        self.locale
            .as_ref()
            .map_or(Ok(()), |locale| write!(f, "/{}", locale.as_str()))
    }
}

impl Serialize for TemplateKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TemplateKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (kind, locale) = match text.split_once('/') {
            Some((kind, locale)) => (kind, Some(locale)),
            None => (text.as_str(), None),
        };
        let unknown = || de::Error::custom(format!("`{text}` is not a template of an entity"));
        let kind = AssetKind::ALL
            .into_iter()
            .find(|one| one.as_str() == kind)
            .ok_or_else(unknown)?;
        let locale = locale
            .map(|tag| Locale::parse(tag).ok_or_else(unknown))
            .transpose()?;
        Ok(Self { kind, locale })
    }
}
