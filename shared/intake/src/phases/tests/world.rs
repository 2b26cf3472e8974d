//! The records of a topic, and their deliveries by the mapping to the phases under a [`Script`].

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use contract::{
    AssetKind, Configuration, Entity, EntityKind, EventCreated, SMOKE_TENANT, Text, Topic,
    TraceParent,
};
use domain::{Description, JobId};
use serde_json::{Value, json};
use telemetry::Traces;
use tokio::{runtime, time::timeout};

use super::script::{Answer, Script};
use crate::{batch::BatchError, effects::Effects as _, phases::handle, response::BatchResponse};

const TOPIC: Topic = Topic::EventCreated;

/// The value of a record that can never be read.
pub(super) const UNREADABLE: &str = "an unreadable secret";

/// The span in which each event happened.
pub(super) const TRACE: TraceParent = TraceParent {
    trace: 7,
    span: 8,
    is_sampled: true,
};

/// Records by partition, and what became of them.
///
/// A record is named after its event: `a1` and `a2` are two events about the entity `a`. `bad…` has
/// an unreadable value, `old…` happened too long ago, and `smoke…` is of the tenant of smoke checks.
/// `ahead…` happens three minutes after the clock of the world begins. Of two events about one entity
/// the one with the higher number is the newer.
/// `a10`, after `a1`, changes a fact that no picture shows: it opens no job.
pub(super) struct World {
    records: BTreeMap<i32, Vec<String>>,
    /// The records that the last answer names, as `0@2`.
    answered: Vec<String>,
    pub(super) script: Script,
    /// The length of an invocation.
    pub(super) lasts: Duration,
}

impl World {
    pub(super) fn of(records: &[(i32, &[&str])]) -> Self {
        Self::traced(records, Traces::off())
    }

    pub(super) fn traced(records: &[(i32, &[&str])], traces: Traces) -> Self {
        let now: jiff::Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let records = records.iter().map(|(at, names)| (*at, named(names)));
        Self {
            records: records.collect(),
            answered: Vec::new(),
            script: Script::new(SystemTime::try_from(now).unwrap(), traces),
            lasts: Duration::from_secs(60),
        }
    }

    /// This world, in which `answer` comes of `call`.
    pub(super) fn where_call(self, call: &str, answer: Answer) -> Self {
        self.script.answers(call, answer);
        self
    }

    /// This world, in which each of these events is committed by itself, all at once.
    pub(super) fn where_none_is_in_a_group(self, names: &[&str]) -> Self {
        names.iter().fold(self, |world, name| {
            world.where_call(&format!("decide {name}"), Answer::Fails)
        })
    }

    /// This world, in which an invocation lasts so long.
    pub(super) fn where_it_lasts(self, lasts: Duration) -> Self {
        Self { lasts, ..self }
    }

    /// Delivers all records in one batch; the records to be delivered again, as `0@2`.
    pub(super) fn deliver(&mut self) -> Vec<String> {
        let all = self.records.iter().flat_map(|(partition, names)| {
            (0..names.len()).map(move |offset| format!("{partition}@{offset}"))
        });
        self.answered = all.collect();
        self.deliver_again()
    }

    /// Delivers the records that the last answer names; the records to be delivered again.
    pub(super) fn deliver_again(&mut self) -> Vec<String> {
        let response = self.invoke(&self.batch(&self.answered)).unwrap();
        let failures = response.batch_item_failures.into_iter();
        self.answered = failures
            .map(|failure| {
                let item = failure.item_identifier;
                let partition = item.partition.strip_prefix(TOPIC.as_str()).unwrap();
                format!("{}@{}", &partition[1..], item.offset)
            })
            .collect();
        self.answered.clone()
    }

    /// The answer to `payload`.
    pub(super) fn invoke(&self, payload: &str) -> Result<BatchResponse, BatchError> {
        self.script.begins();
        let deadline = self.script.now() + self.lasts;
        let handled = handle(TOPIC, describe, &self.script, payload, deadline);
        let runtime = runtime::Builder::new_current_thread().enable_time().build();
        let ends = async { timeout(Duration::from_secs(10), handled).await };
        runtime.unwrap().block_on(ends).expect("it ends")
    }

    /// Records as the mapping sends them.
    pub(super) fn batch(&self, places: &[String]) -> String {
        let mut partitions: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for place in places {
            let (partition, offset) = self.at(place);
            let name = &self.records[&partition][offset];
            let list = partitions.entry(format!("{TOPIC}-{partition}"));
            list.or_default().push(record(partition, offset, name));
        }
        json!({ "eventSource": "aws:kafka", "records": partitions }).to_string()
    }

    fn at(&self, place: &str) -> (i32, usize) {
        let (partition, offset) = place.split_once('@').unwrap();
        (partition.parse().unwrap(), offset.parse().unwrap())
    }

    /// The ids of the events that Kafka has, in order.
    pub(super) fn published(&self) -> Vec<String> {
        let state = self.script.state();
        state.kafka.iter().map(|(id, _)| id.clone()).collect()
    }

    /// The calls of the last invocation, as they began.
    pub(super) fn calls(&self) -> Vec<String> {
        self.script.state().calls.clone()
    }

    pub(super) fn committed(&self) -> Vec<String> {
        self.script.state().entries.keys().cloned().collect()
    }

    /// Whether nothing is left to do for the record at `place`.
    pub(super) fn is_over(&self, place: &str) -> bool {
        let (partition, offset) = self.at(place);
        let state = self.script.state();
        if state.dead_letters.contains_key(place) {
            return true;
        }
        let name = &self.records[&partition][offset];
        let Some(entry) = state.entries.get(name) else {
            return false;
        };
        let is_sent = |job: &JobId| state.sent.contains(&state.jobs[job]);
        let ends = match &entry.starts[..] {
            [] => entry.published,
            starts => starts.iter().all(is_sent),
        };
        ends && state.kafka.iter().any(|(id, _)| id == name)
    }

    /// Asserts that what is left is done once calls succeed again, and that a batch that is delivered
    /// again as a whole, once its jobs are closed, adds nothing.
    pub(super) fn settles(&mut self) {
        self.script.heals();
        assert_eq!(self.deliver_again(), NONE);
        self.script.closes_all();
        let published = self.published();
        assert_eq!(self.deliver(), NONE);
        assert_eq!(self.published(), published, "nothing is published again");
        for (partition, names) in &self.records {
            for (offset, name) in names.iter().enumerate() {
                assert!(self.is_over(&format!("{partition}@{offset}")), "{name}");
                // However often it was published, whatever follows it came after it.
                let first = published.iter().position(|id| id == name);
                for later in &names[offset + 1..] {
                    let last = published.iter().rposition(|id| id == later);
                    assert!(last.is_none() || first < last, "{later} after {name}");
                }
            }
        }
    }
}

/// As many records as one call sends, each of an entity of its own.
pub(super) const TEN: [&str; 10] = ["a1", "b1", "c1", "d1", "e1", "f1", "g1", "h1", "i1", "j1"];

/// No record is to be delivered again.
pub(super) const NONE: [&str; 0] = [];

/// A record as the mapping sends it.
fn record(partition: i32, offset: usize, name: &str) -> Value {
    let base64 = |text: &str| base64_simd::STANDARD.encode_to_string(text);
    let tenant = match name.starts_with("smoke") {
        true => SMOKE_TENANT,
        false => "tenant-1",
    };
    let value = match name.starts_with("bad") {
        true => UNREADABLE.to_owned(),
        false => event(tenant, name).to_string(),
    };
    json!({
        "topic": TOPIC.as_str(),
        "partition": partition,
        "offset": offset,
        "timestamp": 1_795_166_400_000_i64,
        "timestampType": "CREATE_TIME",
        "key": base64(tenant),
        "value": base64(&value),
        "headers": [{ "content-type": b"application/cloudevents+json" }],
    })
}

/// A CloudEvent that says that an event was created.
fn event(tenant: &str, name: &str) -> Value {
    let entity = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let time = match name {
        _ if name.starts_with("old") => "2026-01-01T09:00:00Z",
        _ if name.starts_with("ahead") => "2026-11-20T10:03:00Z",
        _ => "2026-11-20T09:00:00Z",
    };
    let (title, changes) = match name.strip_suffix('0') {
        Some(before) => (before, true),
        None => (name, false),
    };
    json!({
        "specversion": "1.0",
        "type": TOPIC.as_str(),
        "source": "events-svc",
        "id": name,
        "time": time,
        "subject": tenant,
        "traceparent": TRACE.to_string(),
        "data": {
            "tenantId": tenant,
            "eventId": entity,
            "title": format!("The title of {title}"),
            "organizer": changes.then_some("another organizer"),
            "startsAt": "2026-12-19T18:30:00+05:30",
        },
    })
}

fn describe(event: EventCreated) -> Description {
    Description {
        tenant: event.tenant_id,
        user: event.user_id,
        entity: Entity {
            kind: EntityKind::Event,
            id: event.event_id,
        },
        version: event.version,
        configuration: Configuration {
            starts_at: Some(event.starts_at),
            // Neither picture shows a label.
            label: event
                .organizer
                .map(|text| Text::parse(text.as_str()).unwrap()),
            ..Configuration::titled(event.title)
        },
        translations: BTreeMap::new(),
        assets: vec![AssetKind::Poster, AssetKind::Invitation],
    }
}
