//! What an operator asks about: one text, which says by its form what it names.

use std::{fmt, str::FromStr};

use contract::{Entity, EntityKind, Identifier, Topic};
use serde::{Deserialize, Serialize};

/// What an operator asks about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum About {
    /// An entity: `event/<id>`, `content/<id>` or `campaign/<id>`.
    Entity(Entity),
    /// An asset, by the key of its object, which its address ends with: `renders/…`.
    Asset(String),
    /// A record: `<topic>/<partition>/<offset>`.
    Record {
        /// Its topic.
        topic: Topic,
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
    },
    /// An id: of an event, a job, a voice or a dead letter, or of an entity of any kind.
    Id(Identifier),
}

/// A text that names nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownAbout {
    /// An address that does not lead to an asset.
    #[error(
        "`{0}` is no address of an asset: it has no `renders/`. Copy it from `outputUrl` of the event or from `jobs show`"
    )]
    NoAsset(String),
    /// A text that is no id.
    #[error("`{0}` is no id: one has 1 to 256 characters, and no line breaks")]
    NoId(String),
}

/// How the keys of all assets begin.
const ASSETS: &str = "renders/";

impl FromStr for About {
    type Err = UnknownAbout;

    fn from_str(text: &str) -> Result<Self, UnknownAbout> {
        let text = text.trim();
        if text.contains("://") || text.starts_with(ASSETS) {
            let key = text.find(ASSETS).map(|begin| &text[begin..]);
            let key = key.and_then(|key| key.split(['?', '#']).next());
            let key = key.ok_or_else(|| UnknownAbout::NoAsset(text.to_owned()))?;
            return Ok(Self::Asset(key.to_owned()));
        }
        let named = record(text).or_else(|| entity(text).map(Self::Entity));
        named.map_or_else(
            || {
                let id = Identifier::parse(text);
                id.map(Self::Id)
                    .map_err(|_| UnknownAbout::NoId(text.to_owned()))
            },
            Ok,
        )
    }
}

fn record(text: &str) -> Option<About> {
    let mut parts = text.rsplitn(3, '/');
    let (offset, partition) = (parts.next()?, parts.next()?);
    Some(About::Record {
        topic: parts.next()?.parse().ok()?,
        partition: partition.parse().ok()?,
        offset: offset.parse().ok()?,
    })
}

fn entity(text: &str) -> Option<Entity> {
    let (kind, id) = text.split_once('/')?;
    let kind = EntityKind::ALL
        .into_iter()
        .find(|known| known.as_str() == kind)?;
    let id = Identifier::parse(id).ok()?;
    Some(Entity { kind, id })
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entity(Entity { kind, id }) => write!(f, "{}/{id}", kind.as_str()),
            Self::Asset(key) => f.write_str(key),
            Self::Record {
                topic,
                partition,
                offset,
            } => write!(f, "{topic}/{partition}/{offset}"),
            Self::Id(id) => write!(f, "{id}"),
        }
    }
}

impl TryFrom<String> for About {
    type Error = UnknownAbout;

    fn try_from(text: String) -> Result<Self, UnknownAbout> {
        text.parse()
    }
}

impl From<About> for String {
    fn from(about: About) -> Self {
        about.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(text: &str) -> About {
        text.parse().unwrap()
    }

    #[test]
    fn the_form_of_a_text_says_what_it_names() {
        let id = |text: &str| Identifier::parse(text).unwrap();
        let entity = |kind, text: &str| About::Entity(Entity { kind, id: id(text) });
        let key = "renders/0a1b/2c3d/poster.png";
        let record = About::Record {
            topic: Topic::EventCreated,
            partition: 3,
            offset: 4711,
        };
        for (text, wanted) in [
            (
                "event/event-diwali",
                entity(EntityKind::Event, "event-diwali"),
            ),
            ("campaign/a/b", entity(EntityKind::Campaign, "a/b")),
            (key, About::Asset(key.to_owned())),
            (
                "https://assets.example/renders/0a1b/2c3d/poster.png?v=1#top",
                About::Asset(key.to_owned()),
            ),
            (
                "s3://assets/renders/0a1b/2c3d/poster.png",
                About::Asset(key.to_owned()),
            ),
            ("eventzr.event.created.v1/3/4711", record),
            ("evt-1", About::Id(id("evt-1"))),
            (" evt-1\n", About::Id(id("evt-1"))),
            ("poster/1", About::Id(id("poster/1"))),
            (
                "another.topic/3/4711",
                About::Id(id("another.topic/3/4711")),
            ),
        ] {
            assert_eq!(about(text), wanted, "{text}");
            assert_eq!(about(&wanted.to_string()), wanted);
        }
    }

    #[test]
    fn a_text_that_names_nothing_is_refused() {
        let refused = |text: &str| text.parse::<About>().unwrap_err();
        assert!(matches!(
            refused("https://assets.example/poster.png"),
            UnknownAbout::NoAsset(_)
        ));
        for wrong in ["", " ", "a\nb", &"x".repeat(257)] {
            assert!(matches!(refused(wrong), UnknownAbout::NoId(_)), "{wrong}");
        }
    }
}
