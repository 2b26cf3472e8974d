//! A record that can never succeed, as it came, and its JSON in the bucket.

use std::{borrow::Cow, str};

use contract::{Identifier, Time};
use domain::TenantKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::WrittenDeadLetter;
use uuid::Uuid;

/// Who delivers a record to its consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveredBy {
    /// The event source mapping, once or repeatedly.
    Mapping,
    /// An operator, who redrives its dead letter.
    Redrive,
}

/// A record as it came, and why it becomes a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its timestamp, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The record's JSON as the mapping sent it, where it could not be read further.
    pub unread: Option<String>,
    /// What is wrong, in one sentence that names the place.
    pub cause: String,
}

/// Some bytes are not the object of a dead letter.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// They are not JSON of the form.
    #[error("it is not a record's JSON")]
    Json(#[from] serde_json::Error),
    /// What should be Base64 is not.
    #[error("its `{0}` is not Base64")]
    Base64(&'static str),
}

/// The object in the bucket. Bytes are Base64.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    topic: Cow<'a, str>,
    partition: i32,
    offset: i64,
    timestamp: Option<i64>,
    cause: Cow<'a, str>,
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(Cow<'a, str>, Option<String>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unread: Option<Cow<'a, str>>,
}

impl DeadLetter {
    /// UUIDv5 of the coordinates and the content: a redelivery finds the same place, another record
    /// at the same offset (a topic made anew) does not.
    #[must_use]
    pub fn id(&self) -> Uuid {
        let mut content = Sha256::new();
        for part in [
            self.key.as_deref(),
            self.value.as_deref(),
            self.unread.as_deref().map(str::as_bytes),
        ] {
            content.update((part.map_or(u64::MAX, |part| part.len() as u64)).to_be_bytes());
            content.update(part.unwrap_or_default());
        }
        domain::derive(&[
            b"dead-letters",
            self.topic.as_bytes(),
            &self.partition.to_be_bytes(),
            &self.offset.to_be_bytes(),
            &content.finalize(),
        ])
    }

    /// Whose it is, as far as its key says: that is its tenant, and may be anything.
    #[must_use]
    pub fn tenant(&self) -> Option<Identifier> {
        let key = str::from_utf8(self.key.as_deref()?).ok()?;
        Identifier::parse(key).ok()
    }

    /// When it was produced; `None` if it has no timestamp.
    pub(crate) fn produced_at(&self) -> Option<Time> {
        let at = Timestamp::from_millisecond(self.timestamp?).ok()?;
        Some(Time::new(at))
    }

    /// What the table stores of it.
    pub(crate) fn entry<'a>(
        &'a self,
        tenant: Option<&'a Identifier>,
        object: &'a str,
        by: DeliveredBy,
    ) -> WrittenDeadLetter<'a> {
        WrittenDeadLetter {
            id: self.id(),
            topic: &self.topic,
            partition: self.partition,
            offset: self.offset,
            tenant,
            cause: &self.cause,
            object,
            came_back: by == DeliveredBy::Redrive,
        }
    }

    /// The key of its object. It begins with what stands for the tenant, so that an erasure finds
    /// the object even if no entry names it.
    pub(crate) fn object_key(&self) -> String {
        format!(
            "{}{}/{}/{:020}-{}.json",
            folder_of(self.tenant().as_ref()),
            self.topic,
            self.partition,
            self.offset,
            self.id()
        )
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        let base64 = |bytes: &Vec<u8>| base64_simd::STANDARD.encode_to_string(bytes);
        let object = Object {
            topic: Cow::Borrowed(&self.topic),
            partition: self.partition,
            offset: self.offset,
            timestamp: self.timestamp,
            cause: Cow::Borrowed(&self.cause),
            key: self.key.as_ref().map(base64),
            value: self.value.as_ref().map(base64),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name.into(), value.as_ref().map(base64)))
                .collect(),
            unread: self.unread.as_deref().map(Cow::Borrowed),
        };
        serde_json::to_vec(&object).expect("a record is strings and numbers under string keys")
    }

    pub(crate) fn from_json(json: &[u8]) -> Result<Self, ContentError> {
        let object: Object<'_> = serde_json::from_slice(json)?;
        let bytes = |name: &'static str, text: Option<String>| {
            let decoded = text.map(|text| base64_simd::STANDARD.decode_to_vec(text));
            decoded.transpose().map_err(|_| ContentError::Base64(name))
        };
        let headers = object
            .headers
            .into_iter()
            .map(|(name, value)| Ok((name.into_owned(), bytes("headers", value)?)));
        Ok(Self {
            topic: object.topic.into_owned(),
            partition: object.partition,
            offset: object.offset,
            timestamp: object.timestamp,
            key: bytes("key", object.key)?,
            value: bytes("value", object.value)?,
            headers: headers.collect::<Result<_, ContentError>>()?,
            unread: object.unread.map(Cow::into_owned),
            cause: object.cause.into_owned(),
        })
    }
}

/// The folder of the records whose key names `tenant`. Those whose key names none have one of their
/// own, whose objects the bucket deletes when they are old.
pub(crate) fn folder_of(tenant: Option<&Identifier>) -> String {
    match tenant {
        Some(tenant) => format!("records/{}/", TenantKey::new(tenant)),
        None => "records/no-tenant/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use super::*;

    #[test]
    fn a_record_comes_back_from_its_object_as_it_went_there() {
        let read = DeadLetter {
            topic: "eventzr.event.created.v1".to_owned(),
            partition: 3,
            offset: 9_007_199_254_740_993,
            timestamp: Some(-1),
            key: Some(b"tenant".to_vec()),
            value: Some(vec![0, 255, 10]),
            headers: vec![
                ("a".to_owned(), None),
                ("a".to_owned(), Some(Vec::new())),
                ("b".to_owned(), Some(vec![200])),
            ],
            unread: None,
            cause: "data.title: it is blank".to_owned(),
        };
        let tombstone = DeadLetter {
            key: None,
            value: None,
            headers: Vec::new(),
            timestamp: None,
            ..read.clone()
        };
        let unread = DeadLetter {
            unread: Some(r#"{"offset":7,"value":"***"}"#.to_owned()),
            ..tombstone.clone()
        };
        for record in [read, tombstone, unread] {
            assert_eq!(DeadLetter::from_json(&record.to_json()).unwrap(), record);
        }
        assert!(DeadLetter::from_json(b"{}").is_err());
    }

    #[test]
    fn an_object_lies_in_the_folder_of_the_tenant_that_its_records_key_names() {
        let of = |key: Option<&[u8]>| DeadLetter {
            topic: "eventzr.event.created.v1".to_owned(),
            partition: 0,
            offset: 7,
            timestamp: None,
            key: key.map(<[u8]>::to_vec),
            value: None,
            headers: Vec::new(),
            unread: None,
            cause: "it is no JSON".to_owned(),
        };
        let tenant = Identifier::parse("tenant-gone").unwrap();
        let folder = folder_of(Some(&tenant));
        assert_eq!(folder, format!("records/{}/", TenantKey::new(&tenant)));
        assert!(of(Some(b"tenant-gone")).object_key().starts_with(&folder));
        // Text of a tenant is no part of a key.
        for no_tenant in [None, Some(&b""[..]), Some(b"\xff"), Some(b"a\nb")] {
            let object = of(no_tenant).object_key();
            assert!(object.starts_with("records/no-tenant/"), "{object}");
        }
    }

    proptest! {
        #[test]
        fn a_dead_letters_id_is_made_of_coordinates_and_a_digest_alone(
            (key, value) in (option::of(vec(any::<u8>(), 0..30)), option::of(vec(any::<u8>(), 0..30))),
            (unread, cause) in (option::of("\\PC{0,30}"), "\\PC{1,30}"),
            (partition, offset) in (0..1000, 0..i64::MAX),
        ) {
            let topic = "eventzr.event.created.v1".to_owned();
            let letter = DeadLetter { topic, partition, offset, timestamp: None, key, value, headers: Vec::new(), unread, cause };
            let object = letter.object_key();
            let digest = object
                .strip_prefix(&folder_of(letter.tenant().as_ref()))
                .and_then(|rest| rest.strip_prefix(&format!("eventzr.event.created.v1/{partition}/{offset:020}-")))
                .and_then(|rest| rest.strip_suffix(".json"))
                .unwrap();
            prop_assert_eq!(digest.parse::<Uuid>().unwrap().to_string(), digest);
            // The same again is the same; any other content is somewhere else.
            prop_assert_eq!(&letter.clone().object_key(), &object);
            let other = DeadLetter { value: Some(letter.value.as_deref().unwrap_or_default().iter().copied().chain([0]).collect()), ..letter };
            prop_assert_ne!(other.object_key(), object);
        }
    }
}
