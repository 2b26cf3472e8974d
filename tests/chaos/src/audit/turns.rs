//! Turns: what waited for a vendor has ended, nothing stands in a line any more, and no slot is held
//! by a job that is over.

use std::collections::BTreeSet;

use super::{Audit, table::Table};

/// `stood` are the jobs that were seen in a line during the storm.
pub fn audit(audit: &mut Audit, table: &Table, stood: &BTreeSet<String>) {
    let is_over = |job: &String| {
        let job = table.jobs.get(job);
        let state = job.and_then(|job| job["state"]["is"].as_str());
        matches!(state, Some("completed" | "failed"))
    };
    let open = stood.iter().filter(|job| !is_over(job));
    audit.none_of(
        "jobs that waited for their turn and have no end",
        stood.len(),
        open.cloned().collect(),
    );
    audit.none("entries that are left in a line", table.waiting.clone());
    let read_at = table.read_at;
    let slots = table.slots.iter().flat_map(|(vendor, held)| {
        let held = held.iter().filter(move |(_, until)| **until > read_at);
        held.map(move |(job, until)| (vendor, job, until))
    });
    let without_reason = slots.filter(|(_, job, _)| is_over(job));
    audit.none_of(
        "slots that are held by jobs that are over",
        table.slots.len(),
        without_reason
            .map(|(vendor, job, until)| format!("{vendor}: {job} until {until}"))
            .collect(),
    );
}
