//! Published events: everything that was committed and nothing else, each id with one content, and
//! each job's `created` and end as the table has them.

use std::collections::{BTreeMap, BTreeSet};

use contract::Topic;
use serde_json::Value;

use super::{Audit, World, report::differences};
use crate::workload::form;

pub fn audit(audit: &mut Audit, world: &World) {
    audit.count(
        "records produced, all of which a consumer read",
        usize::try_from(world.produced_count).unwrap_or_default(),
        world.produced.len(),
    );
    contents(audit, world);
    announced(audit, world);
}

fn contents(audit: &mut Audit, world: &World) {
    let table = &world.table;
    let mut published: BTreeMap<String, &[u8]> = BTreeMap::new();
    let mut two_contents = table.committed_twice.clone();
    for record in &world.produced {
        let id = text(&record.event()["id"]);
        let value = record.value.as_deref().unwrap_or_default();
        if published
            .insert(id.clone(), value)
            .is_some_and(|before| before != value)
        {
            two_contents.push(id);
        }
    }
    audit.same(
        "events produced, by distinct id",
        &table.kept.keys().collect(),
        &published.keys().collect(),
    );
    audit.none_of(
        "ids that ever appeared with two contents",
        published.len(),
        two_contents,
    );
    let differs = |(id, value): (&String, &String)| {
        published
            .get(id)
            .is_some_and(|published| *published != value.as_bytes())
            .then(|| id.clone())
    };
    audit.none_of(
        "events that differ from what was kept",
        published.len(),
        table.kept.iter().filter_map(differs).collect(),
    );
}

/// What a topic's events say of each job.
fn of_jobs(world: &World, topic: Topic) -> BTreeMap<String, Value> {
    let records = world.produced.iter();
    records
        .filter(|record| record.topic == topic.as_str())
        .map(|record| record.event()["data"].take())
        .map(|data| (text(&data["jobId"]), data))
        .collect()
}

fn announced(audit: &mut Audit, world: &World) {
    let created = of_jobs(world, Topic::RenderJobCreated);
    let completed = of_jobs(world, Topic::RenderJobCompleted);
    let failed = of_jobs(world, Topic::RenderJobFailed);
    let jobs = &world.table.jobs;
    audit.same(
        "jobs announced",
        &jobs.keys().collect(),
        &created.keys().collect(),
    );
    let in_state =
        |state| -> BTreeSet<&String> { world.table.in_state(state).map(|(id, _)| id).collect() };
    audit.same(
        "jobs whose completion was announced",
        &in_state("completed"),
        &completed.keys().collect(),
    );
    // A healthy run may have none that failed.
    audit.none(
        "jobs that failed, or whose failure was announced, and not both",
        differences(&in_state("failed"), &failed.keys().collect()),
    );
    let misstated = created.iter().filter(|(id, data)| {
        let kind = data["asset"].as_str().unwrap_or_default();
        let size = (data["width"].as_u64(), data["height"].as_u64());
        let right = form(kind).map(|form| {
            let pixels = form.pixels.unzip();
            let size = (pixels.0.map(u64::from), pixels.1.map(u64::from));
            (size, form.format)
        });
        let stated = (size, data["format"].as_str().unwrap_or_default());
        let job = jobs.get(*id).map(|job| &job["asset"]);
        Some(stated) != right || job != Some(&data["asset"])
    });
    audit.none_of(
        "created that state another kind, size or format",
        created.len(),
        misstated
            .map(|(id, data)| format!("{id}: {data}"))
            .collect(),
    );
    let elsewhere = completed.iter().filter(|(id, data)| {
        let job = jobs.get(*id).unwrap_or(&Value::Null);
        let key = job["state"]["output"]["key"].as_str().unwrap_or_default();
        let form = form(job["asset"].as_str().unwrap_or_default());
        data["outputUrl"] != format!("{}/{key}", world.asset_base_url)
            || data["type"] != form.map_or("", |form| form.media)
            || data["provider"] != job["provider"]
            || data["tenantId"] != job["tenant"]
    });
    audit.none_of(
        "completed that state another file, provider or tenant",
        completed.len(),
        elsewhere
            .map(|(id, data)| format!("{id}: {data}"))
            .collect(),
    );
    let unreasoned = failed.iter().filter(|(id, data)| {
        let failure = jobs.get(*id).map(|job| &job["state"]["failure"]["class"]);
        text(&data["reason"]).is_empty() || failure != Some(&data["failure"])
    });
    audit.none(
        "failed that state no reason, or another class",
        unreasoned
            .map(|(id, data)| format!("{id}: {data}"))
            .collect(),
    );
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
