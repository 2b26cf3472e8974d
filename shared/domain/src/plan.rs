//! Plans what the studio makes of an inbound event.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use contract::{AssetKind, Configuration, Locale, RenderJobCreated, SOURCE, Time, Topic, Trigger};

use crate::{
    Decision, Description, Digest, EntityState, InboundEvent, InboundEventKey, Job, JobId,
    ProviderRouting, State, TemplateId, TemplateKey, TemplateState, TopicSnapshot,
    decision::{OutboundEvent, template_data},
};

/// The most assets that one inbound event may plan.
pub const MOST_ASSETS: usize = 40;

/// The provider of a job whose kind has no configured provider. Such a job fails and says so.
pub const NOBODY: &str = "none";

/// How long a decision is stored, in seconds: the longest retention of a consumed topic (7 days)
/// plus the 90 days for which Step Functions remembers an execution's name. An older inbound event
/// could be decided, and paid for, twice.
pub const HORIZON_SECONDS: u32 = 97 * 24 * 60 * 60;

/// Why an inbound event cannot be planned, now or ever.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It is older than the stored decisions.
    #[error("`time` is {0}, more than 97 days ago: it may have been handled and forgotten")]
    TooOld(Time),
    /// It plans more than [`MOST_ASSETS`] assets.
    #[error("it plans {0} assets; one event may plan at most {MOST_ASSETS}")]
    TooManyAssets(usize),
    /// It is in more than [`MOST_ASSETS`] languages. This is an error even if it asks for no
    /// assets, because a later event may ask for all languages.
    #[error("it is in {0} languages; one event may be in at most {MOST_ASSETS}")]
    TooManyLanguages(usize),
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
/// The event replaces its topic's snapshot if its stamp is higher. Each requested kind without a
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
    let Planning { now, .. } = planning;
    if inbound.time.plus_seconds(HORIZON_SECONDS) < now {
        return Err(PlanError::TooOld(inbound.time));
    }
    // The event happened before the entity was erased, so it is ignored whenever it arrives.
    if before
        .and_then(|entity| entity.erased_at)
        .is_some_and(|erased_at| inbound.time <= erased_at)
    {
        return Ok(Decision::default());
    }
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
    if languages > MOST_ASSETS {
        return Err(PlanError::TooManyLanguages(languages));
    }
    let planned = asked.len() * languages;
    if planned > MOST_ASSETS {
        return Err(PlanError::TooManyAssets(planned));
    }
    let mut entity = before.cloned().unwrap_or_else(|| {
        EntityState::new(description.tenant.clone(), description.entity.clone())
    });
    take_in(&mut entity, inbound, description);

    // Each requested kind is made in every current language; a late event does not change the
    // languages.
    let locales: Vec<_> = std::iter::once(None)
        .chain(entity.locales().cloned().map(Some))
        .collect();
    let asked = asked.iter().flat_map(|&kind| {
        locales
            .iter()
            .cloned()
            .map(move |locale| TemplateKey { kind, locale })
    });
    let keys: BTreeSet<TemplateKey> = entity.templates.keys().cloned().chain(asked).collect();

    let plan = Plan {
        inbound,
        because: inbound.key(&description.tenant),
        description,
        planning,
    };
    // Templates in one language share a configuration, so it is built and digested once per
    // language.
    let mut configurations: BTreeMap<Option<Locale>, Option<(Configuration, Digest)>> =
        BTreeMap::new();
    let mut decision = Decision::default();
    for key in keys {
        let configured = configurations.entry(key.locale.clone()).or_insert_with(|| {
            let configuration = entity.configuration_of(&key)?;
            let digest = Digest::of(&configuration);
            Some((configuration, digest))
        });
        let Some((configuration, digest)) = configured else {
            continue;
        };
        let pixels = Digest::of_pixels(key.kind, configuration);
        let (topic, job) = match entity.templates.get_mut(&key) {
            None => {
                let id = TemplateId::new(&description.tenant, &description.entity, &key);
                let job = plan.job(id, &key, configuration);
                let template = TemplateState {
                    id,
                    revision: 1,
                    configuration: digest.clone(),
                    pixels,
                    job: job.id,
                    asset: None,
                };
                entity.templates.insert(key.clone(), template);
                (Topic::TemplateCreated, Some(job))
            }
            Some(template) if template.configuration != *digest => {
                let job =
                    (template.pixels != pixels).then(|| plan.job(template.id, &key, configuration));
                template.revision += 1;
                template.configuration = digest.clone();
                template.pixels = pixels;
                template.job = job.as_ref().map_or(template.job, |job| job.id);
                (Topic::TemplateUpdated, job)
            }
            Some(_) => continue,
        };
        let template = entity.templates[&key].id;
        let data = template_data(&entity, &key, configuration.clone(), plan.user_id());
        let event = OutboundEvent::new(
            topic,
            &entity.tenant,
            template.0,
            plan.because.0.as_bytes(),
            now,
            data,
        );
        decision.events.push(event.traced(inbound.trace));
        if let Some(job) = job {
            decision.events.push(created(&job, now));
            decision.starts.push(job.id);
            decision.jobs.push(job);
        }
    }
    // The languages may come from another event, so the number of jobs is checked again.
    if decision.jobs.len() > MOST_ASSETS {
        return Err(PlanError::TooManyAssets(decision.jobs.len()));
    }
    decision.entity = Some(entity);
    Ok(decision)
}

/// Replaces the snapshot of the event's topic, unless the stored stamp is equal or higher.
fn take_in(entity: &mut EntityState, inbound: &InboundEvent, description: &Description) {
    let snapshot = TopicSnapshot {
        stamp: inbound.stamp(description),
        configuration: description.configuration.clone(),
        translations: description.translations.clone(),
    };
    match entity.snapshots.entry(inbound.topic) {
        Entry::Vacant(vacant) => {
            vacant.insert(snapshot);
        }
        Entry::Occupied(mut occupied) => {
            if occupied.get().stamp < snapshot.stamp {
                occupied.insert(snapshot);
            }
        }
    }
}

struct Plan<'a> {
    inbound: &'a InboundEvent,
    because: InboundEventKey,
    description: &'a Description,
    planning: Planning<'a>,
}

impl Plan<'_> {
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
            provider: first_provider(self.planning.routing, key.kind),
            inbound,
            trigger: Trigger {
                topic: self.inbound.topic,
                source: self.inbound.source.clone(),
                id: self.inbound.id.clone(),
            },
            resubmit_of: None,
            trace: self.inbound.trace,
            caused_at: Some(self.inbound.time),
            created_at: self.planning.now,
            deadline: self.planning.deadline,
            restarts: 0,
            attempts: Vec::new(),
            state: State::Created,
        }
    }
}

/// The first provider for `kind`.
pub(crate) fn first_provider(routing: &ProviderRouting, kind: AssetKind) -> String {
    routing
        .of(kind)
        .first()
        .map_or(NOBODY, |first| first.as_str())
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
