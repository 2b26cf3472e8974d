//! What stands in Kafka, read back as any consumer would.

use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// With the first record that the broker still has.
    Beginning,
    /// With the first record that comes after now.
    Now,
}

/// A record, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Produced {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its key, if it has one.
    pub key: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Its value; none is a tombstone.
    pub value: Option<Vec<u8>>,
    /// When its producer took it, in milliseconds since 1970, if the record says so.
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
    /// The value as JSON; null if there is none, or if it is not JSON.
    #[must_use]
    pub fn event(&self) -> Value {
        self.value.as_deref().and_then(|value| serde_json::from_slice(value).ok()).unwrap_or(Value::Null)
    }

    /// `{"topic","partition","offset","key","headers","event"}`, without an end of line. The event stands as it was produced, its
    /// members in their order; null if it is not JSON of one line.
    #[must_use]
    pub fn line(&self) -> String {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let event: Option<&RawValue> = self.value.as_deref().and_then(|value| serde_json::from_slice(value).ok());
        let line = Line {
            topic: &self.topic,
            partition: self.partition,
            offset: self.offset,
            key: self.key.as_ref().map(text),
            headers: self.headers.iter().map(|(name, value)| (name.as_str(), value.as_ref().map(text))).collect(),
            event: event.filter(|event| !event.get().contains('\n')).unwrap_or(RawValue::NULL),
        };
        serde_json::to_string(&line).unwrap_or_default()
    }
}

impl std::convert::From<&BorrowedMessage<'_>> for Produced {
    fn from(message: &BorrowedMessage<'_>) -> Self {
        let header =
            |header: rdkafka::message::Header<'_, &[u8]>| (header.key.to_owned(), header.value.map(<[u8]>::to_vec));
        Self {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            headers: message.headers().map(|headers| headers.iter().map(header).collect()).unwrap_or_default(),
            value: message.payload().map(<[u8]>::to_vec),
            timestamp: message.timestamp().to_millis(),
        }
    }
}

/// Reads all partitions of some topics, in no group: nobody waits for a join, and nothing is committed.
pub struct Reader {
    consumer: StreamConsumer,
}

impl Reader {
    /// Begins to read. When it returns, nothing that is written from now on is missed.
    pub async fn start(bootstrap: &str, topics: &[&str], from: From) -> Result<Self, KafkaError> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "studio-local-reader") // librdkafka wants one, and never uses it here
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("reconnect.backoff.max.ms", "500")
            .set("allow.auto.create.topics", "false")
            // The embedded broker does not wake a fetch that waits.
            .set("fetch.wait.max.ms", "500");
        let (lookup, topics) = (config.clone(), topics.iter().map(|topic| (*topic).to_owned()).collect::<Vec<_>>());
        let positions = tokio::task::spawn_blocking(move || positions(&lookup, &topics, from));
        let positions = positions.await.map_err(|_| KafkaError::Canceled)??;
        let consumer: StreamConsumer = config.create()?;
        consumer.assign(&positions)?;
        Ok(Self { consumer })
    }

    /// The next record; waits for one as long as it takes, over lost connections too.
    pub async fn next(&self) -> Result<Produced, KafkaError> {
        loop {
            match self.consumer.recv().await {
                Ok(message) => return Ok(Produced::from(&message)),
                Err(KafkaError::MessageConsumption(code)) if is_passing(code) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

fn is_passing(code: rdkafka::error::RDKafkaErrorCode) -> bool {
    use rdkafka::error::RDKafkaErrorCode::{
        AllBrokersDown, BrokerTransportFailure, LeaderNotAvailable, NotLeaderForPartition, OperationTimedOut, Resolve,
        UnknownTopicOrPartition,
    };
    matches!(
        code,
        AllBrokersDown
            | BrokerTransportFailure
            | LeaderNotAvailable
            | NotLeaderForPartition
            | OperationTimedOut
            | Resolve
            | UnknownTopicOrPartition
    )
}

fn positions(config: &ClientConfig, topics: &[String], from: From) -> Result<TopicPartitionList, KafkaError> {
    let patience = Duration::from_secs(10);
    let consumer: BaseConsumer = config.create()?;
    let mut positions = TopicPartitionList::new();
    for topic in topics {
        let metadata = consumer.fetch_metadata(Some(topic), patience)?;
        for partition in metadata.topics().iter().flat_map(rdkafka::metadata::MetadataTopic::partitions) {
            let offset = match from {
                From::Beginning => Offset::Beginning,
                From::Now => Offset::Offset(consumer.fetch_watermarks(topic, partition.id(), patience)?.1),
            };
            positions.add_partition_offset(topic, partition.id(), offset)?;
        }
    }
    Ok(positions)
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
            headers: vec![("content-type".to_owned(), Some(b"application/json".to_vec())), ("empty".to_owned(), None)],
            value: Some(br#"{"type":"t","id":"evt-1"}"#.to_vec()),
            timestamp: Some(1),
        };
        let expected = r#"{"topic":"t","partition":2,"offset":7,"key":"tenant","headers":[["content-type","application/json"],["empty",null]],"event":{"type":"t","id":"evt-1"}}"#;
        assert_eq!(produced.line(), expected);
        assert_eq!(Produced { value: None, ..produced }.event(), Value::Null);
    }
}
