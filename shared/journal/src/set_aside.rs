//! Set aside: a record that can never succeed is kept whole, so that the rest of its partition goes on.

use aws_sdk_dynamodb::{error::BoxError, types::AttributeValue};
use aws_sdk_s3::primitives::ByteStream;
use events::{Identifier, Time};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::Journal;

/// A record as it came, and why it is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
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

/// Why a record could not be set aside. It is then as if it could not be handled yet.
#[derive(Debug, thiserror::Error)]
pub enum SetAsideError {
    /// S3 did not take it.
    #[error("putting a record that is set aside into S3")]
    Object(#[source] BoxError),
    /// DynamoDB did not take its index entry.
    #[error("indexing a record that is set aside in DynamoDB")]
    Index(#[source] BoxError),
}

/// The object in the bucket. Bytes are Base64.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    timestamp: Option<i64>,
    cause: &'a str,
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(&'a str, Option<String>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<&'a str>,
}

impl SetAside {
    /// UUIDv5 of the coordinates and the content: a redelivery finds the same place, another record at the same offset (a topic
    /// made anew) does not.
    fn id(&self) -> Uuid {
        let mut content = Sha256::new();
        for part in [self.key.as_deref(), self.value.as_deref(), self.unread.as_deref().map(str::as_bytes)] {
            content.update((part.map_or(u64::MAX, |part| part.len() as u64)).to_be_bytes());
            content.update(part.unwrap_or_default());
        }
        jobs::derive(&[
            b"set-aside",
            self.topic.as_bytes(),
            &self.partition.to_be_bytes(),
            &self.offset.to_be_bytes(),
            &content.finalize(),
        ])
    }

    fn object_key(&self) -> String {
        format!("records/{}/{}/{:020}-{}.json", self.topic, self.partition, self.offset, self.id())
    }

    fn object(&self) -> Object<'_> {
        let base64 = |bytes: &Vec<u8>| base64_simd::STANDARD.encode_to_string(bytes);
        Object {
            topic: &self.topic,
            partition: self.partition,
            offset: self.offset,
            timestamp: self.timestamp,
            cause: &self.cause,
            key: self.key.as_ref().map(base64),
            value: self.value.as_ref().map(base64),
            headers: self.headers.iter().map(|(name, value)| (name.as_str(), value.as_ref().map(base64))).collect(),
            unread: self.unread.as_deref(),
        }
    }
}

impl Journal {
    /// Sets a record aside that can never succeed: first into the bucket, then into the index, so that an entry always has its
    /// object. Doing it again counts.
    ///
    /// # Errors
    /// A [`SetAsideError`].
    pub async fn set_aside(&self, record: &SetAside, now: Time) -> Result<(), SetAsideError> {
        let key = record.object_key();
        let body = serde_json::to_vec(&record.object()).expect("a record is strings and numbers under string keys");
        let put = self.s3.put_object().bucket(&self.set_aside_bucket).key(&key).content_type("application/json");
        put.body(ByteStream::from(body)).send().await.map_err(|error| SetAsideError::Object(error.into()))?;

        // A record's key is its tenant, and may be anything: what is no name lists it nowhere.
        let tenant = record.key.as_deref().and_then(|key| Identifier::parse(std::str::from_utf8(key).ok()?).ok());
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let number = |number: i64| AttributeValue::N(number.to_string());
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(format!("set-aside#{}", record.id())))
            .key("sk", text("record"))
            .update_expression(format!(
                "SET #topic = :topic, #partition = :partition, #offset = :offset, #cause = :cause, #object = :object, \
                 first_seen = if_not_exists(first_seen, :now), last_seen = :now{} ADD #count :one",
                if tenant.is_some() { ", tenant = :tenant, listed = if_not_exists(listed, :listed)" } else { "" },
            ))
            .expression_attribute_names("#topic", "topic")
            .expression_attribute_names("#partition", "partition")
            .expression_attribute_names("#offset", "offset")
            .expression_attribute_names("#cause", "cause")
            .expression_attribute_names("#object", "object")
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":topic", text(&record.topic))
            .expression_attribute_values(":partition", number(i64::from(record.partition)))
            .expression_attribute_values(":offset", number(record.offset))
            .expression_attribute_values(":cause", text(&record.cause))
            .expression_attribute_values(":object", text(&key))
            .expression_attribute_values(":now", text(&now.to_string()))
            .expression_attribute_values(":one", number(1));
        let update = match tenant {
            Some(tenant) => update
                .expression_attribute_values(":tenant", text(tenant.as_str()))
                .expression_attribute_values(":listed", AttributeValue::S(format!("set-aside#{now}"))),
            None => update,
        };
        update.send().await.map_err(|error| SetAsideError::Index(error.into()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn where_a_record_is_set_aside_is_said_by_its_coordinates_and_a_digest_and_by_nothing_in_it(
            (key, value) in (option::of(vec(any::<u8>(), 0..30)), option::of(vec(any::<u8>(), 0..30))),
            (unread, cause) in (option::of("\\PC{0,30}"), "\\PC{1,30}"),
            (partition, offset) in (0..1000, 0..i64::MAX),
        ) {
            let topic = "eventzr.event.created.v1".to_owned();
            let aside = SetAside { topic, partition, offset, timestamp: None, key, value, headers: Vec::new(), unread, cause };
            let object = aside.object_key();
            let digest = object
                .strip_prefix(&format!("records/eventzr.event.created.v1/{partition}/{offset:020}-"))
                .and_then(|rest| rest.strip_suffix(".json"))
                .unwrap();
            prop_assert_eq!(digest.parse::<Uuid>().unwrap().to_string(), digest);
            // The same again is the same; any other content is somewhere else.
            prop_assert_eq!(&aside.clone().object_key(), &object);
            let other = SetAside { value: Some(aside.value.as_deref().unwrap_or_default().iter().copied().chain([0]).collect()), ..aside };
            prop_assert_ne!(other.object_key(), object);
        }
    }
}
