//! An inbound event → what the studio makes of it.

use std::collections::{BTreeSet, btree_map::Entry};

use events::{AssetKind, Configuration, RenderJobCreated, SOURCE, Time, Topic, Trigger};

use crate::{
    Cause, Decision, Description, EntityState, Job, JobId, Pixels, Said, State, TemplateId, TemplateState,
    decision::{Told, template_data},
};

/// The most assets that one cause may plan.
pub const MOST_ASSETS: usize = 40;

/// Who renders an image when nobody else is configured: the embedded canvas.
pub const STUDIO_CANVAS: &str = "studio-canvas";

/// How long a decision is remembered, in seconds: the longest retention of a consumed topic (7 days) and the 90 days for which
/// Step Functions remembers an execution's name. A cause from before that could be decided, and paid for, twice.
pub const HORIZON_SECONDS: u32 = 97 * 24 * 60 * 60;

/// Why a cause cannot be planned, now or ever.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It happened longer ago than decisions are remembered.
    #[error("`time` is {0}, more than 97 days ago: it may have been handled and forgotten")]
    TooOld(Time),
    /// It would make more than [`MOST_ASSETS`].
    #[error("it plans {0} assets; one event may plan at most {MOST_ASSETS}")]
    TooManyAssets(usize),
}

/// Decides what `cause`, which says `description`, makes of an entity that was `before` (`None`: never seen).
///
/// The configuration of the cause's topic is replaced if the cause stands higher than what the topic said last. A kind of
/// asset asked for and not there yet becomes a template with a job; a template whose pixels change gets a new job and is told
/// again; a cause that changes nothing tells nothing.
///
/// # Errors
/// A [`PlanError`], which no repetition mends.
pub fn plan(
    before: Option<&EntityState>,
    cause: &Cause,
    description: &Description,
    now: Time,
    deadline: Time,
) -> Result<Decision, PlanError> {
    if cause.time.plus_seconds(HORIZON_SECONDS) < now {
        return Err(PlanError::TooOld(cause.time));
    }
    let asked: BTreeSet<AssetKind> = description.assets.iter().copied().collect();
    if asked.len() > MOST_ASSETS {
        return Err(PlanError::TooManyAssets(asked.len()));
    }
    let mut entity =
        before.cloned().unwrap_or_else(|| EntityState::new(description.tenant.clone(), description.entity.clone()));
    let stamp = cause.stamp(description);
    let said = Said { stamp, configuration: description.configuration.clone() };
    match entity.said.entry(cause.topic) {
        Entry::Vacant(vacant) => {
            vacant.insert(said);
        }
        Entry::Occupied(mut occupied) => {
            if occupied.get().stamp < said.stamp {
                occupied.insert(said);
            }
        }
    }

    let configuration = entity.configuration().unwrap_or_else(|| description.configuration.clone());
    let kinds: BTreeSet<AssetKind> = entity.templates.keys().copied().chain(asked).collect();

    let plan = Plan { cause, description, configuration: &configuration, now, deadline };
    let mut decision = Decision { entity: None, jobs: Vec::new(), events: Vec::new(), starts: Vec::new() };
    for kind in kinds {
        let pixels = Pixels::of(kind, &configuration);
        let (topic, job) = match entity.templates.get_mut(&kind) {
            None => {
                let id = TemplateId::new(&description.tenant, &description.entity, kind);
                let job = plan.job(id, kind);
                entity.templates.insert(kind, TemplateState { id, revision: 1, pixels, job: job.id, asset: None });
                (Topic::TemplateCreated, job)
            }
            Some(template) if template.pixels != pixels => {
                let job = plan.job(template.id, kind);
                template.revision += 1;
                template.pixels = pixels;
                template.job = job.id;
                (Topic::TemplateUpdated, job)
            }
            Some(_) => continue,
        };
        let template = &entity.templates[&kind];
        let because = cause.key(&description.tenant);
        let data = template_data(&entity, kind, template, configuration.clone(), plan.user_id());
        decision.events.push(Told::new(topic, &entity.tenant, template.id.0, because.0.as_bytes(), now, data));
        decision.events.push(created(&job, now));
        decision.starts.push(job.id);
        decision.jobs.push(job);
    }
    decision.entity = Some(entity);
    Ok(decision)
}

struct Plan<'a> {
    cause: &'a Cause,
    description: &'a Description,
    configuration: &'a Configuration,
    now: Time,
    deadline: Time,
}

impl Plan<'_> {
    fn user_id(&self) -> &str {
        self.description.user.as_ref().map_or(SOURCE, |user| user.as_str())
    }

    fn job(&self, template: TemplateId, asset: AssetKind) -> Job {
        let tenant = &self.description.tenant;
        let cause = self.cause.key(tenant);
        Job {
            id: JobId::new(tenant, template, cause),
            version: 0,
            tenant: tenant.clone(),
            user_id: self.user_id().to_owned(),
            entity: self.description.entity.clone(),
            template,
            asset,
            configuration: self.configuration.clone(),
            provider: STUDIO_CANVAS.to_owned(),
            cause,
            trigger: Trigger { topic: self.cause.topic, source: self.cause.source.clone(), id: self.cause.id.clone() },
            created_at: self.now,
            deadline: self.deadline,
            restarts: 0,
            attempts: 0,
            state: State::Created,
        }
    }
}

fn created(job: &Job, now: Time) -> Told {
    let (width, height) = job.asset.size();
    let data = RenderJobCreated {
        tenant_id: job.tenant.as_str().to_owned(),
        user_id: job.user_id.clone(),
        job_id: job.id.to_string(),
        media_type: job.media_type(),
        provider: job.provider.clone(),
        template_id: job.template.to_string(),
        asset: job.asset,
        width,
        height,
        format: job.format(),
        trigger: job.trigger.clone(),
    };
    Told::new(Topic::RenderJobCreated, &job.tenant, job.id.0, job.cause.0.as_bytes(), now, data)
}
