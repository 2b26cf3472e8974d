//! A record as its producer wrote it, and the batch that the mapping makes of it.

use std::fmt::Write as _;

use contract::{Header, Topic};
use intake::{BatchError, Examined, examine};
use serde_json::json;

/// A record as Kafka stores it.
#[derive(Debug, Clone, Default)]
pub struct Record<'a> {
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its headers, in order.
    pub headers: &'a [Header<'a>],
    /// Its value.
    pub value: Option<&'a [u8]>,
}

/// The payload that the mapping makes of `records`: all in partition 0 of `topic`, with offsets
/// from 0.
#[must_use]
pub fn batch_of<'a>(topic: Topic, records: impl IntoIterator<Item = Record<'a>>) -> String {
    let mut batch = format!(r#"{{"eventSource":"aws:kafka","records":{{"{topic}-0":["#);
    for (offset, record) in records.into_iter().enumerate() {
        let comma = if offset == 0 { "" } else { "," };
        write!(
            batch,
            r#"{comma}{{"topic":"{topic}","partition":0,"offset":{offset}"#
        )
        .expect("a String takes all");
        for (name, bytes) in [("key", record.key), ("value", record.value)] {
            if let Some(bytes) = bytes {
                let base64 = base64_simd::STANDARD.encode_to_string(bytes);
                write!(batch, r#","{name}":"{base64}""#).expect("a String takes all");
            }
        }
        batch.push_str(r#","headers":["#);
        for (index, (name, value)) in record.headers.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // The mapping writes bytes as Java does, signed.
            let signed: Option<Vec<i8>> = value.as_ref().map(|value| {
                value
                    .iter()
                    .map(|byte| i8::from_be_bytes([*byte]))
                    .collect()
            });
            write!(batch, "{comma}{{{}:{}}}", json!(name), json!(signed))
                .expect("a String takes all");
        }
        batch.push_str("]}");
    }
    batch.push_str("]}}");
    batch
}

/// Examines a batch as the function of a consumed `topic` does.
///
/// # Errors
/// A [`BatchError`] if `payload` is not a batch.
///
/// # Panics
/// If no function consumes the topic.
pub fn examine_as(topic: Topic, payload: &str) -> Result<Vec<Examined>, BatchError> {
    match topic {
        Topic::EventCreated => examine(topic, event_created::describe, payload),
        Topic::EventPublished => examine(topic, event_published::describe, payload),
        Topic::CmsPublished => examine(topic, cms_published::describe, payload),
        Topic::CampaignLaunched => examine(topic, campaign_launched::describe, payload),
        Topic::RenderJobCreated
        | Topic::RenderJobCompleted
        | Topic::RenderJobFailed
        | Topic::TemplateCreated
        | Topic::TemplateUpdated
        | Topic::VoiceModelCreated
        | Topic::VoiceModelReady => panic!("no function consumes {topic}"),
    }
}
