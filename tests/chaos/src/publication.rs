//! A record to publish to a consumed topic.

use std::hash::{DefaultHasher, Hash, Hasher};

use contract::Topic;
use local::records::Produced;
use serde_json::Value;

use crate::chance::Chance;

/// A record as a producer sends it, with its expected effects.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The topic.
    pub topic: Topic,
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// The record's value; `None` for a tombstone.
    pub value: Option<Vec<u8>>,
    /// The record's headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// What is wrong with it, if it can never succeed.
    pub poison: Option<&'static str>,
    /// The least number of jobs that it opens.
    pub opens: u32,
}

/// A hash that identifies a record by topic, key, value and headers.
pub type Fingerprint = u64;

impl Publication {
    /// Makes the record of `event`, in one of CloudEvents' two modes for Kafka.
    pub fn of(topic: Topic, event: &Value, chance: &mut Chance) -> Self {
        let key = event["data"]["tenantId"]
            .as_str()
            .map(|tenant| tenant.as_bytes().to_vec());
        let (headers, value) = if chance.happens(25) {
            binary(event)
        } else {
            structured(event)
        };
        Self {
            topic,
            key,
            value: Some(value),
            headers,
            poison: None,
            opens: 0,
        }
    }

    /// The fingerprint of its record.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint(
            self.topic.as_str(),
            self.key.as_deref(),
            self.value.as_deref(),
            &self.headers,
        )
    }
}

/// The fingerprint of a record in Kafka.
#[must_use]
pub fn fingerprint_of(record: &Produced) -> Fingerprint {
    fingerprint(
        &record.topic,
        record.key.as_deref(),
        record.value.as_deref(),
        &record.headers,
    )
}

fn fingerprint(
    topic: &str,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[(String, Option<Vec<u8>>)],
) -> Fingerprint {
    let mut hasher = DefaultHasher::new();
    (topic, key, value, headers).hash(&mut hasher);
    hasher.finish()
}

type Headers = Vec<(String, Option<Vec<u8>>)>;

fn header(name: &str, value: &str) -> (String, Option<Vec<u8>>) {
    (name.to_owned(), Some(value.as_bytes().to_vec()))
}

/// Structured mode: the whole event is the value.
pub fn structured(event: &Value) -> (Headers, Vec<u8>) {
    let headers = vec![header("content-type", contract::STRUCTURED_CONTENT_TYPE)];
    (headers, event.to_string().into_bytes())
}

/// Binary mode: the event's attributes are headers, and its data is the value.
pub fn binary(event: &Value) -> (Headers, Vec<u8>) {
    let mut headers = vec![header("content-type", "application/json")];
    for (name, value) in event.as_object().into_iter().flatten() {
        if let (false, Some(value)) = (
            matches!(name.as_str(), "data" | "datacontenttype"),
            value.as_str(),
        ) {
            headers.push(header(&format!("ce_{name}"), value));
        }
    }
    (headers, event["data"].to_string().into_bytes())
}
