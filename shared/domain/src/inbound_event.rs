//! The inbound event that a decision answers, and the description of its entity.

use std::{collections::BTreeMap, iter};

use contract::{
    AssetKind, Configuration, Entity, Envelope, EventTime, Identifier, Locale, Topic, TraceParent,
    Translation,
};
use memchr::memchr2;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::InboundEventKey;

/// An inbound event's data in the domain's terms. A consumer's `describe` produces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The tenant that owns the entity.
    pub tenant: Identifier,
    /// The user who caused the event.
    pub user: Option<Identifier>,
    /// The entity.
    pub entity: Entity,
    /// The entity's change count, if its service keeps one.
    pub version: Option<u64>,
    /// Its current facts.
    pub configuration: Configuration,
    /// Its translations.
    pub translations: BTreeMap<Locale, Translation>,
    /// The kinds of asset to make, in each of its languages.
    pub assets: Vec<AssetKind>,
}

/// The identity of an inbound event, without its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundEvent {
    /// Its type.
    pub topic: Topic,
    /// Its source.
    pub source: String,
    /// Its id.
    pub id: String,
    /// When it happened.
    pub time: EventTime,
    /// The span that handles the event: the parent of everything that follows from it.
    pub trace: Option<TraceParent>,
    /// The hash of its content. It distinguishes a redelivery from another event with the same id.
    pub content: ContentHash,
}

impl InboundEvent {
    /// The key of its decision.
    #[must_use]
    pub fn key(&self, tenant: &Identifier) -> InboundEventKey {
        InboundEventKey::new(tenant, &self.source, &self.id)
    }

    /// Its position in the order of its topic's events about one entity.
    #[must_use]
    pub fn stamp(&self, description: &Description) -> Stamp {
        Stamp {
            version: description.version,
            time: self.time,
            source: self.source.clone(),
            id: self.id.clone(),
            content: self.content.to_hex(),
        }
    }
}

/// The order of events about one entity: by the entity's version, then by time, and if those are
/// equal by source, id and content. Events without a version come before all events with one. Two
/// events with the same stamp say the same, so every order of arrival gives the same result.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    version: Option<u64>,
    time: EventTime,
    source: String,
    id: String,
    content: String,
}

impl Stamp {
    /// The entity's version in the event, if it has one.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.version
    }

    /// When the event happened, by its producer's clock.
    #[must_use]
    pub fn time(&self) -> EventTime {
        self.time
    }

    /// The event's source.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The event's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// SHA-256 of an event's type, subject, time and data. White space between the tokens of the data
/// does not count, so that the same event from another serializer, or in the other mode, has the
/// same hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of `envelope`'s content.
    #[must_use]
    pub fn of(envelope: &Envelope<'_>) -> Self {
        let mut hash = Sha256::new();
        let time = envelope.time.map(|time| time.as_nanosecond().to_be_bytes());
        for part in [
            envelope.event_type.as_bytes(),
            envelope.subject.as_deref().unwrap_or_default().as_bytes(),
            time.as_ref().map_or(&[][..], |bytes| &bytes[..]),
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        for token in tokens(&envelope.data) {
            hash.update(token);
        }
        Self(hash.finalize().into())
    }

    /// The hash of a text that is not an event.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// The hash as hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            text.push(DIGITS[usize::from(byte >> 4)].into());
            text.push(DIGITS[usize::from(byte & 15)].into());
            text
        })
}

/// The parts of `json` between white space outside strings: a single part in the output of most
/// serializers.
fn tokens(json: &str) -> impl Iterator<Item = &[u8]> {
    let bytes = json.as_bytes();
    let mut at = 0;
    iter::from_fn(move || {
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        at += bytes[at..].iter().position(|byte| !is_space(byte))?;
        let begin = at;
        while let Some(byte) = bytes.get(at).filter(|byte| !is_space(byte)) {
            at = if *byte == b'"' {
                end_of_string(bytes, at + 1)
            } else {
                at + 1
            };
        }
        Some(&bytes[begin..at])
    })
}

/// The end of the string that begins before `at`.
fn end_of_string(json: &[u8], mut at: usize) -> usize {
    while let Some(length) = json.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += length;
        if json[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash_of_data(data: &str) -> ContentHash {
        let json =
            format!(r#"{{"specversion":"1.0","id":"1","source":"s","type":"t","data":{data}}}"#);
        ContentHash::of(&Envelope::decode(&[], Some(json.as_bytes())).unwrap())
    }

    #[test]
    fn white_space_between_tokens_is_not_content() {
        assert_eq!(
            hash_of_data(r#"{"title":"a b","n":[1,2]}"#),
            hash_of_data("{\n  \"title\": \"a b\",\n\t\"n\": [1, 2] }")
        );
    }

    #[test]
    fn white_space_within_a_string_is_content() {
        assert_ne!(
            hash_of_data(r#"{"title":"a b"}"#),
            hash_of_data(r#"{"title":"a  b"}"#)
        );
        assert_ne!(
            hash_of_data(r#"{"t":"\" a"}"#),
            hash_of_data(r#"{"t":"\"a"}"#)
        );
    }

    #[test]
    fn a_string_ends_at_its_own_quotation_mark() {
        for (json, end) in [
            (r#""" x"#, 2),
            (r#""a b" "#, 5),
            (r#""a\" b""#, 7),
            (r#""long, and then \" once" and more"#, 24),
            (r#""without an end"#, 15),
            (r#""with an escape at its end\""#, 28),
        ] {
            assert_eq!(end_of_string(json.as_bytes(), 1), end, "{json}");
        }
    }

    fn stamp(version: Option<u64>, time: &str, [source, id, content]: [&str; 3]) -> Stamp {
        Stamp {
            version,
            time: EventTime::new(time.parse().unwrap()),
            source: source.to_owned(),
            id: id.to_owned(),
            content: content.to_owned(),
        }
    }

    #[test]
    fn stamps_order_by_version_time_source_id_and_content() {
        let ordered = [
            stamp(None, "2026-01-01T00:00:09Z", ["a", "a", "a"]),
            stamp(Some(1), "2026-01-01T00:00:05Z", ["z", "z", "z"]),
            stamp(Some(1), "2026-01-01T00:00:05.0000001Z", ["a", "z", "z"]),
            stamp(Some(1), "2026-01-01T00:00:05.0000001Z", ["b", "a", "z"]),
            stamp(Some(1), "2026-01-01T00:00:05.0000001Z", ["b", "b", "a"]),
            stamp(Some(1), "2026-01-01T00:00:05.0000001Z", ["b", "b", "b"]),
            stamp(Some(2), "2026-01-01T00:00:01Z", ["a", "a", "a"]),
        ];
        let mut stamps = ordered.clone();
        stamps.reverse();
        stamps.sort();
        assert_eq!(stamps, ordered);
    }

    #[test]
    fn a_stored_stamp_stands_where_it_stood() {
        let stamp = stamp(None, "2026-01-01T00:00:05.000000001Z", ["a", "b", "c"]);
        let json = serde_json::to_string(&stamp).unwrap();
        assert_eq!(serde_json::from_str::<Stamp>(&json).unwrap(), stamp);
    }
}
