//! An event that somebody wants to publish: an example of the contract's, a file, or what comes on
//! standard input.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use contract::Topic;
use serde_json::Value;

use crate::checkout::Checkout;

/// The header that says that a value is a whole CloudEvent.
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

/// There is nothing to publish, or nowhere to publish it to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The event cannot be read.
    #[error("cannot read the event from {from}")]
    Read {
        /// The file, or standard input.
        from: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The type is not that of a consumed topic, so that there is nowhere to publish the event.
    #[error("`type` is `{0}`, and the studio consumes no such event: it consumes {consumed}", consumed = consumed())]
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

/// An event as it will be published: unchecked, for it is the function's part to check it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub topic: Topic,
    pub key: Option<String>,
    pub value: Option<Vec<u8>>,
}

impl Event {
    /// Reads it from where it comes from.
    pub(crate) async fn read(input: Input, checkout: &Checkout) -> Result<Self, Error> {
        let from = match &input {
            Input::Example(topic) => shown(&checkout.example(*topic)),
            Input::File(path) => path.display().to_string(),
            Input::Stdin => "standard input".to_owned(),
        };
        let checkout = checkout.clone();
        let bytes = tokio::task::spawn_blocking(move || match input {
            Input::Example(topic) => Ok(serde_json::to_vec(&example_of_now(topic, &checkout)?)?),
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
        Self::of(bytes.map_err(|source| Error::Read { from, source })?)
    }

    /// Reads no more of it than where it goes. What names no topic goes where the function will say
    /// what is wrong with it.
    fn of(bytes: Vec<u8>) -> Result<Self, Error> {
        let value: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let topic = match value["type"].as_str() {
            None => Topic::EventCreated,
            Some(name) => match name.parse::<Topic>() {
                Ok(topic) if topic.is_consumed() => topic,
                _ => return Err(Error::Type(name.to_owned())),
            },
        };
        let key = value["data"]["tenantId"].as_str().map(str::to_owned);
        // An empty file is a record without a value: a tombstone.
        Ok(Self {
            topic,
            key,
            value: (!bytes.is_empty()).then_some(bytes),
        })
    }
}

/// A path as a person types it from here.
pub(crate) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The contract's example of a topic, with the time of now: it must not grow too old to be handled.
/// A user's own event is published as it is.
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
        let bytes = br#"{"type":"eventzr.cms.published.v1","data":{"tenantId":"t"}}"#.to_vec();
        let event = Event::of(bytes.clone()).expect("a consumed type");
        assert_eq!(
            event,
            Event {
                topic: Topic::CmsPublished,
                key: Some("t".to_owned()),
                value: Some(bytes)
            }
        );
    }

    #[test]
    fn what_names_no_type_is_published_all_the_same() {
        for bytes in [
            &b""[..],
            b"not JSON",
            b"[]",
            br#"{"type":7}"#,
            br#"{"data":{"tenantId":1}}"#,
        ] {
            let event = Event::of(bytes.to_vec()).expect("to be judged by the function");
            assert_eq!((event.topic, event.key), (Topic::EventCreated, None));
            assert_eq!(event.value.is_none(), bytes.is_empty());
        }
    }

    #[test]
    fn a_type_that_is_not_consumed_is_named() {
        for name in [
            "eventzr.event.deleted.v1",
            "eventzr.studio.template.created.v1",
        ] {
            let error = Event::of(format!(r#"{{"type":"{name}"}}"#).into_bytes())
                .expect_err("not consumed");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
