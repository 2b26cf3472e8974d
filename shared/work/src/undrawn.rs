//! What an asset does not show is said in the log, and counted: a metric has an alarm on it.

use std::{collections::BTreeSet, fmt};

use contract::{SMOKE_TENANT, Shows, Undrawn};
use domain::Job;
use telemetry::{Measured, Telemetry};

/// Says in the log what the stored asset of `job` does not show, or shows otherwise than it was
/// asked for; nothing, if it shows all as it was asked for. No text of the tenant is said.
pub fn say_undrawn(job: &Job, shows: &Shows) {
    let Shows {
        undrawn, adjusted, ..
    } = shows;
    if !undrawn.is_empty() {
        tracing::warn!(job = %job.id, "drawn without what there is no font for: {}", list(undrawn));
    }
    if !adjusted.is_empty() {
        tracing::info!(job = %job.id, "drawn with another brand than asked for: {}", list(adjusted));
    }
}

/// Counts what of `job` there is no font for, if anything: of its asset, or of the title without
/// which it has none. The smoke test does not count.
pub fn count_undrawn(telemetry: &Telemetry, job: &Job, undrawn: &[Undrawn]) {
    let tenant = job.tenant.as_str();
    if undrawn.is_empty() || tenant == SMOKE_TENANT {
        return;
    }
    let scripts: BTreeSet<&str> = undrawn
        .iter()
        .flat_map(|field| field.scripts.iter().map(String::as_str))
        .collect();
    telemetry.metrics.emit(Measured::Undrawn {
        tenant,
        job: &job.id.to_string(),
        scripts: &scripts.into_iter().collect::<Vec<_>>().join(", "),
        characters: undrawn
            .iter()
            .map(|field| u64::from(field.characters))
            .sum(),
    });
}

/// `venue.name, 5 characters (Tamil); description, 1 character`.
fn list(items: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let items = items.into_iter().map(|item| item.to_string());
    items.collect::<Vec<_>>().join("; ")
}
