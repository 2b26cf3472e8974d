//! Jobs: exactly the expected ones exist, and each is completed, unless a fault of the storm
//! explains why it failed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Audit, table::Table};
use crate::{
    storm::Faults,
    workload::{Certainty, Expected, JobKey, TemplateKey, is_long},
};

pub fn audit(audit: &mut Audit, table: &Table, expected: &Expected, faults: &Faults) {
    audit.count("causes decided", expected.causes, table.decisions);
    let found: BTreeSet<JobKey> = table.jobs.values().map(key).collect();
    // Only the order of arrival decides which of the uncertain jobs exist, so those that exist
    // count as right.
    let possible = |(job, certainty): (&JobKey, &Certainty)| {
        (*certainty == Certainty::Always || found.contains(job)).then(|| job.clone())
    };
    let jobs: BTreeSet<JobKey> = expected.jobs.iter().filter_map(possible).collect();
    audit.same("jobs", &jobs, &found);
    audit.count("jobs, each once", found.len(), table.jobs.len());
    ends(audit, table, faults);
}

fn ends(audit: &mut Audit, table: &Table, faults: &Faults) {
    let state = |job: &Value| job["state"]["is"].as_str().unwrap_or_default().to_owned();
    let open = table.jobs.iter().filter_map(|(id, job)| {
        let state = state(job);
        let is_end = matches!(&*state, "completed" | "failed");
        (!is_end).then(|| format!("{id}: {state:?}"))
    });
    audit.none_of(
        "jobs that neither completed nor failed",
        table.jobs.len(),
        open.collect(),
    );
    let (mut explained, mut unexplained) = (Vec::new(), Vec::new());
    for (id, job) in table.in_state("failed") {
        match fault_behind(job) {
            Some(fault) => explained.push(format!("{id}: {fault}: {}", job["state"]["failure"])),
            None => unexplained.push(format!("{id}: {}", job["state"]["failure"])),
        }
    }
    audit.none("jobs that failed without a fault of the storm", unexplained);
    audit.name("jobs that failed because of one", explained);

    let (all, completed) = (table.jobs.len(), table.in_state("completed").count());
    let least = all.saturating_sub(faults.most_failed()).max(1);
    audit.at_least("jobs completed", least, completed);
    if let Some(row) = audit.last() {
        let share = 100.0 * completed as f64 / all.max(1) as f64;
        row.details.push(format!(
            "{share:.1} % of {all}; the faults were enough to fail {}",
            faults.most_failed()
        ));
    }
}

/// The fault of the storm that made a job fail: as many kills as a message is received or a step is
/// tried, or one while a vendor made it. A job that failed in any other way was failed by the studio
/// itself; a call that AWS refused uses up no attempt.
fn fault_behind(job: &Value) -> Option<&'static str> {
    let failure = &job["state"]["failure"];
    let (class, detail) = (failure["class"].as_str()?, failure["detail"].as_str()?);
    let is_long = is_long(job["asset"].as_str()?);
    match class {
        "abandoned" if !is_long && detail.starts_with("the function died of its message") => {
            Some("killed in each of six receives of its message")
        }
        "outcome-unknown" if is_long => Some("killed while a vendor was asked"),
        // Lambda's word for a process that died.
        _ if is_long && detail.starts_with("Runtime.") => {
            Some("killed in each of six tries of a step")
        }
        _ => None,
    }
}

fn key(job: &Value) -> JobKey {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let template = TemplateKey {
        tenant: text(&job["tenant"]),
        entity: text(&job["entity"]["id"]),
        kind: text(&job["asset"]),
    };
    JobKey {
        template,
        event: text(&job["trigger"]["id"]),
    }
}
