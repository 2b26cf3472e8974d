//! An entity: what the topics say of it, and the templates the studio keeps for it.

use std::{collections::BTreeMap, fmt};

use contract::{
    AssetKind, Configuration, Entity, Identifier, Locale, TemplateAsset, Time, Topic, Translation,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use crate::{EntityKey, JobId, Stamp, TemplateId, inbound_event::hex};

/// Everything the studio knows of one entity. It is kept as one item with its templates in it, so
/// that a decision rests on one consistent snapshot and is guarded by one condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityState {
    /// How often it was written; 0 before the first time. A write holds only if nobody else's came
    /// in between.
    pub version: u64,
    /// Whose it is.
    pub tenant: Identifier,
    /// What it is.
    pub entity: Entity,
    /// The latest configuration from each topic that speaks of it.
    pub snapshots: BTreeMap<Topic, TopicSnapshot>,
    /// The templates, one for each kind of asset and language.
    pub templates: BTreeMap<TemplateKey, TemplateState>,
    /// When it was last erased: what happened before is not taken in any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Time>,
}

/// Which of its entity's templates one is: a kind of asset, in the entity's own language (`None`)
/// or in one that it is translated into. Written `poster` or `blog-image/hi-IN`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TemplateKey {
    /// What it makes.
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

/// What one topic last said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicSnapshot {
    /// Where it stands in the order of what this topic said; only a higher one replaces it.
    pub stamp: Stamp,
    /// What it said.
    pub configuration: Configuration,
    /// The same in other languages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub translations: BTreeMap<Locale, Translation>,
}

/// A template, without what it has in common with the others of its entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateState {
    /// Its id.
    pub id: TemplateId,
    /// 1 when it came to be, one more with each change published.
    pub revision: u64,
    /// What it carries.
    pub configuration: Digest,
    /// What its pixels depend on.
    pub pixels: Digest,
    /// The job that renders, or rendered, those pixels.
    pub job: JobId,
    /// Its newest rendered asset.
    pub asset: Option<TemplateAsset>,
}

impl EntityState {
    /// An entity of which nothing is known yet.
    #[must_use]
    pub fn new(tenant: Identifier, entity: Entity) -> Self {
        Self {
            version: 0,
            tenant,
            entity,
            snapshots: BTreeMap::new(),
            templates: BTreeMap::new(),
            erased_at: None,
        }
    }

    /// What is left once it is erased: that it was, and of its templates the ids and revisions, so
    /// that the next revision is higher still.
    #[must_use]
    pub fn erased(mut self, now: Time) -> Self {
        self.snapshots.clear();
        for template in self.templates.values_mut() {
            template.configuration = Digest(String::new());
            template.pixels = Digest(String::new());
            template.asset = None;
        }
        self.erased_at = Some(now);
        self
    }

    /// The key it is kept under.
    #[must_use]
    pub fn key(&self) -> EntityKey {
        EntityKey::new(&self.tenant, &self.entity)
    }

    /// The configuration that holds: each topic's over that of the topics before it, field by
    /// field. `None` before anything was said.
    #[must_use]
    pub fn configuration(&self) -> Option<Configuration> {
        self.snapshots
            .values()
            .map(|snapshot| &snapshot.configuration)
            .cloned()
            .reduce(|below, above| Configuration {
                title: above.title,
                description: above.description.or(below.description),
                starts_at: above.starts_at.or(below.starts_at),
                ends_at: above.ends_at.or(below.ends_at),
                time_zone: above.time_zone.or(below.time_zone),
                locale: above.locale.or(below.locale),
                venue: above.venue.or(below.venue),
                organizer: above.organizer.or(below.organizer),
                label: above.label.or(below.label),
                call_to_action: above.call_to_action.or(below.call_to_action),
                brand: above.brand.or(below.brand),
            })
    }

    /// The languages that hold, beside the entity's own.
    pub fn locales(&self) -> impl Iterator<Item = &Locale> {
        self.snapshots
            .values()
            .flat_map(|snapshot| snapshot.translations.keys())
    }

    /// The configuration of one template. `None` before anything was said, and in a language into
    /// which nothing is translated any more.
    #[must_use]
    pub fn configuration_of(&self, template: &TemplateKey) -> Option<Configuration> {
        let own = self.configuration()?;
        let Some(locale) = &template.locale else {
            return Some(own);
        };
        let translation = self
            .snapshots
            .values()
            .rev()
            .find_map(|snapshot| snapshot.translations.get(locale))?;
        Some(own.translated(locale.clone(), translation.clone()))
    }
}

/// A digest of a configuration: two equal ones stand for equal ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of everything in `configuration`.
    #[must_use]
    pub fn of(configuration: &Configuration) -> Self {
        // Room for what most have: from nothing it would be moved four times.
        let mut json = Vec::with_capacity(1024);
        serde_json::to_writer(&mut json, configuration)
            .expect("a configuration is strings and numbers under string keys");
        Self(hex(&Sha256::digest(json)))
    }

    /// The digest of what `asset` shows of `configuration`: two equal ones need one render.
    #[must_use]
    pub fn of_pixels(asset: AssetKind, configuration: &Configuration) -> Self {
        Self::of(&configuration.shown_by(asset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_templates_key_is_written_as_its_kind_and_its_language_and_read_back() {
        for kind in AssetKind::ALL {
            for locale in [None, Locale::parse("zh-Hant-TW")] {
                let key = TemplateKey { kind, locale };
                let json = serde_json::to_string(&key).unwrap();
                assert_eq!(json, format!("\"{key}\""));
                assert_eq!(serde_json::from_str::<TemplateKey>(&json).unwrap(), key);
            }
        }
        for wrong in ["\"\"", "\"presentation\"", "\"poster/\"", "\"poster/x\""] {
            assert!(
                serde_json::from_str::<TemplateKey>(wrong).is_err(),
                "{wrong}"
            );
        }
    }
}
