//! Plans what the studio makes of an inbound event.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
};

use contract::{
    AssetKind, Configuration, EventTime, Locale, RenderJobCreated, SOURCE, Time, Topic, Trigger,
};

use serde::Serialize;

use crate::{
    Attempts, Decision, Description, Digest, EntityState, InboundEvent, InboundEventKey, Job,
    JobId, Notes, ProviderId, ProviderRouting, State, TemplateId, TemplateKey, TemplateState, Turn,
    decision::{OutboundEvent, template_data},
    older::take_in,
};

/// The most assets of one entity, and so the most that one inbound event may ask for and the most
/// jobs of one decision. A decision is one transaction: the outbox entry, the entity, the check of
/// the tenant's tombstone and the jobs are at most the 100 items that DynamoDB takes.
pub const MOST_ASSETS: usize = 97;

/// The most languages of one inbound event. Every kind that is made for a topic with translations,
/// in so many languages, is at most [`MOST_ASSETS`]. So whatever events an entity was taken from,
/// and whatever they asked for, the next one may render all of it again.
pub const MOST_LANGUAGES: usize = 32;

/// The most bytes that the events of one decision may have: its outbox entry is one item of at most
/// 400 KB.
pub const MOST_BYTES: usize = 390_000;

/// The most bytes of the two events of a new render, and of their places in the outbox entry,
/// without the configuration and without what the inbound event names.
const BYTES_OF_EVENTS: usize = 2_000;

/// The most bytes of a title in JSON, with its quotes: 300 characters of four bytes.
const BYTES_OF_TITLE: usize = 1_202;

/// The provider of a job whose kind has no configured provider. Such a job fails and says so.
pub const NO_PROVIDER: &str = "none";

/// How long a decision is stored, in seconds: the longest retention of a consumed topic (7 days)
/// plus the 90 days for which Step Functions remembers an execution's name. An older inbound event
/// could be decided, and paid for, twice.
pub const HORIZON_SECONDS: u32 = 97 * 24 * 60 * 60;

/// How far ahead of our clock another's may be, in seconds.
pub const CLOCKS_DIFFER_SECONDS: u32 = 5 * 60;

/// Why an inbound event cannot be planned, now or ever.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It is older than the stored decisions.
    #[error("`time` is {0}, more than 97 days ago: it may have been handled and forgotten")]
    TooOld(EventTime),
    /// It happens later than the clocks may differ. The facts of such an event would hold over
    /// those of every event until then.
    #[error("`time` is {0}, more than 5 minutes ahead of the studio's clock")]
    TooFarAhead(EventTime),
    /// With it, its entity would have more than [`MOST_ASSETS`] assets.
    #[error(
        "it comes to {0} assets; one event or content or campaign may have at most {MOST_ASSETS}"
    )]
    TooManyAssets(usize),
    /// It is in more than [`MOST_LANGUAGES`] languages. This is an error even if it asks for no
    /// assets, because a later event may ask for all languages.
    #[error("it is in {0} languages; one event may be in at most {MOST_LANGUAGES}")]
    TooManyLanguages(usize),
    /// Rendered in every kind and language, it would exceed [`MOST_BYTES`]. This is an error even
    /// if it asks for less, because a later event may ask for all.
    #[error(
        "its texts come to {0} bytes in all kinds of assets and languages; at most {MOST_BYTES} fit"
    )]
    TooMuchText(usize),
    /// It asks for a kind of asset that is not made for its topic.
    #[error("`{}` is not made for {topic}; what is: {}", asset.as_str(), names(AssetKind::made_for(*topic)))]
    NotMadeFor {
        /// The kind it asks for.
        asset: AssetKind,
        /// Its topic.
        topic: Topic,
    },
}

fn names(kinds: &[AssetKind]) -> String {
    kinds
        .iter()
        .map(|kind| kind.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The other inputs of a plan.
#[derive(Debug, Clone, Copy)]
pub struct Planning<'a> {
    /// The current time.
    pub now: Time,
    /// When the sweep restarts or fails jobs that are still open.
    pub deadline: Time,
    /// The provider routing.
    pub routing: &'a ProviderRouting,
}

/// Decides what follows from `inbound` and its `description` for an entity in the state `before`
/// (`None`: not known yet).
///
/// The event replaces its topic's snapshot if its stamp is higher. If it is lower, the decision names
/// the newer event. Each requested kind without a
/// template gets a template with a job. A template whose pixels change gets a new job and is
/// published again. A template whose configuration changes without a change of pixels is only
/// published again. An event that changes nothing publishes nothing.
///
/// # Errors
/// A [`PlanError`]; a retry cannot fix it.
pub fn plan(
    before: Option<&EntityState>,
    inbound: &InboundEvent,
    description: &Description,
    planning: Planning<'_>,
) -> Result<Decision, PlanError> {
    let time = inbound.time.in_milliseconds();
    if time.plus_seconds(HORIZON_SECONDS) < planning.now {
        return Err(PlanError::TooOld(inbound.time));
    }
    if planning.now.plus_seconds(CLOCKS_DIFFER_SECONDS) < time {
        return Err(PlanError::TooFarAhead(inbound.time));
    }
    // The event happened before the entity was erased, so it is ignored whenever it arrives.
    if before
        .and_then(|entity| entity.erased_at)
        .is_some_and(|erased_at| time <= erased_at)
    {
        return Ok(Decision::default());
    }
    let asked = asked_kinds(inbound, description)?;
    let mut entity = before.cloned().unwrap_or_else(|| {
        EntityState::new(description.tenant.clone(), description.entity.clone())
    });
    let older_than = take_in(&mut entity, inbound, description, planning.now);
    let keys = template_keys(&mut entity, &asked)?;
    let mut plan = Plan {
        inbound,
        because: inbound.key(&description.tenant),
        description,
        planning,
        entity,
        decision: Decision {
            older_than,
            ..Decision::default()
        },
    };
    // Templates in one language share a configuration, so it is built and digested once per
    // language.
    let mut configurations: BTreeMap<Option<Locale>, Option<(Configuration, Digest)>> =
        BTreeMap::new();
    for key in keys {
        let configured = configurations.entry(key.locale.clone()).or_insert_with(|| {
            let configuration = plan.entity.configuration_of(&key)?;
            let digest = Digest::of(&configuration);
            Some((configuration, digest))
        });
        if let Some((configuration, digest)) = configured {
            plan.template(&key, configuration, digest);
        }
    }
    Ok(plan.decision())
}

/// The kinds that the event requests, without repetition. The limits do not depend on what is known
/// of the entity, so they do not depend on the order of arrival either, and refuse no correction of
/// what was taken once.
fn asked_kinds(
    inbound: &InboundEvent,
    description: &Description,
) -> Result<BTreeSet<AssetKind>, PlanError> {
    let made = AssetKind::made_for(inbound.topic);
    if let Some(&asset) = description
        .assets
        .iter()
        .find(|asset| !made.contains(asset))
    {
        return Err(PlanError::NotMadeFor {
            asset,
            topic: inbound.topic,
        });
    }
    let asked: BTreeSet<AssetKind> = description.assets.iter().copied().collect();
    let languages = 1 + description.translations.len();
    if languages > MOST_LANGUAGES {
        return Err(PlanError::TooManyLanguages(languages));
    }
    let planned = asked.len() * languages;
    if planned > MOST_ASSETS {
        return Err(PlanError::TooManyAssets(planned));
    }
    let bytes = bytes_at_most(inbound, description, made.len());
    if bytes > MOST_BYTES {
        return Err(PlanError::TooMuchText(bytes));
    }
    Ok(asked)
}

/// The most bytes of the events that render `kinds` in each language of `description`, whatever its
/// title is. 0 without translations: one language at its limits is far from [`MOST_BYTES`].
fn bytes_at_most(inbound: &InboundEvent, description: &Description, kinds: usize) -> usize {
    if description.translations.is_empty() {
        return 0;
    }
    let user = description
        .user
        .as_ref()
        .map_or(SOURCE, |user| user.as_str());
    let names = 6 * length(description.tenant.as_str())
        + 2 * length(user)
        + length(description.entity.id.as_str())
        + length(&inbound.source)
        + length(&inbound.id);
    let own = &description.configuration;
    let translated = description
        .translations
        .iter()
        .map(|(locale, translation)| own.translated(locale.clone(), translation.clone()));
    let texts: usize = iter::once(own.clone())
        .chain(translated)
        .map(|configuration| {
            let title = length(&configuration.title);
            length(&configuration) - title + BYTES_OF_TITLE + BYTES_OF_EVENTS + names
        })
        .sum();
    kinds * texts
}

/// The length of `value` as JSON.
fn length<T: Serialize + ?Sized>(value: &T) -> usize {
    serde_json::to_string(value)
        .expect("it is strings and numbers under string keys")
        .len()
}

/// The templates to look at: those that exist, and each requested kind in every current language. A
/// late event does not change the languages.
///
/// An entity never has more than [`MOST_ASSETS`] templates. Those in languages that vanished are
/// kept as long as there is room, so that a language that comes back is not paid for again. An
/// event that adds none is never refused.
fn template_keys(
    entity: &mut EntityState,
    asked: &BTreeSet<AssetKind>,
) -> Result<BTreeSet<TemplateKey>, PlanError> {
    let locales: BTreeSet<_> = iter::once(None)
        .chain(entity.locales().cloned().map(Some))
        .collect();
    let mut keys: BTreeSet<TemplateKey> = asked
        .iter()
        .flat_map(|&kind| {
            locales
                .iter()
                .cloned()
                .map(move |locale| TemplateKey { kind, locale })
        })
        .collect();
    let is_new = |key: &&TemplateKey| !entity.templates.contains_key(*key);
    let new = keys.iter().filter(is_new).count();
    if new > 0 && entity.templates.len() + new > MOST_ASSETS {
        entity.drop_vanished();
        let all = entity.templates.len() + new;
        if all > MOST_ASSETS {
            return Err(PlanError::TooManyAssets(all));
        }
    }
    keys.extend(entity.templates.keys().cloned());
    Ok(keys)
}

/// A decision in the making.
struct Plan<'a> {
    inbound: &'a InboundEvent,
    because: InboundEventKey,
    description: &'a Description,
    planning: Planning<'a>,
    entity: EntityState,
    decision: Decision,
}

impl Plan<'_> {
    /// Creates or updates the template `key`, or leaves it if its configuration is the same.
    fn template(&mut self, key: &TemplateKey, configuration: &Configuration, digest: &Digest) {
        let pixels = Digest::of_pixels(key.kind, configuration);
        let (topic, job) = match self.entity.templates.get(key) {
            None => {
                let id = TemplateId::new(&self.description.tenant, &self.description.entity, key);
                let job = self.job(id, key, configuration);
                let template = TemplateState {
                    id,
                    revision: self.entity.dropped_revision + 1,
                    configuration: digest.clone(),
                    pixels,
                    job: job.id,
                    asset: None,
                };
                self.entity.templates.insert(key.clone(), template);
                (Topic::TemplateCreated, Some(job))
            }
            Some(template) if template.configuration != *digest => {
                let job =
                    (template.pixels != pixels).then(|| self.job(template.id, key, configuration));
                let template = TemplateState {
                    revision: template.revision + 1,
                    configuration: digest.clone(),
                    pixels,
                    job: job.as_ref().map_or(template.job, |job| job.id),
                    ..template.clone()
                };
                self.entity.templates.insert(key.clone(), template);
                (Topic::TemplateUpdated, job)
            }
            Some(_) => return,
        };
        self.publish_template(topic, key, configuration);
        if let Some(job) = job {
            let created = created(&job, self.planning.now);
            self.decision.events.push(created);
            self.decision.starts.push(job.id);
            self.decision.jobs.push(job);
        }
    }

    fn publish_template(&mut self, topic: Topic, key: &TemplateKey, configuration: &Configuration) {
        let data = template_data(&self.entity, key, configuration.clone(), self.user_id());
        let event = OutboundEvent::new(
            topic,
            &self.entity.tenant,
            self.entity.templates[key].id.0,
            self.because.0.as_bytes(),
            self.planning.now,
            data,
        );
        self.decision.events.push(event.traced(self.inbound.trace));
    }

    fn decision(self) -> Decision {
        Decision {
            entity: Some(self.entity),
            ..self.decision
        }
    }

    fn user_id(&self) -> &str {
        self.description
            .user
            .as_ref()
            .map_or(SOURCE, |user| user.as_str())
    }

    fn job(&self, template: TemplateId, key: &TemplateKey, configuration: &Configuration) -> Job {
        let (tenant, inbound) = (&self.description.tenant, self.because);
        Job {
            id: JobId::new(tenant, template, inbound),
            version: 0,
            tenant: tenant.clone(),
            user_id: self.user_id().to_owned(),
            entity: self.description.entity.clone(),
            template,
            asset: key.kind,
            locale: key.locale.clone(),
            configuration: configuration.clone(),
            provider: first_provider(self.planning.routing, key.kind, configuration),
            inbound,
            trigger: Trigger {
                topic: self.inbound.topic,
                source: self.inbound.source.clone(),
                id: self.inbound.id.clone(),
            },
            resubmit_of: None,
            trace: self.inbound.trace,
            caused_at: Some(self.inbound.time.in_milliseconds()),
            created_at: self.planning.now,
            deadline: self.planning.deadline,
            restarts: 0,
            turn: Turn::default(),
            notes: Notes::default(),
            attempts: Attempts::default(),
            state: State::Created,
        }
    }
}

/// The first provider for a `kind` that shows `configuration`.
pub(crate) fn first_provider(
    routing: &ProviderRouting,
    kind: AssetKind,
    configuration: &Configuration,
) -> String {
    routing
        .to_ask(kind, configuration.voice_of(kind))
        .next()
        .map_or(NO_PROVIDER, ProviderId::as_str)
        .to_owned()
}

pub(crate) fn created(job: &Job, now: Time) -> OutboundEvent {
    let (width, height) = job.asset.size().unzip();
    let data = RenderJobCreated {
        tenant_id: job.tenant.as_str().to_owned(),
        user_id: job.user_id.clone(),
        job_id: job.id.to_string(),
        media_type: job.asset.media_type(),
        provider: job.provider.clone(),
        template_id: job.template.to_string(),
        asset: job.asset,
        width,
        height,
        locale: job.locale.as_ref().map(|locale| locale.as_str().to_owned()),
        format: job.asset.format(),
        voice_model_id: job.voice(),
        trigger: job.trigger.clone(),
        resubmit_of: job.resubmit_of.map(|old| old.to_string()),
    };
    OutboundEvent::new(
        Topic::RenderJobCreated,
        &job.tenant,
        job.id.0,
        job.inbound.0.as_bytes(),
        now,
        data,
    )
    .traced(job.trace)
}

#[cfg(test)]
mod tests;
