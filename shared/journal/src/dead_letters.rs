//! Dead letters: a record that can never succeed is kept whole, so that the rest of its partition
//! goes on.

mod entry;
mod list;
mod resolve;

use std::{borrow::Cow, str};

use aws_sdk_dynamodb::{
    error::{BoxError, SdkError},
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use aws_sdk_s3::primitives::ByteStream;
use contract::{Identifier, Time};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

pub use entry::{Entry, Resolution, Resolved};
pub use list::{Place, UnknownPlace, Window};
pub use resolve::Outcome;

use crate::{
    Journal, StoreError,
    items::{self, Item, Key},
};

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

/// Why a dead letter could not be written or read. Doing it again is safe.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// S3 did not take it.
    #[error("putting a dead letter into S3")]
    Object(#[source] BoxError),
    /// DynamoDB did not take its index entry.
    #[error("indexing a dead letter in DynamoDB")]
    Index(#[source] BoxError),
    /// Its entry could not be read.
    #[error("reading the entry of a dead letter")]
    Entry(#[source] StoreError),
    /// S3 did not give it back.
    #[error("getting a dead letter from S3")]
    Fetch(#[source] BoxError),
    /// S3 did not delete it.
    #[error("deleting a dead letter from S3")]
    Delete(#[source] BoxError),
    /// Its object is not what it should be: another version of the code put it there, or a hand
    /// did.
    #[error("the object of a dead letter cannot be read")]
    Content(#[from] ContentError),
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
    pub fn tenant(&self) -> Option<&str> {
        let key = str::from_utf8(self.key.as_deref()?).ok()?;
        Identifier::parse(key).is_ok().then_some(key)
    }

    fn object_key(&self) -> String {
        format!(
            "records/{}/{}/{:020}-{}.json",
            self.topic,
            self.partition,
            self.offset,
            self.id()
        )
    }

    fn to_json(&self) -> Vec<u8> {
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

    fn from_json(json: &[u8]) -> Result<Self, ContentError> {
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

impl Journal {
    /// Writes a dead letter: first into the bucket, then into the index, so that an entry always
    /// has its object. Doing it again counts, and opens an entry again that was resolved.
    ///
    /// # Errors
    /// A [`DeadLetterError`].
    pub async fn write_dead_letter(
        &self,
        record: &DeadLetter,
        now: Time,
    ) -> Result<(), DeadLetterError> {
        self.put_dead_letter(record).await?;
        let update = self
            .index(record, now, "")
            .return_values(ReturnValue::AllOld);
        let before = update
            .send()
            .await
            .map_err(|error| DeadLetterError::Index(error.into()))?
            .attributes;
        // Whoever resolved it may have deleted what was just put, before the entry stood open
        // again.
        if before.is_some_and(|before| before.contains_key("resolved")) {
            self.put_dead_letter(record).await?;
        }
        Ok(())
    }

    /// As [`write_dead_letter`](Self::write_dead_letter), for a record of the on-failure envelope
    /// `envelope`: however often it is done for one envelope it counts once, and does not open an
    /// entry again that was resolved since. Returns whether it was the first time.
    ///
    /// # Errors
    /// A [`DeadLetterError`].
    pub async fn write_dead_letter_of_envelope(
        &self,
        record: &DeadLetter,
        envelope: &str,
        now: Time,
    ) -> Result<bool, DeadLetterError> {
        // Looked at first, so that the content of one that was resolved since is not put back.
        let before = self
            .read(Key::dead_letter(record.id()))
            .await
            .map_err(DeadLetterError::Entry)?
            .unwrap_or_default();
        let envelope = AttributeValue::S(envelope.to_owned());
        if before.get("envelope") == Some(&envelope) {
            return Ok(false);
        }
        self.put_dead_letter(record).await?;
        let update = self
            .index(record, now, ", envelope = :envelope")
            .condition_expression("attribute_not_exists(envelope) OR envelope <> :envelope")
            .expression_attribute_values(":envelope", envelope)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = update.send().await else {
            return Ok(true);
        };
        // Somebody else was faster.
        if !unmet(error)
            .map_err(DeadLetterError::Index)?
            .contains_key("open")
        {
            self.delete_dead_letter(&record.object_key()).await?;
        }
        Ok(false)
    }

    /// Puts `record` where its entry says that it is.
    async fn put_dead_letter(&self, record: &DeadLetter) -> Result<(), DeadLetterError> {
        let put = self
            .s3
            .put_object()
            .bucket(&self.dead_letters_bucket)
            .key(record.object_key());
        let put = put
            .content_type("application/json")
            .body(ByteStream::from(record.to_json()));
        put.send()
            .await
            .map_err(|error| DeadLetterError::Object(error.into()))?;
        Ok(())
    }

    /// Deletes the object of a record. One that is not there any more is fine.
    async fn delete_dead_letter(&self, object: &str) -> Result<(), DeadLetterError> {
        let delete = self
            .s3
            .delete_object()
            .bucket(&self.dead_letters_bucket)
            .key(object);
        delete
            .send()
            .await
            .map_err(|error| DeadLetterError::Delete(error.into()))?;
        Ok(())
    }

    /// The update that has the entry of `record` stand open, counted once more; `and_set` is what
    /// else it sets.
    fn index(&self, record: &DeadLetter, now: Time, and_set: &str) -> UpdateItemFluentBuilder {
        // What is no name lists it nowhere.
        let tenant = record.tenant();
        let listed = if tenant.is_some() {
            ", tenant = :tenant, listed = if_not_exists(listed, :listed)"
        } else {
            ""
        };
        let key = Key::dead_letter(record.id());
        let shard = items::dead_letters_shard(items::open_shard(&key.pk));
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let number = |number: i64| AttributeValue::N(number.to_string());
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.into_item()))
            .update_expression(format!(
                "SET #topic = :topic, #partition = :partition, #offset = :offset, #cause = :cause, #object = :object, \
                 first_seen = if_not_exists(first_seen, :now), last_seen = :now, #open = :open, \
                 deadline = if_not_exists(first_seen, :now){listed}{and_set} \
                 REMOVE resolved, resolved_at, expires_at ADD #count :one",
            ))
            .expression_attribute_names("#topic", "topic")
            .expression_attribute_names("#partition", "partition")
            .expression_attribute_names("#offset", "offset")
            .expression_attribute_names("#cause", "cause")
            .expression_attribute_names("#object", "object")
            .expression_attribute_names("#open", "open")
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":topic", text(&record.topic))
            .expression_attribute_values(":partition", number(i64::from(record.partition)))
            .expression_attribute_values(":offset", number(record.offset))
            .expression_attribute_values(":cause", text(&record.cause))
            .expression_attribute_values(":object", text(&record.object_key()))
            .expression_attribute_values(":now", text(&now.to_string()))
            .expression_attribute_values(":open", AttributeValue::S(shard))
            .expression_attribute_values(":one", number(1));
        match tenant {
            Some(tenant) => update
                .expression_attribute_values(":tenant", text(tenant))
                .expression_attribute_values(
                    ":listed",
                    AttributeValue::S(format!("dead-letter#{now}")),
                ),
            None => update,
        }
    }
}

/// The item that did not meet the condition of an update that asked for it.
fn unmet(error: SdkError<UpdateItemError>) -> Result<Item, BoxError> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
            Ok(failed.item().cloned().unwrap_or_default())
        }
        _ => Err(error.into()),
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
                .strip_prefix(&format!("records/eventzr.event.created.v1/{partition}/{offset:020}-"))
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
