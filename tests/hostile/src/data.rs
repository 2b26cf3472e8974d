//! The data of a consumed topic: it is read whole or refused; what is planned of it is its tenant's, and bounded.

use std::{borrow::Cow, str};

use events::{Envelope, Identifier, Time, Topic};
use jobs::{Cause, ContentHash, Decision, Description, MOST_ASSETS, Makers, Planning, plan};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};

use crate::{
    Record,
    batch::{batch_of, examine_batch},
};

/// What Kafka takes in a record of ours, far below any broker's limit.
const LARGEST_EVENT: usize = 64 * 1024;

/// When every event here happens, and the time of all that is planned.
const NOW: &str = "2026-11-27T10:00:00.000Z";

/// Holds the data of an event of `topic` to what is promised of it.
///
/// # Panics
/// If a promise is broken, or the topic is not consumed.
pub fn check_data(topic: Topic, input: &[u8]) {
    match topic {
        Topic::EventCreated => check(topic, event_created::describe, input),
        Topic::EventPublished => check(topic, event_published::describe, input),
        Topic::CmsPublished => check(topic, cms_published::describe, input),
        Topic::CampaignLaunched => check(topic, campaign_launched::describe, input),
        other => panic!("{other} is not consumed"),
    }
}

fn check<D: DeserializeOwned + Serialize>(topic: Topic, describe: fn(D) -> Description, input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let envelope = Envelope {
        id: Cow::Borrowed("1"),
        source: Cow::Borrowed("hostile"),
        event_type: Cow::Borrowed(topic.as_str()),
        subject: None,
        time: Some(NOW.parse().expect("it is a time")),
        data: Cow::Borrowed(text),
    };
    let data: D = match envelope.data() {
        Ok(data) => data,
        Err(error) => {
            assert!(error.to_string().starts_with("data"), "{error}");
            return;
        }
    };
    // What was read can be written, and is then the same.
    let written = serde_json::to_value(&data).expect("it can be written");
    let again: D = serde_json::from_value(written.clone()).expect("and read again");
    assert_eq!(serde_json::to_value(&again).expect("and written again"), written);

    let description = describe(data);
    assert_eq!(describe(again), description, "what is meant does not depend on how it was written");
    check_plan(topic, &envelope, &description);
    check_tenant(topic, text, &description.tenant);
}

/// What is planned is the tenant's, small enough for Kafka, and not planned twice.
fn check_plan(topic: Topic, envelope: &Envelope<'_>, description: &Description) {
    let now = Time::new(NOW.parse().expect("it is a time"));
    let cause = Cause {
        topic,
        source: envelope.source.to_string(),
        id: envelope.id.to_string(),
        time: now,
        content: ContentHash::of(envelope),
    };
    let makers = Makers::parse("", "", "").expect("nobody in particular makes anything");
    let planning = Planning { now, deadline: now, makers: &makers };
    let Ok(Decision { entity, jobs, events, starts, .. }) = plan(None, &cause, description, planning) else { return };
    assert!(jobs.len() <= MOST_ASSETS && starts.len() == jobs.len() && events.len() == 2 * jobs.len());
    let tenant = description.tenant.as_str();
    for told in &events {
        assert!(told.value.len() <= LARGEST_EVENT, "an event of {} bytes", told.value.len());
        let event: Value = serde_json::from_str(&told.value).expect("what is told is JSON");
        assert_eq!(
            (told.key.as_str(), &event["subject"], &event["data"]["tenantId"]),
            (tenant, &json!(tenant), &json!(tenant))
        );
    }
    for job in &jobs {
        for (place, text) in [("an object's key", job.object_key()), ("an execution's name", job.execution_name())] {
            let is_ours = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '/' | '.');
            assert!(text.len() <= 80 && text.chars().all(is_ours), "{place} is {text}");
        }
    }
    let again = plan(entity.as_ref(), &cause, description, planning).expect("what was planned can be planned");
    assert!(again.events.is_empty() && again.starts.is_empty(), "what changes nothing tells nothing");
}

/// Whoever's key or subject it comes under, it is the tenant's that its data names, or it is set aside.
fn check_tenant(topic: Topic, data: &str, tenant: &Identifier) {
    let Ok(data) = serde_json::from_str::<&RawValue>(data) else { return };
    let other = format!("{tenant}x");
    for (key, subject, place) in [
        (tenant.as_str(), None, None),
        (tenant.as_str(), Some(tenant.as_str()), None),
        (other.as_str(), Some(tenant.as_str()), Some("the record's key")),
        (tenant.as_str(), Some(other.as_str()), Some("`subject`")),
        (other.as_str(), Some(other.as_str()), Some("the record's key")),
    ] {
        let subject = subject.map_or(String::new(), |subject| format!(r#""subject":{},"#, json!(subject)));
        let value = format!(
            r#"{{"specversion":"1.0","id":"1","source":"hostile","type":"{topic}","time":"{NOW}",{subject}"data":{data}}}"#
        );
        let record = Record { key: Some(key.into()), headers: Vec::new(), value: Some(value.into()) };
        let examined = examine_batch(topic, &batch_of(topic, &[record])).expect("it is a batch");
        match (&examined[0].examination, place) {
            (Ok(read), None) => assert_eq!(read.1.tenant, *tenant),
            (Err(aside), Some(place)) => {
                let cause = format!("tenant mismatch: data.tenantId is `{tenant}`, but {place} is `{other}`");
                assert!(cause.starts_with(aside.cause.trim_end_matches('…')), "{}", aside.cause);
            }
            (Err(aside), None) if aside.cause.starts_with("the value has ") => {}
            (wrong, _) => panic!("under the key {key}: {wrong:?}"),
        }
    }
}
