//! A world as a healthy studio leaves it after a small workload.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::LazyLock,
    time::{Duration, Instant},
};

use contract::Topic;
use kafka_client::Sent;
use local::records::Produced;
use serde_json::{Value, json};

use super::{Case, Faults, File, MOST_RECEIVES, States, TEN_RETRIES, World, points};
use crate::{
    audit::{
        table::{Entry, Table},
        world::{Asked, Paid},
    },
    chance::Chance,
    lines::Held,
    publication::Publication,
    workload::{Certainty, Form, JobKey, Size, TemplateKey, Workload, form, is_long},
};

const BASE: &str = "https://assets.example.com";

/// All that the audit is given of a healthy run.
pub fn case() -> Case {
    static CASE: LazyLock<Case> = LazyLock::new(make);
    CASE.clone()
}

fn make() -> Case {
    let size = Size {
        events: 300,
        tenants: 5,
        versions: 6,
        titles_percent: 30,
        films: 8,
    };
    let workload = Workload::grow(size, "2026-11-27T00:00:00.000Z", &mut Chance::of(7));
    let mut states = States::default();
    (states.looks, states.compared) = (3, 40);
    let world = world(&workload);
    let videos = world
        .table
        .long()
        .filter(|(_, job)| job["asset"] == "video");
    let stood = videos.map(|(id, _)| id.clone()).skip(2).collect();
    Case {
        world,
        workload,
        states,
        stood,
        faults: faults(),
        unsettled: None,
        deliveries: TEN_RETRIES + 1,
        receives: MOST_RECEIVES,
    }
}

fn faults() -> Faults {
    Faults {
        kills: points().map(|point| (point, 1)).collect(),
        killed_at_random: 10,
        render_killed_at_random: 1,
        completion_killed_at_random: 6,
        completion_refused: 11,
        refusals: vec![("s3 refused with SlowDown".to_owned(), 4)],
        cuts: (1, 5),
        slow: (1, 20),
        broker: 1,
        twice: (1, 3),
        replayed: (1, 9),
        doubled: 10,
        late: 100,
        lost: 3,
        lost_with_ends: 1,
        newer: vec![NEWER.to_owned()],
        queue_cut: 30,
        woken_twice: 2,
        wakes_cut: 24,
    }
}

/// A message that this version cannot read.
const NEWER: &str = r#"{"v":2}"#;

fn world(workload: &Workload) -> World {
    let mut world = World {
        asset_base_url: BASE.to_owned(),
        table: Table {
            decisions: workload.expected.causes,
            slots: slots(),
            read_at: READ_AT.parse().unwrap(),
            ..Table::default()
        },
        ..World::default()
    };
    let always = workload.expected.jobs.iter();
    let always = always.filter(|(_, certainty)| **certainty == Certainty::Always);
    let mut newest: BTreeMap<&TemplateKey, String> = BTreeMap::new();
    for (number, (job, _)) in always.enumerate() {
        let id = format!("job-{number:04}");
        complete(&mut world, &id, job, number as u64);
        newest.insert(&job.template, id);
    }
    for (number, (template, facts)) in workload.expected.templates.iter().enumerate() {
        let (id, job) = (format!("template-{number:04}"), &newest[template]);
        world.table.entities.push(json!({
            "templates": { &template.kind: { "id": &id, "job": job } },
        }));
        let data = json!({
            "tenantId": &template.tenant, "entity": { "id": &template.entity },
            "kind": &template.kind, "templateId": id, "revision": 1,
            "configuration": { "title": &facts.title, "description": &facts.description },
            "asset": { "jobId": job, "outputUrl": format!("{BASE}/{}", key(job, &template.kind)) },
        });
        produce(&mut world, Topic::TemplateCreated, data);
    }
    let published = workload.lines.iter().chain([&workload.last]).flatten();
    for (offset, publication) in published.enumerate() {
        consume(&mut world, publication, offset as i64);
    }
    world.produced_count = world.produced.len() as i64;
    bury_newer(&mut world);
    world
}

/// When the table was read.
pub const READ_AT: &str = "2026-11-27T00:10:00Z";

/// The slots of the two vendors: of one, those of a job that died with its lease, which is over.
fn slots() -> BTreeMap<String, Held> {
    let over = (
        "job-0000".to_owned(),
        "2026-11-27T00:09:59Z".parse().unwrap(),
    );
    BTreeMap::from([
        ("runway".to_owned(), Held::from([over])),
        ("polly".to_owned(), Held::new()),
    ])
}

/// Adds the dead letter of a message that this version cannot read.
fn bury_newer(world: &mut World) {
    let object = "records/of-the-queue".to_owned();
    let value = base64_simd::STANDARD.encode_to_string(NEWER);
    world
        .letters
        .insert(object.clone(), json!({ "value": value }));
    world.table.dead_letters.push(Entry {
        place: ("render-queue".to_owned(), 0, 1_796_000_000_000),
        object,
        cause: "version 2".to_owned(),
    });
}

fn key(job: &str, kind: &str) -> String {
    let mut hasher = DefaultHasher::new();
    job.hash(&mut hasher);
    let format = form(kind).unwrap().format;
    format!(
        "renders/{:032x}/{:032x}/{kind}.{format}",
        7,
        hasher.finish()
    )
}

/// Who makes a kind in the storm.
fn provider(kind: &str) -> &'static str {
    match kind {
        "video" => "runway",
        "audio-spot" => "polly",
        _ => "studio-canvas",
    }
}

/// Adds a completed job: its state, its events, its message, its file and, if a vendor makes it, its
/// execution and its request.
fn complete(world: &mut World, id: &str, job: &JobKey, hash: u64) {
    let TemplateKey {
        tenant,
        entity,
        kind,
    } = &job.template;
    let state = json!({
        "tenant": tenant, "entity": { "id": entity }, "asset": kind,
        "trigger": { "id": job.event }, "provider": provider(kind), "attempts": [],
        "configuration": { "title": job.event },
        "state": { "is": "completed", "output": { "key": key(id, kind) } },
    });
    world.table.jobs.insert(id.to_owned(), state);
    let Form {
        media,
        format,
        pixels,
    } = form(kind).unwrap();
    let (width, height) = pixels.unzip();
    let created = json!({
        "tenantId": tenant, "jobId": id, "asset": kind,
        "width": width, "height": height, "format": format,
    });
    let acknowledged = produce(world, Topic::RenderJobCreated, created);
    let asked = Asked {
        job: id.to_owned(),
        at: acknowledged + Duration::from_millis(1),
    };
    world.messages.push(asked.clone());
    if is_long(kind) {
        world.starts.push(asked);
        world.paid.push(Paid {
            vendor: provider(kind),
            body: job.event.clone(),
        });
    }
    let completed = json!({
        "tenantId": tenant, "jobId": id, "type": media, "provider": provider(kind),
        "outputUrl": format!("{BASE}/{}", key(id, kind)),
    });
    produce(world, Topic::RenderJobCompleted, completed);
    let file = File {
        fault: None,
        pixels: pixels.filter(|_| !is_long(kind)),
        hash,
    };
    world.files.insert(key(id, kind), file);
}

/// Commits and publishes an event, a second after the one before. Returns when it was acknowledged.
fn produce(world: &mut World, topic: Topic, data: Value) -> Instant {
    let subject = data["jobId"].as_str().or(data["templateId"].as_str());
    let id = format!("evt-{}-{}", topic.as_str(), subject.unwrap_or_default());
    let event = json!({ "id": id, "type": topic.as_str(), "data": data }).to_string();
    world.table.kept.insert(id, event.clone());
    let last = world
        .sent
        .last()
        .map_or_else(Instant::now, |last| last.sent);
    let sent = Sent {
        topic: topic.as_str().into(),
        value: Some(event.clone().into_bytes().into()),
        sent: last + Duration::from_secs(1),
        acknowledged: Some(last + Duration::from_millis(1500)),
    };
    world.produced.push(Produced {
        topic: topic.as_str().to_owned(),
        partition: 0,
        offset: world.produced.len() as i64,
        key: None,
        headers: Vec::new(),
        value: Some(event.into_bytes()),
        timestamp: None,
    });
    let acknowledged = sent.acknowledged.unwrap();
    world.sent.push(sent);
    acknowledged
}

/// Adds a record of a consumed topic, and its dead letter if it can never succeed.
fn consume(world: &mut World, publication: &Publication, offset: i64) {
    let base64 = |bytes: &Vec<u8>| base64_simd::STANDARD.encode_to_string(bytes);
    if publication.poison.is_some() {
        let object = format!("records/{offset}");
        let headers = publication.headers.iter();
        let headers: Vec<Value> = headers
            .map(|(name, value)| json!([name, value.as_ref().map(base64)]))
            .collect();
        world.letters.insert(
            object.clone(),
            json!({
                "key": publication.key.as_ref().map(base64),
                "value": publication.value.as_ref().map(base64),
                "headers": headers,
            }),
        );
        world.table.dead_letters.push(Entry {
            place: (publication.topic.as_str().to_owned(), 0, offset),
            object,
            cause: "no tenant".to_owned(),
        });
    }
    world.consumed.push(Produced {
        topic: publication.topic.as_str().to_owned(),
        partition: 0,
        offset,
        key: publication.key.clone(),
        headers: publication.headers.clone(),
        value: publication.value.clone(),
        timestamp: None,
    });
}

/// Replaces the `completed` of a job by a `failed`.
pub fn announce_failure(world: &mut World, id: &str, class: &str) {
    forget(world, Topic::RenderJobCompleted, id);
    let failed = json!({ "jobId": id, "failure": class, "reason": "Try again later." });
    produce(world, Topic::RenderJobFailed, failed);
    world.produced_count = world.produced.len() as i64;
}

/// Has a topic's event about a job never have been committed or published.
pub fn forget(world: &mut World, topic: Topic, job: &str) {
    let is_it = |value: &[u8]| {
        let event: Value = serde_json::from_slice(value).unwrap_or_default();
        event["type"] == topic.as_str() && event["data"]["jobId"] == job
    };
    world
        .produced
        .retain(|record| !is_it(record.value.as_deref().unwrap()));
    world
        .sent
        .retain(|sent| !is_it(sent.value.as_deref().unwrap()));
    world.table.kept.retain(|_, event| !is_it(event.as_bytes()));
    world.produced_count = world.produced.len() as i64;
}
