//! Set aside: a record that can never succeed is kept whole, so that the rest of its partition goes on.

use aws_sdk_dynamodb::{
    error::BoxError, operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue,
};
use aws_sdk_s3::primitives::ByteStream;
use events::{Identifier, Time};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    Journal,
    items::{self, Key},
};

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
    /// object. Doing it again counts, and opens an entry again that was resolved.
    ///
    /// # Errors
    /// A [`SetAsideError`].
    pub async fn set_aside(&self, record: &SetAside, now: Time) -> Result<(), SetAsideError> {
        self.put_set_aside(record).await?;
        let update = self.index(record, now, "");
        update.send().await.map_err(|error| SetAsideError::Index(error.into()))?;
        Ok(())
    }

    /// Puts `record` where its entry says that it is.
    pub(crate) async fn put_set_aside(&self, record: &SetAside) -> Result<(), SetAsideError> {
        let body = serde_json::to_vec(&record.object()).expect("a record is strings and numbers under string keys");
        let put = self.s3.put_object().bucket(&self.set_aside_bucket).key(record.object_key());
        let put = put.content_type("application/json").body(ByteStream::from(body));
        put.send().await.map_err(|error| SetAsideError::Object(error.into()))?;
        Ok(())
    }

    /// The update that has the entry of `record` stand open, counted once more; `and_set` is what else it sets.
    fn index(&self, record: &SetAside, now: Time, and_set: &str) -> UpdateItemFluentBuilder {
        // A record's key is its tenant, and may be anything: what is no name lists it nowhere.
        let tenant = record.key.as_deref().and_then(|key| Identifier::parse(std::str::from_utf8(key).ok()?).ok());
        let listed = if tenant.is_some() { ", tenant = :tenant, listed = if_not_exists(listed, :listed)" } else { "" };
        let id = record.id();
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let number = |number: i64| AttributeValue::N(number.to_string());
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::set_aside(id).into_item()))
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
            .expression_attribute_values(":open", AttributeValue::S(items::set_aside_shard(id)))
            .expression_attribute_values(":one", number(1));
        match tenant {
            Some(tenant) => update
                .expression_attribute_values(":tenant", text(tenant.as_str()))
                .expression_attribute_values(":listed", AttributeValue::S(format!("set-aside#{now}"))),
            None => update,
        }
    }
}
