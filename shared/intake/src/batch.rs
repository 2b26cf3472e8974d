//! A batch in the JSON of an MSK event source mapping. A well-formed batch is parsed in one pass,
//! any other record by record.
//!
//! `aws_lambda_events::KafkaEvent` parses the same JSON, but one null header or one unsigned byte
//! makes it refuse the whole batch, before a handler could name the record, and its timestamps are
//! a millisecond off. This parser refuses a batch only if its structure is unusable; any other
//! fault belongs to its record.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

use dead_letters::DeliveredBy;
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};
use serde_json::value::RawValue;

use crate::{headers, record_error::RecordError};

/// What a batch says of its source if an operator redrives a dead letter. The mapping writes
/// `aws:kafka`.
pub(crate) const REDRIVE: &str = "eventzr:redrive";

/// A batch: who delivers it, and its records by partition.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    pub by: DeliveredBy,
    pub partitions: Vec<Partition<'a>>,
}

/// The records of one partition.
#[derive(Debug)]
pub(crate) struct Partition<'a> {
    /// `<topic>-<partition>`: the partition's name in the response.
    pub name: String,
    /// Its records, in order.
    pub records: Vec<Record<'a>>,
}

/// One record: its coordinates and its content.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub topic: Arc<str>,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: Option<i64>,
    pub content: Result<Content<'a>, Unread<'a>>,
}

/// A record whose JSON is invalid.
#[derive(Debug)]
pub(crate) struct Unread<'a> {
    pub error: RecordError,
    /// Its original JSON.
    pub json: &'a str,
}

/// A record's content, decoded from Base64.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<contract::Header<'a>>,
}

/// A payload that is not a batch, so that no record of it can be identified.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The payload is not JSON, or has no `records` by partition.
    #[error("the invocation's payload is not a batch of Kafka records")]
    Shape(#[source] serde_json::Error),
    /// A record has no usable offset.
    #[error("a record of {partition} has no usable `offset`")]
    Offset {
        /// `<topic>-<partition>`.
        partition: String,
        /// The fault in the record.
        source: serde_json::Error,
    },
    /// A partition's name does not have the form `<topic>-<partition>`.
    #[error("the partition `{0}` is not a topic and a number with a hyphen between")]
    Name(String),
}

/// A batch as JSON: the records by `<topic>-<partition>`, each list in the order of its offsets.
/// Its source may be any JSON.
#[derive(Deserialize)]
struct Json<'a, R> {
    #[serde(borrow, default, rename = "eventSource")]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    records: BTreeMap<Cow<'a, str>, Vec<R>>,
}

/// A record in the mapping's format.
#[derive(Deserialize)]
struct InOrder<'a> {
    offset: i64,
    #[serde(default)]
    timestamp: Option<i64>,
    #[serde(default)]
    key: Option<Base64>,
    #[serde(default)]
    value: Option<Base64>,
    #[serde(borrow, default, deserialize_with = "headers::deserialize")]
    headers: Vec<contract::Header<'a>>,
}

/// A record with only its offset required; every other field may be any JSON.
#[derive(Deserialize)]
struct Loose<'a> {
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

/// Parses a payload: in one pass if it is well-formed, as it nearly always is, or else record by
/// record.
///
/// # Errors
/// A [`BatchError`] if the payload is not a batch, so that no record of it can be identified.
pub(crate) fn parse(json: &str) -> Result<Batch<'_>, BatchError> {
    match serde_json::from_str::<Json<'_, InOrder<'_>>>(json) {
        Ok(batch) => read(batch, |record, topic, partition| {
            Ok(record.read(topic, partition))
        }),
        Err(_) => parse_loosely(json),
    }
}

fn parse_loosely(json: &str) -> Result<Batch<'_>, BatchError> {
    let batch: Json<'_, &RawValue> = serde_json::from_str(json).map_err(BatchError::Shape)?;
    read(batch, |record, topic, partition| {
        let fields: Loose<'_> = serde_json::from_str(record.get())?;
        Ok(fields.read(record.get(), topic, partition))
    })
}

fn read<'a, R>(
    batch: Json<'a, R>,
    read: impl Fn(R, &Arc<str>, i32) -> Result<Record<'a>, serde_json::Error>,
) -> Result<Batch<'a>, BatchError> {
    let source = batch
        .source
        .map(|source| serde_json::from_str(source.get()));
    let by = match source {
        Some(Ok(REDRIVE)) => DeliveredBy::Redrive,
        _ => DeliveredBy::Mapping,
    };
    let partitions = batch
        .records
        .into_iter()
        .map(|(name, records)| {
            // A topic's name may contain hyphens; the partition's number follows the last one.
            let (topic, number) = name
                .rsplit_once('-')
                .ok_or_else(|| BatchError::Name(name.to_string()))?;
            let number: i32 = number
                .parse()
                .map_err(|_| BatchError::Name(name.to_string()))?;
            let topic = Arc::from(topic);
            let records = records
                .into_iter()
                .map(|record| read(record, &topic, number))
                .collect::<Result<_, _>>();
            let records = records.map_err(|source| BatchError::Offset {
                partition: name.to_string(),
                source,
            })?;
            Ok(Partition {
                name: name.into_owned(),
                records,
            })
        })
        .collect::<Result<_, _>>()?;
    Ok(Batch { by, partitions })
}

impl<'a> InOrder<'a> {
    fn read(self, topic: &Arc<str>, partition: i32) -> Record<'a> {
        let bytes = |base64: Option<Base64>| base64.map(|Base64(bytes)| bytes);
        let content = Content {
            key: bytes(self.key),
            value: bytes(self.value),
            headers: self.headers,
        };
        let (offset, timestamp) = (self.offset, self.timestamp);
        Record {
            topic: topic.clone(),
            partition,
            offset,
            timestamp,
            content: Ok(content),
        }
    }
}

impl<'a> Loose<'a> {
    fn read(&self, json: &'a str, topic: &Arc<str>, partition: i32) -> Record<'a> {
        Record {
            topic: topic.clone(),
            partition,
            offset: self.offset,
            timestamp: self
                .timestamp
                .and_then(|timestamp| serde_json::from_str(timestamp.get()).ok()),
            content: self.content().map_err(|error| Unread { error, json }),
        }
    }

    fn content(&self) -> Result<Content<'a>, RecordError> {
        Ok(Content {
            key: bytes("key", self.key)?,
            value: bytes("value", self.value)?,
            headers: self.headers.map_or(Ok(Vec::new()), headers::headers)?,
        })
    }
}

/// Decodes Base64 text, if there is any: AWS leaves out a tombstone's `value`, and has also been
/// seen to write null.
fn bytes(name: &'static str, value: Option<&RawValue>) -> Result<Option<Vec<u8>>, RecordError> {
    let Some(value) = value else { return Ok(None) };
    let base64: Option<Base64> =
        serde_json::from_str(value.get()).map_err(|_| RecordError::Base64(name))?;
    Ok(base64.map(|Base64(bytes)| bytes))
}

/// Bytes, decoded from Base64 text.
struct Base64(Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Base64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("Base64 text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Base64, E> {
                base64_simd::STANDARD
                    .decode_to_vec(text.as_bytes())
                    .map(Base64)
                    .map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The results of parsing `json` in one pass and record by record.
    fn both_ways(json: &str) -> [String; 2] {
        [parse(json), parse_loosely(json)].map(|read| format!("{read:?}"))
    }

    #[test]
    fn both_parsers_read_a_well_formed_batch_alike() {
        for file in [
            "event-created-several-partitions.json",
            "event-created-hundred.json",
            "cms-published.json",
        ] {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/lambda/");
            let json = std::fs::read_to_string(format!("{folder}{file}")).unwrap();
            assert!(
                serde_json::from_str::<Json<'_, InOrder<'_>>>(&json).is_ok(),
                "{file}"
            );
            let [at_once, one_by_one] = both_ways(&json);
            assert_eq!(at_once, one_by_one);
        }
        for record in [
            r#"{"offset":7}"#,
            r#"{"offset":7,"key":null,"value":null,"headers":null,"timestamp":null,"later":{"field":[1e999]}}"#,
            r#"{"offset":7,"timestamp":1,"key":"","value":"\/\/\u002f\u002f","headers":[{"a":null,"b":[-1,255]},{}]}"#,
        ] {
            let json = format!(r#"{{"records":{{"t-0":[{record}]}}}}"#);
            assert!(
                serde_json::from_str::<Json<'_, InOrder<'_>>>(&json).is_ok(),
                "{record}"
            );
            let [at_once, one_by_one] = both_ways(&json);
            assert_eq!(at_once, one_by_one);
        }
    }

    fn one(record: &str) -> Result<(Vec<contract::Header<'static>>, Option<Vec<u8>>), RecordError> {
        let json = format!(r#"{{"records":{{"eventzr.event.created.v1-3":[{record}]}}}}"#);
        let partitions = parse(&json).unwrap().partitions;
        let record = partitions.into_iter().next().unwrap().records.remove(0);
        assert_eq!(
            (&*record.topic, record.partition, record.offset),
            ("eventzr.event.created.v1", 3, 7)
        );
        let content = record.content.map_err(|unread| unread.error)?;
        let headers = content.headers.into_iter().map(|(name, value)| {
            (
                Cow::Owned(name.into_owned()),
                value.map(|value| Cow::Owned(value.into_owned())),
            )
        });
        Ok((headers.collect(), content.value))
    }

    #[test]
    fn signed_and_unsigned_header_bytes_are_equivalent() {
        let signed = one(r#"{"offset":7,"headers":[{"x":[99,97,102,-61,-87]}]}"#)
            .unwrap()
            .0;
        let unsigned = one(r#"{"offset":7,"headers":[{"x":[99,97,102,195,169]}]}"#)
            .unwrap()
            .0;
        assert_eq!(signed, unsigned);
        assert_eq!(signed[0].1.as_deref(), Some("café".as_bytes()));
    }

    #[test]
    fn null_headers_and_the_order_of_headers_are_preserved() {
        let headers = one(r#"{"offset":7,"headers":[{"b":null},{"a":[1]},{"b":[2]}]}"#)
            .unwrap()
            .0;
        let names: Vec<_> = headers
            .iter()
            .map(|(name, value)| (&**name, value.as_deref()))
            .collect();
        assert_eq!(
            names,
            [("b", None), ("a", Some(&[1][..])), ("b", Some(&[2][..]))]
        );
    }

    #[test]
    fn several_headers_in_one_object_are_preserved_in_order() {
        let headers = one(r#"{"offset":7,"headers":[{"b":[1],"a":null,"b":[2]},{}]}"#)
            .unwrap()
            .0;
        let names: Vec<_> = headers
            .iter()
            .map(|(name, value)| (&**name, value.as_deref()))
            .collect();
        assert_eq!(
            names,
            [("b", Some(&[1][..])), ("a", None), ("b", Some(&[2][..]))]
        );
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
    fn base64_may_be_written_with_escapes() {
        assert_eq!(
            one(r#"{"offset":7,"value":"\/\/\u002f\u002f"}"#).unwrap().1,
            Some(vec![255; 3])
        );
    }

    #[test]
    fn a_fault_in_a_record_is_reported_for_that_record() {
        assert_eq!(
            one(r#"{"offset":7,"value":"***"}"#),
            Err(RecordError::Base64("value"))
        );
        assert_eq!(
            one(r#"{"offset":7,"key":5}"#),
            Err(RecordError::Base64("key"))
        );
        assert_eq!(
            one(r#"{"offset":7,"headers":"none"}"#),
            Err(RecordError::Headers)
        );
        let byte = RecordError::Byte {
            name: "x".to_owned(),
            value: 300,
        };
        assert_eq!(one(r#"{"offset":7,"headers":[{"x":[300]}]}"#), Err(byte));
    }

    #[test]
    fn only_a_batch_that_says_so_is_a_redrive() {
        for (source, by) in [
            (r#""eventSource":"eventzr:redrive","#, DeliveredBy::Redrive),
            (r#""eventSource":"aws:kafka","#, DeliveredBy::Mapping),
            (
                r#""eventSource":["eventzr:redrive"],"#,
                DeliveredBy::Mapping,
            ),
            (r#""eventSource":null,"#, DeliveredBy::Mapping),
            ("", DeliveredBy::Mapping),
        ] {
            let json = format!(r#"{{{source}"records":{{"t-0":[{{"offset":7}}]}}}}"#);
            for batch in [parse(&json), parse_loosely(&json)] {
                assert_eq!(batch.unwrap().by, by, "{json}");
            }
        }
    }

    #[test]
    fn a_payload_that_is_not_a_batch_is_refused() {
        assert!(matches!(parse("{}"), Err(BatchError::Shape(_))));
        assert!(matches!(
            parse(r#"{"records":{"t-0":[{"value":""}]}}"#),
            Err(BatchError::Offset { .. })
        ));
        assert!(matches!(
            parse(r#"{"records":{"nohyphen":[]}}"#),
            Err(BatchError::Name(_))
        ));
    }
}
