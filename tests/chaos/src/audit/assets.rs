//! Assets: each completed job has its file, whole, and of its kind's form and size; and nothing else
//! is in the bucket.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Audit, World};
use crate::workload::{Form, form};

pub fn audit(audit: &mut Audit, world: &World) {
    let completed: Vec<_> = world.completed().collect();
    let (mut without, mut elsewhere) = (Vec::new(), Vec::new());
    let (mut broken, mut missized) = (Vec::new(), Vec::new());
    let mut keys = BTreeSet::new();
    for (id, job, key) in &completed {
        let kind = job["asset"].as_str().unwrap_or_default();
        if !is_path(key, kind) || !keys.insert(*key) {
            elsewhere.push(format!("{id}: {key:?}"));
        }
        let Some(file) = world.files.get(*key) else {
            without.push(format!("{id}: {key:?}"));
            continue;
        };
        if let Some(fault) = &file.fault {
            broken.push(format!("{key}: {fault}"));
        }
        // Of what a vendor made, the audit knows whether it is whole, and not its size.
        let right = form(kind).filter(is_picture).and_then(|form| form.pixels);
        if file.pixels != right {
            missized.push(format!("{key}: {:?}, not {right:?}", file.pixels));
        }
    }
    let count = completed.len();
    audit.none_of("completed jobs without their file", count, without);
    audit.none_of("completed jobs that name another file", count, elsewhere);
    audit.none_of("files that are not whole", count, broken);
    audit.none_of(
        "pictures of another size than their kind's",
        count,
        missized,
    );
    audit.none_of(
        "pictures that show the same as that of other facts",
        count,
        shared(world, &completed),
    );
    audit.none_of("files of no job", world.files.len(), orphans(world, &keys));
}

/// Whether a key has the form of an asset's: a digest of the tenant and one of the job, which only
/// the deployment can compute, and the kind.
fn is_path(key: &str, kind: &str) -> bool {
    let is_digest = |part: &str| {
        let is_digit = |c: char| c.is_ascii_digit() || matches!(c, 'a'..='f');
        part.len() == 32 && part.chars().all(is_digit)
    };
    let parts: Vec<&str> = key.split('/').collect();
    let format = form(kind).map_or("", |form| form.format);
    let file = format!("{kind}.{format}");
    matches!(parts[..], ["renders", tenant, job, name] if is_digest(tenant) && is_digest(job) && name == file)
}

fn is_picture(form: &Form) -> bool {
    form.media == "image"
}

/// The pictures that are equal though their jobs' kinds or titles differ. Every kind shows the
/// title. What a vendor made is no picture, and the sandbox's are all the same.
fn shared(world: &World, completed: &[(&String, &Value, &str)]) -> Vec<String> {
    let mut shown: BTreeMap<u64, (&Value, &Value)> = BTreeMap::new();
    let mut shared = Vec::new();
    for (_, job, key) in completed {
        let facts = (&job["asset"], &job["configuration"]["title"]);
        let Some(file) = world.files.get(*key).filter(|file| file.pixels.is_some()) else {
            continue;
        };
        let first = *shown.entry(file.hash).or_insert(facts);
        if first != facts {
            shared.push(format!("{key}: shows {first:?}, not {facts:?}"));
        }
    }
    shared
}

/// The files that are no completed job's, if there are more than jobs that did not complete: each of
/// those may have left one.
fn orphans(world: &World, completed: &BTreeSet<&str>) -> Vec<String> {
    let others = world.files.keys();
    let others: Vec<_> = others
        .filter(|key| !completed.contains(key.as_str()))
        .cloned()
        .collect();
    match others.len() <= world.table.jobs.len() - completed.len() {
        true => Vec::new(),
        false => others,
    }
}
