//! A batch → the outcome of each record, and the decision that follows from it.

use std::collections::BTreeMap;

use contract::{Configuration, Identifier, Topic};
use domain::{Description, InboundEvent, MOST_ASSETS, PlanError, Planning, ProviderRouting, plan};
use intake::{BatchError, Examined};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{examine_as, sentence, tenant::names_are_ours};

/// The largest published event, in bytes: far below the limit of any broker.
const LARGEST_EVENT: usize = 64 * 1024;

/// Has all four consumers examine a batch.
///
/// Every record is reported, in order. A refused record has a sentence that says why, and is stored
/// whole. An accepted one belongs to the tenant that its key names, and that its `subject` names if
/// it has one. Its decision publishes events about that tenant only, and a second decision changes
/// nothing.
pub fn batch(input: &[u8]) {
    let Ok(payload) = std::str::from_utf8(input) else {
        return;
    };
    for topic in [
        Topic::EventCreated,
        Topic::EventPublished,
        Topic::CmsPublished,
        Topic::CampaignLaunched,
    ] {
        examined(payload, examine_as(topic, payload));
    }
}

/// A batch, read without `intake`.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    records: BTreeMap<String, Vec<&'a RawValue>>,
}

/// A record, read without `intake`. Key and value are Base64 text, or any other JSON.
#[derive(Deserialize)]
struct Sent {
    offset: i64,
    #[serde(default)]
    key: Value,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    headers: Value,
}

fn examined(payload: &str, examined: Result<Vec<Examined>, BatchError>) {
    let Ok(examined) = examined else { return };
    let sent: Payload<'_> = serde_json::from_str(payload).expect("a batch that was read is one");
    let sent = sent
        .records
        .iter()
        .flat_map(|(partition, records)| records.iter().map(move |one| (partition, one)));
    let mut count = 0;
    for ((partition, json), record) in sent.zip(&examined) {
        count += 1;
        assert_eq!(*partition, record.partition);
        // JSON that is too deep for a `Value`, or an offset that no other reader accepts.
        let sent: Option<Sent> = serde_json::from_str(json.get()).ok();
        if let Some(sent) = &sent {
            assert_eq!(sent.offset, record.offset);
        }
        match &record.examination {
            Err(letter) => {
                sentence::check(&letter.cause);
                assert!(partition.starts_with(&letter.topic));
                assert_eq!(letter.offset, record.offset);
                match &letter.unread {
                    Some(unread) => assert_eq!(unread, json.get()),
                    None => {
                        if let Some(sent) = &sent {
                            assert_eq!(letter.key, bytes(&sent.key));
                            assert_eq!(letter.value, bytes(&sent.value));
                        }
                    }
                }
            }
            Ok(read) => {
                let (cause, description) = &**read;
                if let Some(sent) = &sent {
                    named_by_all(sent, &description.tenant);
                }
                decided(cause, description);
            }
        }
    }
    assert_eq!(count, examined.len());
}

/// Checks that every part of an accepted record names `tenant`.
fn named_by_all(sent: &Sent, tenant: &Identifier) {
    assert_eq!(
        bytes(&sent.key).as_deref(),
        Some(tenant.as_str().as_bytes())
    );
    // A record without headers is in structured mode.
    let no_headers = sent.headers.is_null() || sent.headers.as_array().is_some_and(Vec::is_empty);
    let value: Option<Value> =
        bytes(&sent.value).and_then(|value| serde_json::from_slice(&value).ok());
    if let Some(subject) = value
        .filter(|_| no_headers)
        .as_ref()
        .and_then(|value| value.get("subject"))
        && !subject.is_null()
    {
        assert_eq!(subject.as_str(), Some(tenant.as_str()));
    }
}

fn bytes(base64: &Value) -> Option<Vec<u8>> {
    base64_simd::STANDARD.decode_to_vec(base64.as_str()?).ok()
}

/// Decides an inbound event of an unknown entity, and then decides it again.
fn decided(cause: &InboundEvent, description: &Description) {
    let configuration =
        serde_json::to_string(&description.configuration).expect("it is strings and numbers");
    assert_eq!(
        serde_json::from_str::<Configuration>(&configuration)
            .as_ref()
            .ok(),
        Some(&description.configuration)
    );

    let routing = ProviderRouting::parse("", "", "").expect("nobody in particular is anybody");
    let planning = Planning {
        now: cause.time,
        deadline: cause.time,
        routing: &routing,
    };
    let decision = match plan(None, cause, description, planning) {
        Ok(decision) => decision,
        Err(PlanError::TooOld(time)) => unreachable!("it happens now, not at {time}"),
        // The event asks for too many assets, or for one that is not made for its topic.
        Err(error) => return sentence::check(&error.to_string()),
    };
    assert!(
        decision.starts.len() <= MOST_ASSETS,
        "{} jobs",
        decision.starts.len()
    );
    for job in &decision.jobs {
        assert_eq!(job.tenant, description.tenant);
        names_are_ours(job);
    }
    for outbound in &decision.events {
        assert!(
            outbound.value.len() <= LARGEST_EVENT,
            "{} bytes are published",
            outbound.value.len()
        );
        let event: Value =
            serde_json::from_str(&outbound.value).expect("what is published is JSON");
        let tenant = description.tenant.as_str();
        assert_eq!(outbound.key, tenant);
        assert_eq!(event["subject"], tenant);
        assert_eq!(event["data"]["tenantId"], tenant);
    }
    let again = plan(decision.entity.as_ref(), cause, description, planning)
        .expect("it was planned before");
    assert_eq!(
        (again.events.len(), again.starts.len()),
        (0, 0),
        "a repetition changes nothing"
    );
}
