//! A batch as an MSK event source mapping sends it, read loosely and record by record.
//!
//! `aws_lambda_events::KafkaEvent` reads the same JSON, but refuses the whole batch for one null header or one byte written
//! unsigned, before a handler could say which record it was, and its timestamps are a millisecond off. Here only what a batch
//! cannot do without is asked of the whole; the rest is each record's own affair.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The whole payload.
#[derive(Debug, Deserialize)]
pub(crate) struct Batch<'a> {
    /// Records by `<topic>-<partition>`, each list in the order of its offsets.
    #[serde(borrow)]
    records: std::collections::BTreeMap<Cow<'a, str>, Vec<&'a RawValue>>,
}

/// The records of one partition.
#[derive(Debug)]
pub(crate) struct Partition<'a> {
    /// `<topic>-<partition>`: the name it has in the response.
    pub name: String,
    /// Its records in order.
    pub records: Vec<Record<'a>>,
}

/// One record: where it stands, and what it holds.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: Option<i64>,
    /// Its JSON as it came.
    pub json: &'a str,
    pub content: Result<Content<'a>, RecordError>,
}

/// What a record holds, out of its Base64.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<events::Header<'a>>,
}

/// What is wrong with a record before anyone looks at its event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("the record's `{0}` is not Base64 text")]
    Base64(&'static str),
    #[error("the record's `headers` are not a list of names with lists of bytes")]
    Headers,
    #[error("the header `{name}` holds {value}, which is not a byte")]
    Byte { name: String, value: i64 },
}

/// The payload is not a batch at all, so no record of it can be named.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// It is not JSON, or has no `records` by partition.
    #[error("the invocation's payload is not a batch of Kafka records")]
    Shape(#[source] serde_json::Error),
    /// A record does not say where it stands.
    #[error("a record of {partition} has no usable `offset`")]
    Offset {
        /// `<topic>-<partition>`.
        partition: String,
        /// What is wrong with the record.
        source: serde_json::Error,
    },
    /// A partition does not say which it is.
    #[error("the partition `{0}` is not a topic and a number with a hyphen between")]
    Name(String),
}

/// A record of which only the offset must be there; every other field may be anything.
#[derive(Deserialize)]
struct Fields<'a> {
    offset: i64,
    #[serde(borrow, default)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow, default)]
    key: Option<&'a RawValue>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    headers: Option<&'a RawValue>,
}

impl<'a> Batch<'a> {
    /// Reads the payload.
    pub(crate) fn parse(json: &'a str) -> Result<Vec<Partition<'a>>, BatchError> {
        let batch: Self = serde_json::from_str(json).map_err(BatchError::Shape)?;
        batch
            .records
            .into_iter()
            .map(|(name, records)| {
                // A topic's name may hold hyphens; the number comes after the last one.
                let (topic, number) = name.rsplit_once('-').ok_or_else(|| BatchError::Name(name.to_string()))?;
                let number: i32 = number.parse().map_err(|_| BatchError::Name(name.to_string()))?;
                let records = records.into_iter().map(|record| {
                    Record::parse(record.get(), topic, number)
                        .map_err(|source| BatchError::Offset { partition: name.to_string(), source })
                });
                Ok(Partition { records: records.collect::<Result<_, _>>()?, name: name.to_string() })
            })
            .collect()
    }
}

impl<'a> Record<'a> {
    fn parse(json: &'a str, topic: &str, partition: i32) -> Result<Self, serde_json::Error> {
        let fields: Fields<'a> = serde_json::from_str(json)?;
        Ok(Self {
            topic: topic.to_owned(),
            partition,
            offset: fields.offset,
            timestamp: fields.timestamp.and_then(|timestamp| serde_json::from_str(timestamp.get()).ok()),
            json,
            content: Content::parse(&fields),
        })
    }
}

impl<'a> Content<'a> {
    fn parse(fields: &Fields<'a>) -> Result<Self, RecordError> {
        Ok(Self {
            key: bytes("key", fields.key)?,
            value: bytes("value", fields.value)?,
            headers: fields.headers.map_or(Ok(Vec::new()), headers)?,
        })
    }
}

/// Base64 text, or nothing: AWS leaves a tombstone's `value` out, and has been seen to write it as null.
fn bytes(name: &'static str, value: Option<&RawValue>) -> Result<Option<Vec<u8>>, RecordError> {
    let Some(value) = value else { return Ok(None) };
    let text: Option<Cow<'_, str>> = serde_json::from_str(value.get()).map_err(|_| RecordError::Base64(name))?;
    text.map(|text| base64_simd::STANDARD.decode_to_vec(text.as_bytes()).map_err(|_| RecordError::Base64(name)))
        .transpose()
}

/// A list of objects with one name each. Bytes are Java's, so signed; whoever imitates the mapping tends to write them
/// unsigned, and means the same. A value may be null, as in Kafka; the list may be null, as nobody promised it is not.
fn headers<'a>(headers: &'a RawValue) -> Result<Vec<events::Header<'a>>, RecordError> {
    type Loose<'a> = Option<Vec<std::collections::BTreeMap<Cow<'a, str>, Option<Vec<i64>>>>>;
    let headers: Loose<'a> = serde_json::from_str(headers.get()).map_err(|_| RecordError::Headers)?;
    headers
        .unwrap_or_default()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let value = value.map(|bytes| {
                bytes
                    .into_iter()
                    .map(|value| byte(value).ok_or_else(|| RecordError::Byte { name: name.to_string(), value }))
                    .collect::<Result<Vec<u8>, _>>()
            });
            Ok((name.clone(), value.transpose()?.map(Cow::Owned)))
        })
        .collect()
}

fn byte(value: i64) -> Option<u8> {
    i8::try_from(value).map(|signed| signed.to_be_bytes()[0]).or_else(|_| u8::try_from(value)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(record: &str) -> Result<(Vec<events::Header<'static>>, Option<Vec<u8>>), RecordError> {
        let json = format!(r#"{{"records":{{"eventzr.event.created.v1-3":[{record}]}}}}"#);
        let partitions = Batch::parse(&json).unwrap();
        let record = partitions.into_iter().next().unwrap().records.remove(0);
        assert_eq!((&*record.topic, record.partition, record.offset), ("eventzr.event.created.v1", 3, 7));
        let content = record.content?;
        let headers = content
            .headers
            .into_iter()
            .map(|(name, value)| (Cow::Owned(name.into_owned()), value.map(|value| Cow::Owned(value.into_owned()))));
        Ok((headers.collect(), content.value))
    }

    #[test]
    fn header_bytes_are_signed_and_unsigned_ones_mean_the_same() {
        let signed = one(r#"{"offset":7,"headers":[{"x":[99,97,102,-61,-87]}]}"#).unwrap().0;
        let unsigned = one(r#"{"offset":7,"headers":[{"x":[99,97,102,195,169]}]}"#).unwrap().0;
        assert_eq!(signed, unsigned);
        assert_eq!(signed[0].1.as_deref(), Some("café".as_bytes()));
    }

    #[test]
    fn a_header_without_a_value_stays_one_and_the_order_stays() {
        let headers = one(r#"{"offset":7,"headers":[{"b":null},{"a":[1]},{"b":[2]}]}"#).unwrap().0;
        let names: Vec<_> = headers.iter().map(|(name, value)| (&**name, value.as_deref())).collect();
        assert_eq!(names, [("b", None), ("a", Some(&[1][..])), ("b", Some(&[2][..]))]);
    }

    #[test]
    fn headers_may_be_absent_or_null() {
        assert_eq!(one(r#"{"offset":7}"#).unwrap().0, []);
        assert_eq!(one(r#"{"offset":7,"headers":null}"#).unwrap().0, []);
    }

    #[test]
    fn a_tombstone_has_a_null_value_or_none_at_all() {
        assert_eq!(one(r#"{"offset":7,"value":null}"#).unwrap().1, None);
        assert_eq!(one(r#"{"offset":7}"#).unwrap().1, None);
    }

    #[test]
    fn what_is_wrong_with_one_record_is_said_of_that_record() {
        assert_eq!(one(r#"{"offset":7,"value":"***"}"#), Err(RecordError::Base64("value")));
        assert_eq!(one(r#"{"offset":7,"key":5}"#), Err(RecordError::Base64("key")));
        assert_eq!(one(r#"{"offset":7,"headers":"none"}"#), Err(RecordError::Headers));
        let byte = RecordError::Byte { name: "x".to_owned(), value: 300 };
        assert_eq!(one(r#"{"offset":7,"headers":[{"x":[300]}]}"#), Err(byte));
    }

    #[test]
    fn a_payload_that_is_no_batch_is_refused_as_a_whole() {
        assert!(matches!(Batch::parse("{}"), Err(BatchError::Shape(_))));
        assert!(matches!(Batch::parse(r#"{"records":{"t-0":[{"value":""}]}}"#), Err(BatchError::Offset { .. })));
        assert!(matches!(Batch::parse(r#"{"records":{"nohyphen":[]}}"#), Err(BatchError::Name(_))));
    }
}
