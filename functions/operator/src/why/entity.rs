//! An entity: which facts of it are known, by whose event, and what is made of them.

use contract::{Entity, Identifier, Time};
use domain::{EntityKey, EntityState, OtherEvent, Stamp};
use operations::{EntityExplained, EventName, NewestEvent, OlderEvent, TemplateLine};

use super::job;
use crate::{Operator, step::StepError};

/// Explains an entity of the tenant; `None` if it was never seen.
pub(super) async fn explain(
    operator: &Operator,
    tenant: &Identifier,
    entity: Entity,
    now: Time,
) -> Result<Option<EntityExplained>, StepError> {
    let key = EntityKey::new(tenant, &entity);
    let Some(state) = operator.store.entity(key).await? else {
        return Ok(None);
    };
    let jobs = state.templates.values().map(|template| template.job);
    let latest = job::lines(operator, tenant, jobs.collect(), now).await?;
    let templates = std::iter::zip(state.templates.values(), latest);
    let templates = templates.map(|(template, latest)| TemplateLine {
        id: template.id.0,
        revision: template.revision,
        output_url: template
            .asset
            .as_ref()
            .map(|asset| asset.output_url.clone()),
        latest,
    });
    let configuration = state.configuration();
    Ok(Some(EntityExplained {
        entity,
        title: configuration.as_ref().map(|known| known.title.to_string()),
        starts_at: configuration
            .and_then(|known| known.starts_at)
            .map(|starts_at| starts_at.to_string()),
        erased_at: state.erased_at,
        newest: newest(&state),
        templates: templates.collect(),
    }))
}

/// The newest event of each topic, and the last one that came after it and is older.
fn newest(state: &EntityState) -> Vec<NewestEvent> {
    let newest = state.snapshots.iter().map(|(topic, snapshot)| NewestEvent {
        topic: *topic,
        event: of_stamp(&snapshot.stamp),
        last_older: snapshot.last_older.as_ref().map(|older| OlderEvent {
            event: of_other(older),
            at: older.at,
        }),
    });
    newest.collect()
}

fn of_stamp(stamp: &Stamp) -> EventName {
    EventName {
        source: stamp.source().to_owned(),
        id: stamp.id().to_owned(),
        time: stamp.time().to_string(),
        version: stamp.version(),
    }
}

/// An event by its name, its time and its version.
pub(super) fn of_other(event: &OtherEvent) -> EventName {
    EventName {
        source: event.source.clone(),
        id: event.id.clone(),
        time: event.time.to_string(),
        version: event.version,
    }
}
