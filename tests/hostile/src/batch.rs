//! A whole batch: whatever it holds, each of its records has a fate, in order.

use std::{fmt::Write as _, str};

use events::Topic;
use intake::{BatchError, Examined, examine};
use serde_json::{Value, json};

use crate::Record;

/// The batch that the mapping makes of `records`, all of partition 0 of `topic`, with offsets from 0 on.
#[must_use]
pub fn batch_of(topic: Topic, records: &[Record]) -> String {
    let mut batch = format!(r#"{{"eventSource":"aws:kafka","records":{{"{topic}-0":["#);
    for (offset, record) in records.iter().enumerate() {
        let comma = if offset == 0 { "" } else { "," };
        write!(batch, r#"{comma}{{"topic":"{topic}","partition":0,"offset":{offset}"#).expect("a String takes all");
        let base64 = |bytes: &[u8]| base64_simd::STANDARD.encode_to_string(bytes);
        for (name, bytes) in [("key", &record.key), ("value", &record.value)] {
            if let Some(bytes) = bytes {
                write!(batch, r#","{name}":"{}""#, base64(bytes)).expect("a String takes all");
            }
        }
        batch.push_str(r#","headers":["#);
        for (index, (name, value)) in record.headers.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // Java's bytes are signed.
            let signed =
                value.as_ref().map(|value| value.iter().map(|byte| i8::from_be_bytes([*byte])).collect::<Vec<_>>());
            write!(batch, "{comma}{{{}:{}}}", json!(name), json!(signed)).expect("a String takes all");
        }
        batch.push_str("]}");
    }
    batch.push_str("]}}");
    batch
}

/// What a batch of a consumed topic holds, as its function sees it.
///
/// # Errors
/// A [`BatchError`] if it is none.
pub fn examine_batch(topic: Topic, payload: &str) -> Result<Vec<Examined>, BatchError> {
    match topic {
        Topic::EventPublished => examine(topic, event_published::describe, payload),
        Topic::CmsPublished => examine(topic, cms_published::describe, payload),
        Topic::CampaignLaunched => examine(topic, campaign_launched::describe, payload),
        _ => examine(topic, event_created::describe, payload),
    }
}

/// Holds a batch of `eventzr.event.created.v1` to what is promised of it.
///
/// # Panics
/// If a promise is broken.
pub fn check_batch(input: &[u8]) {
    let Ok(payload) = str::from_utf8(input) else { return };
    let Ok(examined) = examine_batch(Topic::EventCreated, payload) else { return };
    let is = examined.iter().map(|record| (record.partition.clone(), record.offset));
    // What serde_json's own value can hold says which records there are.
    if let Ok(value) = serde_json::from_str::<Value>(payload) {
        let partitions = value["records"].as_object().into_iter().flatten();
        let expected = partitions.flat_map(|(name, records)| {
            records
                .as_array()
                .into_iter()
                .flatten()
                .map(move |record| (name.clone(), record["offset"].as_i64().unwrap_or(-1)))
        });
        assert!(is.clone().eq(expected), "each record has one fate, in order");
    }
    for record in &examined {
        if let Err(aside) = &record.examination {
            assert!(!aside.cause.is_empty() && aside.cause.chars().count() <= 1001);
            assert!(
                record.partition.starts_with(&aside.topic) && aside.offset == record.offset,
                "it is called what it is"
            );
        }
    }
}
