//! Where a dead letter comes from: a topic, or the queue of what is to be rendered.

use std::{fmt, str::FromStr};

use contract::Topic;
use serde::{Deserialize, Serialize};

/// Where a dead letter comes from. A dead letter has it in place of its topic, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeadLetterSource {
    /// A topic: it is a record.
    Topic(Topic),
    /// The queue of what is to be rendered: it is a message that could not be read.
    RenderQueue,
}

impl DeadLetterSource {
    /// The topic's name, or `render-queue`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Topic(topic) => topic.as_str(),
            Self::RenderQueue => "render-queue",
        }
    }
}

impl fmt::Display for DeadLetterSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no [`DeadLetterSource`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a topic of the studio's nor `render-queue`")]
pub struct UnknownSource(String);

impl FromStr for DeadLetterSource {
    type Err = UnknownSource;

    fn from_str(name: &str) -> Result<Self, UnknownSource> {
        if name == Self::RenderQueue.as_str() {
            return Ok(Self::RenderQueue);
        }
        let topic = name.parse().map(Self::Topic);
        topic.map_err(|_| UnknownSource(name.to_owned()))
    }
}

impl TryFrom<String> for DeadLetterSource {
    type Error = UnknownSource;

    fn try_from(name: String) -> Result<Self, UnknownSource> {
        name.parse()
    }
}

impl From<DeadLetterSource> for String {
    fn from(source: DeadLetterSource) -> Self {
        source.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_from_its_name_alone() {
        for (name, source) in [
            (
                "eventzr.event.created.v1",
                DeadLetterSource::Topic(Topic::EventCreated),
            ),
            ("render-queue", DeadLetterSource::RenderQueue),
        ] {
            assert_eq!(name.parse(), Ok(source));
            assert_eq!(serde_json::to_value(source).unwrap(), name);
            let read: DeadLetterSource = serde_json::from_value(name.into()).unwrap();
            assert_eq!(read, source);
        }
        for wrong in ["", "Render-Queue", "eventzr.event.created.v2"] {
            assert!(wrong.parse::<DeadLetterSource>().is_err(), "{wrong}");
        }
    }
}
