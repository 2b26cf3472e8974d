//! What makes the studio act: an inbound event, and what it says.

use std::{collections::BTreeMap, fmt, iter};

use contract::{
    AssetKind, Configuration, Entity, Envelope, Identifier, Locale, Time, Topic, TraceParent,
    Translation,
};
use memchr::memchr2;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::InboundEventKey;

/// What an inbound event says of its entity, in the studio's terms. A consumer's `describe` makes
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Whose entity it is.
    pub tenant: Identifier,
    /// Who did what the event reports.
    pub user: Option<Identifier>,
    /// The entity.
    pub entity: Entity,
    /// The entity's own count of its changes, where its service keeps one.
    pub version: Option<u64>,
    /// What is true of it now.
    pub configuration: Configuration,
    /// The same in other languages.
    pub translations: BTreeMap<Locale, Translation>,
    /// What the studio is to make of it, in each of its languages.
    pub assets: Vec<AssetKind>,
}

/// An inbound event as what the studio does because of it refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundEvent {
    /// Its type.
    pub topic: Topic,
    /// Its source.
    pub source: String,
    /// Its id.
    pub id: String,
    /// When it happened.
    pub time: Time,
    /// The span that handles it, of which all that follows from it is a part.
    pub trace: Option<TraceParent>,
    /// What it said, to tell a repetition from another event under the same id.
    pub content: ContentHash,
}

impl InboundEvent {
    /// The key it is decided under.
    #[must_use]
    pub fn key(&self, tenant: &Identifier) -> InboundEventKey {
        InboundEventKey::new(tenant, &self.source, &self.id)
    }

    /// Where it stands among everything that its topic says of one entity.
    #[must_use]
    pub fn stamp(&self, description: &Description) -> Stamp {
        Stamp {
            version: description.version,
            time: self.time,
            id: self.id.clone(),
        }
    }
}

/// The order in which events about one entity hold: by the entity's version, then by time, then by
/// id. An event without a version comes before every event with one; the order is total, so that
/// every order of arrival ends the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    version: Option<u64>,
    time: Time,
    id: String,
}

/// SHA-256 of what an event says: its type, subject, time and data, the data without the white
/// space between its tokens, so that the same event sent by another serializer or in the other mode
/// is the same event.
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

    /// The hash of a text that is no event.
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

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
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

/// The runs of `json` between white space that stands outside strings: one, as most serializers
/// write.
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

/// Where a string that has begun before `at` has ended.
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
    fn stamps_order_by_version_then_time_then_id() {
        let stamp = |version, second: i64, id: &str| Stamp {
            version,
            time: format!("2026-01-01T00:00:{second:02}Z")
                .parse()
                .map(Time::new)
                .unwrap(),
            id: id.to_owned(),
        };
        let mut stamps = vec![
            stamp(Some(2), 1, "a"),
            stamp(None, 9, "a"),
            stamp(Some(1), 5, "b"),
            stamp(Some(1), 5, "a"),
        ];
        stamps.sort();
        assert_eq!(
            stamps,
            [
                stamp(None, 9, "a"),
                stamp(Some(1), 5, "a"),
                stamp(Some(1), 5, "b"),
                stamp(Some(2), 1, "a")
            ]
        );
    }
}
