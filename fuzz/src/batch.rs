//! A batch → the outcome of each record, and the decision that follows from it.

use std::collections::{BTreeMap, BTreeSet};

use contract::{AssetKind, Configuration, Identifier, Topic};
use domain::{
    Decision, Description, InboundEvent, MOST_ASSETS, PlanError, Planning, ProviderRouting, plan,
};
use intake::{BatchError, Examined};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{Reached, examine_as, sentence, tenant::names_are_ours};

/// The largest published event, in bytes: far below the limit of any broker.
const LARGEST_EVENT: usize = 64 * 1024;

/// Has every consumer examine a batch.
///
/// Every record is reported, in order. A refused record has a sentence that says why, and is stored
/// whole. An accepted one belongs to the tenant that its key names, and that its `subject` names if
/// it has one. Its decision publishes events about that tenant only, and a second decision changes
/// nothing.
pub fn batch(input: &[u8]) -> Reached {
    let Ok(payload) = std::str::from_utf8(input) else {
        return Reached::Unread;
    };
    Topic::consumed()
        .map(|topic| examined(payload, examine_as(topic, payload)))
        .max()
        .unwrap_or(Reached::Unread)
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

fn examined(payload: &str, examined: Result<Vec<Examined>, BatchError>) -> Reached {
    let Ok(examined) = examined else {
        return Reached::Unread;
    };
    let sent: Payload<'_> = serde_json::from_str(payload).expect("a batch that was read is one");
    let sent: Vec<_> = sent
        .records
        .iter()
        .flat_map(|(partition, records)| records.iter().map(move |one| (partition, one)))
        .collect();
    assert_eq!(sent.len(), examined.len(), "every record is reported");
    let mut reached = Reached::Unread;
    for ((partition, json), record) in sent.into_iter().zip(&examined) {
        assert_eq!(*partition, record.partition);
        // JSON that is too deep for a `Value`, or an offset that no other reader accepts.
        let sent: Option<Sent> = serde_json::from_str(json.get()).ok();
        if let Some(sent) = &sent {
            assert_eq!(sent.offset, record.offset);
        }
        match &record.examination {
            Err(letter) => {
                reached = reached.max(Reached::Refused);
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
                if let Some(sent) = &sent {
                    named_by_all(sent, &read.description.tenant);
                }
                reached = reached.max(decided(&read.inbound, &read.description));
            }
        }
    }
    reached
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
fn decided(cause: &InboundEvent, description: &Description) -> Reached {
    let configuration =
        serde_json::to_string(&description.configuration).expect("it is strings and numbers");
    assert_eq!(
        serde_json::from_str::<Configuration>(&configuration)
            .as_ref()
            .ok(),
        Some(&description.configuration)
    );

    let routing = ProviderRouting::parse("", "", "").expect("a routing may be empty");
    let planning = Planning {
        now: cause.time.in_milliseconds(),
        deadline: cause.time.in_milliseconds(),
        routing: &routing,
    };
    let decision = match plan(None, cause, description, planning) {
        Ok(decision) => decision,
        Err(PlanError::TooOld(time) | PlanError::TooFarAhead(time)) => {
            unreachable!("it happens now, not at {time}")
        }
        // The event asks for too many assets, or for one that is not made for its topic.
        Err(error) => {
            sentence::check(&error.to_string());
            return Reached::Refused;
        }
    };
    asked_for(cause.topic, description, &decision);
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
    Reached::Accepted
}

/// Checks that a decision about a new entity opens a job for each asset in each language, and that
/// it sends and announces each of them.
fn asked_for(topic: Topic, description: &Description, decision: &Decision) {
    let assets: BTreeSet<AssetKind> = description.assets.iter().copied().collect();
    assert!(
        assets
            .iter()
            .all(|asset| AssetKind::made_for(topic).contains(asset)),
        "{assets:?}"
    );
    let asked = assets.len() * (1 + description.translations.len());
    let announced = decision.events.iter();
    let announced = announced.filter(|event| event.topic == Topic::RenderJobCreated);
    let jobs = decision.jobs.len();
    assert_eq!((jobs, decision.starts.len()), (asked, asked));
    assert_eq!(announced.count(), asked);
    assert!(asked <= MOST_ASSETS, "{asked} jobs");
}
