//! Templates: a consumer that keeps the highest revision of each ends with the right one, with the
//! picture of the newest job.

use std::collections::{BTreeMap, BTreeSet};

use contract::Topic;
use serde_json::Value;

use super::{Audit, World, published::text};
use crate::workload::{Expected, Facts, TemplateKey};

pub fn audit(audit: &mut Audit, world: &World, expected: &Expected) {
    let mut newest: BTreeMap<TemplateKey, Value> = BTreeMap::new();
    let mut ids: BTreeMap<TemplateKey, BTreeSet<String>> = BTreeMap::new();
    let topics = [Topic::TemplateCreated, Topic::TemplateUpdated].map(Topic::as_str);
    for record in &world.produced {
        if !topics.contains(&&*record.topic) {
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
    audit.none_of(
        "templates with two ids",
        ids.len(),
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
    audit.none_of(
        "templates whose highest revision is not the right final configuration",
        newest.len(),
        wrong.collect(),
    );
    pictures(audit, world, &newest);
}

fn pictures(audit: &mut Audit, world: &World, newest: &BTreeMap<TemplateKey, Value>) {
    let entities = world.table.entities.iter();
    let newest_jobs: BTreeMap<String, String> = entities
        .filter_map(|entity| entity["templates"].as_object())
        .flat_map(|templates| templates.values())
        .map(|template| (text(&template["id"]), text(&template["job"])))
        .collect();
    let without = newest.values().filter_map(|data| {
        let template = text(&data["templateId"]);
        let Some(job) = newest_jobs.get(&template) else {
            return Some(format!("{template}: the table does not have it"));
        };
        let Some(state) = world.table.jobs.get(job).map(|job| &job["state"]) else {
            return Some(format!("{template}: its newest job {job} does not exist"));
        };
        let key = text(&state["output"]["key"]);
        let shown = &data["asset"];
        let is_right = shown["jobId"].as_str() == Some(job)
            && shown["outputUrl"] == format!("{}/{key}", world.asset_base_url);
        // The picture of a job that failed is not there to be shown.
        (state["is"] == "completed" && !is_right).then(|| format!("{template}: {shown}"))
    });
    audit.none_of(
        "templates without the picture of their newest job",
        newest.len(),
        without.collect(),
    );
}
