//! Order: no job is sent to the queue, no execution is started, and no end is sent, before the broker
//! has acknowledged the job's `created`.
//!
//! The events are in different topics, and each has its producer's time, so nothing in Kafka shows
//! their order. Two proxies of one process do: the line to the broker stamps each acknowledgement
//! just before it passes it on to the function, and the proxy of AWS stamps each request as it
//! arrives. Both use one clock. A function that sends a job after the acknowledgement is never
//! reported, and one that does not wait for it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use contract::Topic;
use serde_json::Value;

use super::{Audit, World, published::text, world::Asked};

/// What the line has heard of the job's events.
#[derive(Debug, Clone, Copy, Default)]
struct Heard {
    /// The first acknowledgement of its `created`.
    created: Option<Instant>,
    /// The first time that one of its ends was sent.
    end: Option<Instant>,
}

pub fn audit(audit: &mut Audit, world: &World) {
    let lost = format!("{} of them", world.not_understood);
    let lost = (world.not_understood > 0).then_some(lost);
    audit.none(
        "connections to the broker that were not understood",
        lost.into_iter().collect(),
    );
    let mut sent_ids = BTreeSet::new();
    let mut heard: BTreeMap<String, Heard> = BTreeMap::new();
    for sent in &world.sent {
        let event: Value =
            serde_json::from_slice(sent.value.as_deref().unwrap_or_default()).unwrap_or_default();
        sent_ids.insert(text(&event["id"]));
        let job = heard.entry(text(&event["data"]["jobId"])).or_default();
        let ends = [Topic::RenderJobCompleted, Topic::RenderJobFailed].map(Topic::as_str);
        if &*sent.topic == Topic::RenderJobCreated.as_str() {
            job.created = earlier(job.created, sent.acknowledged);
        } else if ends.contains(&&*sent.topic) {
            job.end = earlier(job.end, Some(sent.sent));
        }
    }
    let unheard = world
        .produced
        .iter()
        .map(|record| text(&record.event()["id"]));
    audit.none_of(
        "records that the line has not heard",
        world.produced.len(),
        unheard.filter(|id| !sent_ids.contains(id)).collect(),
    );

    let (sent, started) = (first_of(&world.messages), first_of(&world.starts));
    audit.same(
        "jobs sent to the queue",
        &world.table.jobs.keys().collect(),
        &sent.keys().copied().collect(),
    );
    audit.same(
        "long jobs whose execution was started",
        &world.table.long().map(|(id, _)| id).collect(),
        &started.keys().copied().collect(),
    );
    let created = |job: &String| heard.get(job).and_then(|heard| heard.created);
    for (what, asked) in [("sent", &sent), ("started", &started)] {
        let early = asked
            .iter()
            .filter(|(job, at)| !is_before(created(job), **at));
        audit.none_of(
            &format!("jobs {what} before the broker acknowledged their created"),
            asked.len(),
            early.map(|(job, _)| (*job).clone()).collect(),
        );
    }
    let ends: Vec<(&String, Instant)> = heard
        .iter()
        .filter_map(|(job, heard)| Some((job, heard.end?)))
        .collect();
    let early = ends
        .iter()
        .filter(|(job, at)| !is_before(created(job), *at));
    audit.none_of(
        "jobs whose end was sent before that",
        ends.len(),
        early.map(|(job, _)| (*job).clone()).collect(),
    );
}

/// The first request for each job.
fn first_of(asked: &[Asked]) -> BTreeMap<&String, Instant> {
    let mut first: BTreeMap<&String, Instant> = BTreeMap::new();
    for one in asked {
        let at = first.entry(&one.job).or_insert(one.at);
        *at = one.at.min(*at);
    }
    first
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

/// Whether something was acknowledged, and before `at`.
fn is_before(acknowledged: Option<Instant>, at: Instant) -> bool {
    acknowledged.is_some_and(|acknowledged| acknowledged <= at)
}
