//! An event to publish: an example from the contract, a file, or standard input.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use contract::Topic;
use serde_json::Value;

use crate::checkout::Checkout;

/// The header that marks a value as a whole CloudEvent.
pub(crate) const STRUCTURED: (&str, Option<&[u8]>) = (
    "content-type",
    Some(contract::STRUCTURED_CONTENT_TYPE.as_bytes()),
);

/// Where an event comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The contract's example of a topic.
    Example(Topic),
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

/// There is nothing to publish, or no topic to publish it to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The event cannot be read.
    #[error("cannot read the event from {from}")]
    Read {
        /// The file, or standard input.
        from: String,
        /// Why it cannot be read.
        #[source]
        source: io::Error,
    },
    /// The type is not that of a consumed topic, so there is no topic to publish the event to.
    #[error("`type` is `{0}`, which the studio does not consume; it consumes {consumed}", consumed = consumed())]
    Type(String),
}

fn consumed() -> String {
    let names: Vec<&str> = Topic::ALL
        .into_iter()
        .filter(|topic| topic.is_consumed())
        .map(Topic::as_str)
        .collect();
    names.join(", ")
}

/// An event as it will be published. It is not judged here, because that is the function's task.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its file, or standard input.
    pub from: String,
    pub topic: Topic,
    pub key: Option<String>,
    pub value: Option<Vec<u8>>,
    /// Its `id` and its `source`, where they are texts.
    pub id: Option<String>,
    pub source: Option<String>,
}

impl Event {
    /// Reads the event from its source.
    pub(crate) async fn read(input: Input, checkout: &Checkout) -> Result<Self, Error> {
        let from = match &input {
            Input::Example(topic) => shown(&checkout.example(*topic)),
            Input::File(path) => path.display().to_string(),
            Input::Stdin => "standard input".to_owned(),
        };
        let checkout = checkout.clone();
        let bytes = tokio::task::spawn_blocking(move || match input {
            Input::Example(topic) => {
                let mut event = example_of_now(topic, &checkout)?;
                // Published twice, it would have one id and two times, and become a dead letter.
                let id = event["id"].as_str().unwrap_or_default();
                let now = jiff::Timestamp::now().as_millisecond();
                event["id"] = Value::String(format!("{id}-{now}"));
                Ok(serde_json::to_vec(&event)?)
            }
            Input::File(path) => fs::read(path),
            Input::Stdin => {
                let mut bytes = Vec::new();
                io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
            }
        });
        let bytes = bytes
            .await
            .map_err(io::Error::other)
            .and_then(|bytes| bytes);
        match bytes {
            Ok(bytes) => Self::of(&from, bytes),
            Err(source) => Err(Error::Read { from, source }),
        }
    }

    /// Parses only what decides the topic and the key. An event that names no topic goes to one
    /// whose function will report what is wrong with it.
    pub(crate) fn of(from: &str, bytes: Vec<u8>) -> Result<Self, Error> {
        let value: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let topic = match value["type"].as_str() {
            None => Topic::EventCreated,
            Some(name) => match name.parse::<Topic>() {
                Ok(topic) if topic.is_consumed() => topic,
                _ => return Err(Error::Type(name.to_owned())),
            },
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        // An empty file is a record without a value: a tombstone.
        Ok(Self {
            from: from.to_owned(),
            topic,
            key: text(&value["data"]["tenantId"]),
            id: text(&value["id"]),
            source: text(&value["source"]),
            value: (!bytes.is_empty()).then_some(bytes),
        })
    }
}

/// A path, relative to the current folder if possible.
pub(crate) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The contract's example of a topic, with the current time, because an old event would not be
/// processed. A user's own event is published unchanged.
pub(crate) fn example_of_now(topic: Topic, checkout: &Checkout) -> io::Result<Value> {
    let mut event: Value = serde_json::from_slice(&fs::read(checkout.example(topic))?)?;
    event["time"] = Value::String(format!("{:.3}", jiff::Timestamp::now()));
    Ok(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_goes_to_the_topic_of_its_type_with_its_tenant_as_key() {
        let bytes =
            br#"{"type":"eventzr.cms.published.v1","id":"e","data":{"tenantId":"t"}}"#.to_vec();
        let event = Event::of("my.json", bytes.clone()).expect("a consumed type");
        assert_eq!(
            event,
            Event {
                from: "my.json".to_owned(),
                topic: Topic::CmsPublished,
                key: Some("t".to_owned()),
                value: Some(bytes),
                id: Some("e".to_owned()),
                source: None,
            }
        );
    }

    #[test]
    fn an_event_without_a_type_is_still_published() {
        for bytes in [
            &b""[..],
            b"not JSON",
            b"[]",
            br#"{"type":7}"#,
            br#"{"data":{"tenantId":1}}"#,
        ] {
            let event = Event::of("my.json", bytes.to_vec()).expect("to be judged by the function");
            assert_eq!((event.topic, event.key), (Topic::EventCreated, None));
            assert_eq!(event.value.is_none(), bytes.is_empty());
        }
    }

    #[test]
    fn a_type_that_is_not_consumed_is_refused_by_name() {
        for name in [
            "eventzr.event.deleted.v1",
            "eventzr.studio.template.created.v1",
        ] {
            let error = Event::of("my.json", format!(r#"{{"type":"{name}"}}"#).into_bytes())
                .expect_err("not consumed");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
