//! An entity: what the topics say of it, and the templates the studio keeps for it.

use std::collections::BTreeMap;

use events::{AssetKind, Configuration, Entity, Identifier, TemplateAsset, Topic};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{EntityKey, JobId, Stamp, TemplateId, cause::hex};

/// Everything the studio knows of one entity. It is kept as one item with its templates in it, so that a decision rests on one
/// consistent snapshot and is guarded by one condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityState {
    /// How often it was written; 0 before the first time. A write holds only if nobody else's came in between.
    pub version: u64,
    /// Whose it is.
    pub tenant: Identifier,
    /// What it is.
    pub entity: Entity,
    /// The latest configuration from each topic that speaks of it.
    pub said: BTreeMap<Topic, Said>,
    /// The templates, one for each kind of asset.
    pub templates: BTreeMap<AssetKind, TemplateState>,
}

/// What one topic last said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Where it stands in the order of what this topic said; only a higher one replaces it.
    pub stamp: Stamp,
    /// What it said.
    pub configuration: Configuration,
}

/// A template, without what it has in common with the others of its entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateState {
    /// Its id.
    pub id: TemplateId,
    /// 1 when it came to be, one more with each change told.
    pub revision: u64,
    /// What its pixels depend on.
    pub pixels: Pixels,
    /// The job that renders, or rendered, those pixels.
    pub job: JobId,
    /// Its newest rendered asset.
    pub asset: Option<TemplateAsset>,
}

impl EntityState {
    /// An entity of which nothing is known yet.
    #[must_use]
    pub fn new(tenant: Identifier, entity: Entity) -> Self {
        Self { version: 0, tenant, entity, said: BTreeMap::new(), templates: BTreeMap::new() }
    }

    /// The key it is kept under.
    #[must_use]
    pub fn key(&self) -> EntityKey {
        EntityKey::new(&self.tenant, &self.entity)
    }

    /// The configuration that holds: each topic's over that of the topics before it, field by field. `None` before anything
    /// was said.
    #[must_use]
    pub fn configuration(&self) -> Option<Configuration> {
        self.said.values().map(|said| &said.configuration).cloned().reduce(|below, above| Configuration {
            title: above.title,
            description: above.description.or(below.description),
            starts_at: above.starts_at.or(below.starts_at),
            ends_at: above.ends_at.or(below.ends_at),
            time_zone: above.time_zone.or(below.time_zone),
            locale: above.locale.or(below.locale),
            venue: above.venue.or(below.venue),
            organizer: above.organizer.or(below.organizer),
            brand: above.brand.or(below.brand),
        })
    }
}

/// A digest of everything that a template's pixels depend on: two equal ones need one render.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pixels(String);

impl Pixels {
    /// The digest for `asset` showing `configuration`: every design shows every fact it has room for.
    #[must_use]
    pub fn of(asset: AssetKind, configuration: &Configuration) -> Self {
        let mut hash = Sha256::new();
        hash.update(asset.as_str());
        hash.update(
            serde_json::to_vec(configuration).expect("a configuration is strings and numbers under string keys"),
        );
        Self(hex(&hash.finalize()))
    }
}
