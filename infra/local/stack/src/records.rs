//! Reads the records in Kafka back, as any consumer would.

use kafka_client::{Cluster, Error, Record, Timestamp};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

pub use kafka_client::From;

/// A complete record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Produced {
    /// The record's topic.
    pub topic: String,
    /// The record's partition.
    pub partition: i32,
    /// The record's offset.
    pub offset: i64,
    /// The record's key, if it has one.
    pub key: Option<Vec<u8>>,
    /// The record's headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The record's value. `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// The record's timestamp in milliseconds since 1970, if it has one.
    pub timestamp: Option<i64>,
}

/// The record as a line of `events.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    key: Option<String>,
    headers: Vec<(&'a str, Option<String>)>,
    event: &'a RawValue,
}

impl Produced {
    /// The value as JSON. Null if there is no value, or if it is not JSON.
    #[must_use]
    pub fn event(&self) -> Value {
        self.value
            .as_deref()
            .and_then(|value| serde_json::from_slice(value).ok())
            .unwrap_or(Value::Null)
    }

    /// The id of the CloudEvent if it is in binary mode: its attributes are headers then.
    #[must_use]
    pub fn binary_id(&self) -> Option<String> {
        let header = |name: &str| {
            let mut headers = self.headers.iter();
            let (_, value) = headers.find(|(header, _)| header == name)?;
            value.as_deref()
        };
        header("ce_specversion")?;
        Some(String::from_utf8_lossy(header("ce_id")?).into_owned())
    }

    /// `{"topic","partition","offset","key","headers","event"}`, without an end of line. The event
    /// is unchanged, with its members in their order. It is null if the value is not JSON on one
    /// line.
    #[must_use]
    pub fn line(&self) -> String {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let event: Option<&RawValue> = self
            .value
            .as_deref()
            .and_then(|value| serde_json::from_slice(value).ok());
        let line = Line {
            topic: &self.topic,
            partition: self.partition,
            offset: self.offset,
            key: self.key.as_ref().map(text),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_ref().map(text)))
                .collect(),
            event: event
                .filter(|event| !event.get().contains('\n'))
                .unwrap_or(RawValue::NULL),
        };
        serde_json::to_string(&line).unwrap_or_default()
    }
}

impl std::convert::From<Record> for Produced {
    fn from(record: Record) -> Self {
        let headers = record
            .headers
            .into_iter()
            .map(|(name, value)| (name, value.map(Vec::from)));
        Self {
            topic: record.topic.as_ref().to_owned(),
            partition: record.partition,
            offset: record.offset,
            key: record.key.map(Vec::from),
            headers: headers.collect(),
            value: record.value.map(Vec::from),
            timestamp: record.timestamp.map(Timestamp::millis),
        }
    }
}

/// Reads all partitions of some topics without a consumer group, so nothing is committed.
#[derive(Debug)]
pub struct Reader(kafka_client::Reader);

impl Reader {
    /// Starts to read. Once this returns, the reader misses no record that is written afterwards.
    ///
    /// # Errors
    /// A topic does not exist, or the brokers cannot be reached.
    pub async fn start(cluster: &Cluster, topics: &[&str], from: From) -> Result<Self, Error> {
        Ok(Self(
            kafka_client::Reader::start(cluster, topics, from).await?,
        ))
    }

    /// The next record. Waits until there is one, even while connections are lost. The future may
    /// be dropped at any time without losing a record.
    ///
    /// # Errors
    /// A batch cannot be read.
    pub async fn next(&mut self) -> Result<Produced, Error> {
        self.0.next().await.map(Produced::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_six_members_in_order() {
        let produced = Produced {
            topic: "t".to_owned(),
            partition: 2,
            offset: 7,
            key: Some(b"tenant".to_vec()),
            headers: vec![
                (
                    "content-type".to_owned(),
                    Some(b"application/json".to_vec()),
                ),
                ("empty".to_owned(), None),
            ],
            value: Some(br#"{"type":"t","id":"evt-1"}"#.to_vec()),
            timestamp: Some(1),
        };
        let expected = r#"{"topic":"t","partition":2,"offset":7,"key":"tenant","headers":[["content-type","application/json"],["empty",null]],"event":{"type":"t","id":"evt-1"}}"#;
        assert_eq!(produced.line(), expected);
        assert_eq!(
            Produced {
                value: None,
                ..produced
            }
            .event(),
            Value::Null
        );
    }
}
