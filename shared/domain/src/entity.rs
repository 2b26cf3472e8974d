//! An entity: the facts from each topic, and its templates.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use contract::{
    AssetKind, Configuration, Entity, Identifier, Locale, TemplateAsset, Time, Topic, Translation,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{EntityKey, JobId, OtherEvent, Stamp, TemplateId, TemplateKey, inbound_event::hex};

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
    /// The highest revision of a template that was dropped. A new template begins above it, because
    /// it may be a dropped one that comes back.
    #[serde(default)]
    pub dropped_revision: u64,
    /// When it was last erased. Events up to this time are ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Time>,
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
    /// The last event of this topic that came after this one and is older. Its facts were not taken
    /// in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_older: Option<OtherEvent>,
}

/// A template, without the values that all templates of its entity share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateState {
    /// Its id.
    pub id: TemplateId,
    /// 1 when created, or more if it may have been dropped before; each published change adds 1.
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
            dropped_revision: 0,
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

    /// Drops the templates in languages that it is not in any more.
    pub(crate) fn drop_vanished(&mut self) {
        let locales: BTreeSet<Locale> = self.locales().cloned().collect();
        let (current, vanished): (BTreeMap<_, _>, BTreeMap<_, _>) = mem::take(&mut self.templates)
            .into_iter()
            .partition(|(key, _)| match &key.locale {
                Some(locale) => locales.contains(locale),
                None => true,
            });
        self.templates = current;
        let highest = vanished.values().map(|template| template.revision).max();
        self.dropped_revision = self.dropped_revision.max(highest.unwrap_or(0));
    }

    /// The key that it is stored under.
    #[must_use]
    pub fn key(&self) -> EntityKey {
        EntityKey::new(&self.tenant, &self.entity)
    }

    /// The snapshots, by the rank of their topics: the last one wins.
    fn by_rank(&self) -> Vec<&TopicSnapshot> {
        let mut snapshots: Vec<_> = self.snapshots.iter().collect();
        snapshots.sort_by_key(|(topic, _)| rank(**topic));
        snapshots
            .into_iter()
            .map(|(_, snapshot)| snapshot)
            .collect()
    }

    /// The current configuration: each topic's fields override those of the topics of a lower rank,
    /// one by one. `None` without a snapshot.
    #[must_use]
    pub fn configuration(&self) -> Option<Configuration> {
        self.by_rank()
            .into_iter()
            .map(|snapshot| snapshot.configuration.clone())
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
                voice_model_id: above.voice_model_id.or(below.voice_model_id),
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
            .by_rank()
            .into_iter()
            .rev()
            .find_map(|snapshot| snapshot.translations.get(locale))?;
        Some(own.translated(locale.clone(), translation.clone()))
    }
}

/// Whose facts win, if several topics describe one entity: those of the topic with the higher rank.
/// No two consumed topics share one, so that their order in the code decides nothing.
fn rank(topic: Topic) -> u8 {
    match topic {
        Topic::EventCreated => 1,
        Topic::EventPublished => 2,
        Topic::CmsPublished => 3,
        Topic::CampaignLaunched => 4,
        // They describe no entity.
        Topic::RenderJobCreated
        | Topic::RenderJobCompleted
        | Topic::RenderJobFailed
        | Topic::TemplateCreated
        | Topic::TemplateUpdated
        | Topic::VoiceModelCreated
        | Topic::VoiceModelReady => 0,
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
    fn each_consumed_topic_has_a_rank_of_its_own() {
        let ranks: BTreeSet<u8> = Topic::consumed().map(rank).collect();
        assert_eq!(ranks.len(), Topic::consumed().count());
    }

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
