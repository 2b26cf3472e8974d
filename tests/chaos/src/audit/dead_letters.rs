//! Dead letters: every record that can never succeed is one, byte for byte, and no other record is;
//! so it is with messages of the queue; and no batch was dropped.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use local::records::Produced;
use serde_json::{Value, json};

use super::{Audit, World, table::Entry, tally};
use crate::{
    publication::{Fingerprint, Publication, fingerprint_of},
    workload::Workload,
};

type Place = (String, i32, i64);

/// What the dead letters of the queue have in the place of a topic.
const QUEUE: &str = "render-queue";

pub fn audit(audit: &mut Audit, world: &World, workload: &Workload) {
    let published = || workload.lines.iter().chain([&workload.last]).flatten();
    let arrived: HashSet<Fingerprint> = world.consumed.iter().map(fingerprint_of).collect();
    let lost = published().filter(|publication| !arrived.contains(&publication.fingerprint()));
    audit.none_of(
        "records published that Kafka does not have",
        published().count(),
        lost.map(|publication| format!("{publication:?}")).collect(),
    );

    // Finds the records that can never succeed in Kafka. A record whose acknowledgement was lost is
    // there twice.
    let poison = || published().filter(|publication| publication.poison.is_some());
    let fingerprints: HashSet<Fingerprint> = poison().map(Publication::fingerprint).collect();
    let stands: BTreeMap<Place, &Produced> = world
        .consumed
        .iter()
        .filter(|record| fingerprints.contains(&fingerprint_of(record)))
        .map(|record| (place(record), record))
        .collect();
    let rules = tally(poison().filter_map(|publication| publication.poison));
    audit.at_least(
        &format!("poison published, by {} rules", rules.len()),
        1,
        poison().count(),
    );
    let entries = world.table.dead_letters.iter();
    let entries: Vec<&Entry> = entries.filter(|entry| entry.place.0 != QUEUE).collect();
    let letters: BTreeSet<&Place> = entries.iter().map(|entry| &entry.place).collect();
    audit.same("poison dead-lettered", &stands.keys().collect(), &letters);
    audit.count("dead letters, each once", letters.len(), entries.len());
    let differ = entries.iter().filter_map(|entry| {
        let stands = stands.get(&entry.place).map(|record| whole(record));
        let object = world.letters.get(&entry.object).map(parts);
        let is_right = stands.is_some() && stands == object && !entry.cause.is_empty();
        (!is_right).then(|| format!("{:?}: {:?}", entry.place, entry.cause))
    });
    audit.none_of(
        "dead letters that are not as they came, or without a cause",
        entries.len(),
        differ.collect(),
    );
    // An on-failure envelope, with a batch that a mapping gave up, would be in this bucket too.
    let all = world.table.dead_letters.iter();
    let named: HashSet<&String> = all.map(|entry| &entry.object).collect();
    let others = world.letters.keys().filter(|key| !named.contains(key));
    audit.none_of(
        "objects beside them, such as batches that a mapping gave up",
        world.letters.len(),
        others.cloned().collect(),
    );
}

/// The messages that this version cannot read, `injected` by the storm, are the queue's dead letters.
pub fn of_the_queue(audit: &mut Audit, world: &World, injected: &[String]) {
    let entries = world.table.dead_letters.iter();
    let entries: Vec<&Entry> = entries.filter(|entry| entry.place.0 == QUEUE).collect();
    let body = |entry: &&Entry| {
        let value = world.letters.get(&entry.object)?["value"].as_str()?;
        let bytes = base64_simd::STANDARD.decode_to_vec(value).ok()?;
        String::from_utf8(bytes).ok()
    };
    let found: BTreeSet<String> = entries
        .iter()
        .map(|entry| body(entry).unwrap_or_default())
        .collect();
    audit.same(
        "messages of a later version dead-lettered",
        &injected.iter().cloned().collect(),
        &found,
    );
    audit.count(
        "dead letters of the queue, each once",
        injected.len(),
        entries.len(),
    );
}

fn place(record: &Produced) -> Place {
    (record.topic.clone(), record.partition, record.offset)
}

/// Key, value and headers of a record.
fn whole(record: &Produced) -> Value {
    let base64 = |bytes: &Vec<u8>| base64_simd::STANDARD.encode_to_string(bytes);
    let headers: Vec<_> = record
        .headers
        .iter()
        .map(|(name, value)| json!([name, value.as_ref().map(base64)]))
        .collect();
    json!([
        record.key.as_ref().map(base64),
        record.value.as_ref().map(base64),
        headers
    ])
}

/// The same parts of a dead letter's object.
fn parts(object: &Value) -> Value {
    json!([object["key"], object["value"], object["headers"]])
}
