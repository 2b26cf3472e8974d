//! Why: what happened to something of a tenant's, how it stands, and what comes next.
//!
//! Nothing is looked for outside the tenant: each read asks for the tenant, or for a key that is
//! derived from it.

mod dead_letters;
mod entity;
mod event;
#[cfg(test)]
mod example;
mod history;
mod job;
mod situation;

pub(crate) use job::show;

use contract::{Entity, EntityKind, Identifier, Time};
use domain::{JobId, VoiceModelId};
use operations::{About, AskWhy, Explained, Explanation, TenantExplained};
use store::StoreError;
use uuid::Uuid;

use crate::{Operator, step::StepError, voices};

/// The number of a tenant's jobs, and of its dead letters, that its explanation has.
const MOST: usize = 10;

/// What has been found, and where something was looked for in vain.
#[derive(Default)]
struct Found {
    explanations: Vec<Explanation>,
    not_found: Vec<String>,
}

impl Found {
    fn add(&mut self, explanation: Explanation) {
        self.explanations.push(explanation);
    }

    fn lacks(&mut self, sentence: String) {
        self.not_found.push(sentence);
    }
}

/// Explains what `ask` names.
pub(crate) async fn explain(
    operator: &Operator,
    ask: &AskWhy,
    now: Time,
) -> Result<Explained, StepError> {
    let AskWhy {
        tenant,
        about,
        source,
    } = ask;
    let mut found = Found::default();
    match about {
        None => found.add(of_tenant(operator, tenant, now).await?),
        Some(About::Entity(entity)) => {
            of_entity(operator, tenant, entity.clone(), now, &mut found).await?;
        }
        Some(About::Asset(key)) => of_asset(operator, tenant, key, now, &mut found).await?,
        Some(About::Record {
            topic,
            partition,
            offset,
        }) => {
            let place = (topic.as_str(), *partition, *offset);
            dead_letters::at(operator, tenant, place, &mut found).await?;
        }
        Some(About::Id(id)) => {
            of_id(operator, tenant, id, source.as_deref(), now, &mut found).await?;
        }
    }
    Ok(Explained {
        tenant: tenant.clone(),
        found: found.explanations,
        not_found: found.not_found,
    })
}

/// Everything of the tenant that has the id `id`. If nothing has it, it is taken for an event's.
async fn of_id(
    operator: &Operator,
    tenant: &Identifier,
    id: &Identifier,
    source: Option<&str>,
    now: Time,
    found: &mut Found,
) -> Result<(), StepError> {
    match id.as_str().parse::<Uuid>() {
        Ok(id) => of_uuid(operator, tenant, id, now, found).await?,
        Err(_) => found.lacks("no job, voice or dead letter: those have UUIDs".to_owned()),
    }
    for kind in EntityKind::ALL {
        let id = id.clone();
        of_entity(operator, tenant, Entity { kind, id }, now, found).await?;
    }
    let only = found.explanations.is_empty();
    event::explain(operator, tenant, (id, source), only, now, found).await
}

async fn of_uuid(
    operator: &Operator,
    tenant: &Identifier,
    id: Uuid,
    now: Time,
    found: &mut Found,
) -> Result<(), StepError> {
    match there(operator.store.job_seen(tenant, JobId(id)).await)? {
        Some(seen) => {
            let shown = job::shown(operator, &seen, now).await?;
            found.add(Explanation::Job(Box::new(shown)));
        }
        None => found.lacks(format!("no job {id} of this tenant")),
    }
    match voices::show(operator, tenant, VoiceModelId(id)).await {
        Ok(shown) => found.add(Explanation::Voice(Box::new(shown))),
        Err(StepError::Store(StoreError::NotFound(_))) => {
            found.lacks(format!("no voice {id} of this tenant"));
        }
        Err(error) => return Err(error),
    }
    dead_letters::of_id(operator, tenant, id, found).await
}

async fn of_entity(
    operator: &Operator,
    tenant: &Identifier,
    entity: Entity,
    now: Time,
    found: &mut Found,
) -> Result<(), StepError> {
    let name = format!("{} {}", entity.kind.as_str(), entity.id);
    match entity::explain(operator, tenant, entity, now).await? {
        Some(explained) => found.add(Explanation::Entity(Box::new(explained))),
        None => found.lacks(format!("no {name} of this tenant")),
    }
    Ok(())
}

async fn of_asset(
    operator: &Operator,
    tenant: &Identifier,
    key: &str,
    now: Time,
    found: &mut Found,
) -> Result<(), StepError> {
    match job::with_asset(operator, tenant, key).await? {
        (Some(seen), _) => {
            let shown = job::shown(operator, &seen, now).await?;
            found.add(Explanation::Job(Box::new(shown)));
        }
        (None, looked) => found.lacks(format!(
            "no asset {key} among the {looked} newest jobs of this tenant. An address says neither \
             its job nor its tenant: the one that is given may be wrong"
        )),
    }
    Ok(())
}

/// How things stand with a tenant: its newest jobs, and its dead letters.
async fn of_tenant(
    operator: &Operator,
    tenant: &Identifier,
    now: Time,
) -> Result<Explanation, StepError> {
    let most = i32::try_from(MOST).unwrap_or(i32::MAX);
    let page = operator.store.jobs_of(tenant, (None, None), None, most);
    let page = page.await?;
    let ids = page.jobs.iter().map(|job| job.id);
    let lines = job::lines(operator, tenant, ids.collect(), now).await?;
    let (dead_letters, has_more) = dead_letters::first(operator, tenant, MOST).await?;
    Ok(Explanation::Tenant(Box::new(TenantExplained {
        jobs: lines.into_iter().flatten().collect(),
        has_more_jobs: page.next.is_some(),
        dead_letters,
        has_more_dead_letters: has_more,
    })))
}

/// What was read; `None` if it is not there.
fn there<T>(read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
