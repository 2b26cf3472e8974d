//! An event that the tenant sent: what was decided of it, by its outbox entry, and its dead letters.

use std::collections::BTreeSet;

use contract::{Identifier, Time, Topic};
use domain::InboundEventKey;
use operations::{
    DeadLetterSummary, EventExplained, EventOutcome, Explanation, JobLine, JobState,
    PublishedEvent, Told,
};
use serde_json::Value;
use store::{EntrySeen, Key};

use super::{Found, dead_letters, entity::of_other, job, situation::told};
use crate::{Operator, step::StepError};

/// Among how many of the tenant's newest jobs, and of its entities, the sources of its events are
/// looked for.
const JOBS: i32 = 100;
const ENTITIES: i32 = 25;

/// Explains the events of this id. If there is none, and the id is that of nothing else (`only`), the
/// explanation says so: an event may not have come.
pub(super) async fn explain(
    operator: &Operator,
    tenant: &Identifier,
    (id, source): (&Identifier, Option<&str>),
    only: bool,
    now: Time,
    found: &mut Found,
) -> Result<(), StepError> {
    let sources = match source {
        Some(source) => BTreeSet::from([source.to_owned()]),
        None => sources_of(operator, tenant).await?,
    };
    let dead_letters = dead_letters::of_event(operator, tenant, id.as_str()).await?;
    let mut is_known = false;
    for source in &sources {
        let key = Key::inbound(InboundEventKey::new(tenant, source, id.as_str()));
        let Some(seen) = operator.store.entry_seen(key).await? else {
            continue;
        };
        is_known = true;
        let jobs = job::lines(operator, tenant, seen.entry.starts.clone(), now).await?;
        let jobs: Vec<JobLine> = jobs.into_iter().flatten().collect();
        let outcome = outcome(&seen, &jobs);
        found.add(Explanation::Event(Box::new(EventExplained {
            now: outcome.now(Some(seen.decided_at)),
            next: outcome.next(),
            id: id.as_str().to_owned(),
            source: Some(source.clone()),
            decided_at: Some(seen.decided_at),
            outcome,
            published: published(&seen),
            jobs,
            dead_letters: dead_letters.clone(),
        })));
    }
    if is_known {
        return Ok(());
    }
    let named: Vec<&str> = sources.iter().map(String::as_str).collect();
    found.lacks(match &named[..] {
        [] => {
            "no event: the tenant's events have no source that is known here; give one".to_owned()
        }
        named => format!("no event {id} of the sources {}", named.join(", ")),
    });
    if only || !dead_letters.is_empty() {
        found.add(Explanation::Event(Box::new(unknown(
            id,
            source,
            dead_letters,
        ))));
    }
    Ok(())
}

/// An event of which nothing was decided, with its dead letters.
fn unknown(
    id: &Identifier,
    source: Option<&str>,
    dead_letters: Vec<DeadLetterSummary>,
) -> EventExplained {
    let outcome = match dead_letters.first() {
        None => EventOutcome::NotFound,
        Some(letter) => EventOutcome::DeadLettered {
            id: letter.id,
            cause: letter.cause.clone(),
            resolved: letter
                .resolved
                .as_ref()
                .map(|resolved| resolved.how.clone()),
        },
    };
    EventExplained {
        id: id.as_str().to_owned(),
        source: source.map(str::to_owned),
        decided_at: None,
        now: outcome.now(None),
        next: outcome.next(),
        outcome,
        published: Vec::new(),
        jobs: Vec::new(),
        dead_letters,
    }
}

/// The sources that the tenant's events had.
async fn sources_of(
    operator: &Operator,
    tenant: &Identifier,
) -> Result<BTreeSet<String>, StepError> {
    let jobs = operator.store.jobs_of(tenant, (None, None), None, JOBS);
    let of_jobs = jobs.await?.jobs.into_iter().map(|job| job.trigger.source);
    let entities = operator.store.entities_of(tenant, ENTITIES).await?;
    let snapshots = entities.iter().flat_map(|entity| entity.snapshots.values());
    let of_entities = snapshots.map(|snapshot| snapshot.stamp.source().to_owned());
    Ok(of_jobs.chain(of_entities).collect())
}

/// What was decided, as the entry says it. `jobs` are those that it opened.
fn outcome(seen: &EntrySeen, jobs: &[JobLine]) -> EventOutcome {
    let entry = &seen.entry;
    let older_than = entry.older_than.as_deref().map(of_other);
    if seen.is_blanked {
        return EventOutcome::Erased;
    }
    match older_than {
        Some(than) if entry.events.is_empty() => EventOutcome::Older { than },
        None if entry.events.is_empty() => EventOutcome::Unchanged,
        older_than => {
            let is_template =
                |topic| matches!(topic, Topic::TemplateCreated | Topic::TemplateUpdated);
            let templates = entry.events.iter().filter(|event| is_template(event.topic));
            EventOutcome::Taken {
                templates: templates.count(),
                jobs: entry.starts.len(),
                told: told_before(seen, jobs),
                older_than,
            }
        }
    }
}

/// Whether what follows from an event is published. What opened jobs is not marked; a job that was
/// begun or has ended was announced before.
fn told_before(seen: &EntrySeen, jobs: &[JobLine]) -> Told {
    let is_begun = |line: &JobLine| line.job.state != JobState::Created;
    match jobs.iter().any(is_begun) {
        true => Told::Published,
        false => told(Some(seen)),
    }
}

/// The events that an entry says.
fn published(seen: &EntrySeen) -> Vec<PublishedEvent> {
    let published = seen.entry.events.iter().map(|event| {
        let value: Value = serde_json::from_str(&event.value).unwrap_or_default();
        PublishedEvent {
            topic: event.topic,
            id: value["id"].as_str().unwrap_or_default().to_owned(),
        }
    });
    published.collect()
}
