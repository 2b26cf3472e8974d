//! An entity: the facts from each topic, and its templates.

use std::{collections::BTreeMap, fmt};

use contract::{
    AssetKind, Configuration, Entity, Identifier, Locale, TemplateAsset, Time, Topic, Translation,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use crate::{EntityKey, JobId, Stamp, TemplateId, inbound_event::hex};

/// Everything that the studio knows of one entity. The entity and its templates are one item in the
/// table, so that a decision reads one consistent state and one condition guards its write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityState {
    /// The number of writes so far; 0 before the first. A write succeeds only if no other write
    /// came in between.
    pub version: u64,
    /// The tenant that owns it.
    pub tenant: Identifier,
    /// Its kind and id.
    pub entity: Entity,
    /// The latest snapshot from each topic that describes it.
    pub snapshots: BTreeMap<Topic, TopicSnapshot>,
    /// The templates, one for each kind of asset and language.
    pub templates: BTreeMap<TemplateKey, TemplateState>,
    /// When it was last erased. Events up to this time are ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Time>,
}

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

/// The latest state of an entity according to one topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicSnapshot {
    /// Its position in the order of this topic's events; only a higher stamp replaces the snapshot.
    pub stamp: Stamp,
    /// The configuration.
    pub configuration: Configuration,
    /// Its translations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub translations: BTreeMap<Locale, Translation>,
}

/// A template, without the values that all templates of its entity share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateState {
    /// Its id.
    pub id: TemplateId,
    /// 1 when created; each published change adds 1.
    pub revision: u64,
    /// The digest of its configuration.
    pub configuration: Digest,
    /// The digest of the facts that its pixels depend on.
    pub pixels: Digest,
    /// The latest job: it renders, or rendered, those pixels.
    pub job: JobId,
    /// Its newest rendered asset.
    pub asset: Option<TemplateAsset>,
}

impl EntityState {
    /// An entity without any facts.
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

    /// The entity without its facts, erased at `now`. Its templates keep their ids and revisions,
    /// so that the next revision is higher.
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

    /// The key that it is stored under.
    #[must_use]
    pub fn key(&self) -> EntityKey {
        EntityKey::new(&self.tenant, &self.entity)
    }

    /// The current configuration: each topic's fields override those of the topics before it, one
    /// by one. `None` without a snapshot.
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

    /// The current languages, apart from the entity's own.
    pub fn locales(&self) -> impl Iterator<Item = &Locale> {
        self.snapshots
            .values()
            .flat_map(|snapshot| snapshot.translations.keys())
    }

    /// The configuration of one template. `None` without a snapshot, and for a language without a
    /// current translation.
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

/// A digest of a configuration; equal digests mean equal configurations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of the whole `configuration`.
    #[must_use]
    pub fn of(configuration: &Configuration) -> Self {
        // 1 KiB is enough for most; growing from nothing would move the buffer four times.
        let mut json = Vec::with_capacity(1024);
        serde_json::to_writer(&mut json, configuration)
            .expect("a configuration is strings and numbers under string keys");
        Self(hex(&Sha256::digest(json)))
    }

    /// The digest of the part of `configuration` that `asset` shows; equal digests need only one
    /// render.
    #[must_use]
    pub fn of_pixels(asset: AssetKind, configuration: &Configuration) -> Self {
        Self::of(&configuration.shown_by(asset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_key_round_trips_through_kind_and_language() {
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
