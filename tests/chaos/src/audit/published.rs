//! Published events: everything that was committed and nothing else, each id with one content, a
//! job's `created` first, and each template right at the end.

use std::collections::{BTreeMap, BTreeSet};

use contract::Topic;
use local::records::Produced;
use serde_json::Value;

use super::{Audit, Table};
use crate::workload::{Expected, Facts, TemplateKey};

pub fn audit(audit: &mut Audit, table: &Table, produced: &[Produced], expected: &Expected) {
    let mut published: BTreeMap<String, &[u8]> = BTreeMap::new();
    let mut two_contents = table.committed_twice.clone();
    for record in produced {
        let id = text(&record.event()["id"]);
        let value = record.value.as_deref().unwrap_or_default();
        if published
            .insert(id.clone(), value)
            .is_some_and(|before| before != value)
        {
            two_contents.push(id);
        }
    }
    audit.know("records produced", produced.len());
    audit.same(
        "events produced, by distinct id",
        &table.kept.keys().collect(),
        &published.keys().collect(),
    );
    audit.none("ids that ever appeared with two contents", two_contents);
    let differs = |(id, value): (&String, &String)| {
        published
            .get(id)
            .is_some_and(|published| *published != value.as_bytes())
            .then(|| id.clone())
    };
    audit.none(
        "events that differ from what was kept",
        table.kept.iter().filter_map(differs).collect(),
    );
    created_first(audit, table, produced);
    templates(audit, table, produced, expected);
}

/// The broker's clock stamps both, so the first appearances can be compared across topics.
fn created_first(audit: &mut Audit, table: &Table, produced: &[Produced]) {
    let mut created: BTreeMap<String, i64> = BTreeMap::new();
    let mut ended: BTreeMap<String, (i64, BTreeSet<String>)> = BTreeMap::new();
    let mut without_reason = Vec::new();
    for record in produced {
        let Some(at) = record.timestamp else { continue };
        let data = &record.event()["data"];
        let job = text(&data["jobId"]);
        match record.topic.parse() {
            Ok(Topic::RenderJobCreated) => {
                let first = created.entry(job).or_insert(at);
                *first = at.min(*first);
            }
            Ok(topic @ (Topic::RenderJobCompleted | Topic::RenderJobFailed)) => {
                if topic == Topic::RenderJobFailed && text(&data["reason"]).is_empty() {
                    without_reason.push(job.clone());
                }
                let (first, topics) = ended.entry(job).or_insert((at, BTreeSet::new()));
                *first = at.min(*first);
                topics.insert(record.topic.clone());
            }
            _ => {}
        }
    }
    audit.count("jobs announced", table.jobs.len(), created.len());
    audit.count(
        "jobs whose end was announced",
        table.jobs.len(),
        ended.len(),
    );
    let twice = ended.iter().filter(|(_, (_, topics))| topics.len() > 1);
    audit.none(
        "jobs with two ends",
        twice.map(|(job, _)| job.clone()).collect(),
    );
    audit.none("failures without a reason", without_reason);
    let early = ended
        .iter()
        .filter(|(job, (end, _))| created.get(*job).is_none_or(|created| created > end));
    audit.none(
        "jobs whose created did not appear first",
        early.map(|(job, _)| job.clone()).collect(),
    );
}

/// Checks a consumer that keeps the highest revision of each template: it ends with the right one,
/// with the picture of the newest job.
fn templates(audit: &mut Audit, table: &Table, produced: &[Produced], expected: &Expected) {
    let mut newest: BTreeMap<TemplateKey, Value> = BTreeMap::new();
    let mut ids: BTreeMap<TemplateKey, BTreeSet<String>> = BTreeMap::new();
    for record in produced {
        if !matches!(
            record.topic.parse(),
            Ok(Topic::TemplateCreated | Topic::TemplateUpdated)
        ) {
            continue;
        }
        let data = record.event()["data"].take();
        let key = TemplateKey {
            tenant: text(&data["tenantId"]),
            entity: text(&data["entity"]["id"]),
            kind: text(&data["kind"]),
        };
        ids.entry(key.clone())
            .or_default()
            .insert(text(&data["templateId"]));
        if newest
            .get(&key)
            .is_none_or(|known| known["revision"].as_u64() < data["revision"].as_u64())
        {
            newest.insert(key, data);
        }
    }
    audit.same(
        "templates",
        &expected.templates.keys().collect(),
        &newest.keys().collect(),
    );
    let twice = ids.iter().filter(|(_, ids)| ids.len() > 1);
    audit.none(
        "templates with two ids",
        twice
            .map(|(key, ids)| format!("{key:?}: {ids:?}"))
            .collect(),
    );
    let wrong = newest.iter().filter_map(|(key, data)| {
        let configuration = &data["configuration"];
        let facts = Facts {
            title: text(&configuration["title"]),
            description: text(&configuration["description"]),
        };
        let right = expected.templates.get(key)?;
        (facts != *right).then(|| format!("{key:?} is {facts:?}, not {right:?}"))
    });
    audit.none(
        "templates whose highest revision is not the right final configuration",
        wrong.collect(),
    );

    let newest_jobs: BTreeMap<String, String> = table
        .entities
        .iter()
        .filter_map(|entity| entity["templates"].as_object())
        .flat_map(|templates| templates.values())
        .map(|template| (text(&template["id"]), text(&template["job"])))
        .collect();
    let without = newest.values().filter_map(|data| {
        let template = text(&data["templateId"]);
        let job = newest_jobs.get(&template)?;
        let completed = table
            .jobs
            .get(job)
            .is_some_and(|job| job["state"]["is"] == "completed");
        (completed && data["asset"]["jobId"].as_str() != Some(job)).then_some(template)
    });
    audit.none(
        "templates without the picture of their newest job",
        without.collect(),
    );
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
