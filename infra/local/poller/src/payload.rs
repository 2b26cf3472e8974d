//! The event as a mapping sends it: one JSON object with records by partition
//! (docs.aws.amazon.com/lambda/latest/dg/with-msk.html, "Example event").
//!
//! It is written with serde instead of the types of `aws_lambda_events`: those cannot hold a null
//! header value, and lose a millisecond of every other timestamp. A test checks that that crate's
//! `KafkaEvent` reads a well-formed event.

use std::io;
use std::sync::Arc;

use base64_simd::STANDARD;
use kafka_client::Timestamp;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// The payload of a synchronous invocation must stay under this number of bytes: 6 MB. Lambda's own
/// refusal says "must be smaller than 6291456 bytes".
pub const PAYLOAD_LIMIT: usize = 6 * 1024 * 1024;

/// One Kafka record of the mapping's topic, as the broker has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The partition's number, from 0.
    pub partition: i32,
    /// The offset in the partition, from 0.
    pub offset: i64,
    /// When the producer created the record or the broker appended it. `None` if the record has no
    /// timestamp.
    pub timestamp: Option<Timestamp>,
    /// The key's bytes. `None` if the record has no key.
    pub key: Option<Vec<u8>>,
    /// The value's bytes. `None` for a tombstone.
    pub value: Option<Vec<u8>>,
    /// The headers in order, including repeated names. Kafka allows a value to be null.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// The part that is the same in every event of one mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The ARN of the MSK cluster.
    pub event_source_arn: String,
    /// The brokers as `host:port`, joined by commas.
    pub bootstrap_servers: String,
    /// The mapping's topic.
    pub topic: String,
}

impl Frame {
    /// The event that carries `records`, which are in order of partition and then of offset.
    #[must_use]
    pub fn event<'a>(&'a self, records: &'a [Arc<Record>]) -> Event<'a> {
        Event {
            frame: self,
            records,
        }
    }

    /// The key of a partition in the event and in a partial batch response: `<topic>-<partition>`.
    #[must_use]
    pub fn partition_key(&self, partition: i32) -> String {
        format!("{}-{partition}", self.topic)
    }

    /// The size of an event without records, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        json_size(&self.event(&[]))
    }

    /// The bytes that a partition adds to an event: without its records, but with a comma.
    #[must_use]
    pub fn partition_size(&self, partition: i32) -> usize {
        json_size(&self.partition_key(partition)) + ":[],".len()
    }

    /// The bytes that a record adds to its partition, including a comma.
    #[must_use]
    pub fn record_size(&self, record: &Record) -> usize {
        json_size(&RecordJson {
            topic: &self.topic,
            record,
        }) + ",".len()
    }
}

/// An event to serialize. It borrows its records.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    frame: &'a Frame,
    records: &'a [Arc<Record>],
}

impl Event<'_> {
    /// The event's JSON, as the invocation's payload.
    #[must_use]
    pub fn to_json(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_json(&mut bytes, &self);
        bytes
    }
}

impl Serialize for Event<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("eventSource", "aws:kafka")?;
        map.serialize_entry("eventSourceArn", &self.frame.event_source_arn)?;
        map.serialize_entry("bootstrapServers", &self.frame.bootstrap_servers)?;
        map.serialize_entry("records", &Partitions(*self))?;
        map.end()
    }
}

struct Partitions<'a>(Event<'a>);

impl Serialize for Partitions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Event { frame, records } = self.0;
        let mut map = serializer.serialize_map(None)?;
        for of_partition in records.chunk_by(|one, next| one.partition == next.partition) {
            let key = frame.partition_key(of_partition[0].partition);
            map.serialize_entry(
                &key,
                &Records {
                    topic: &frame.topic,
                    records: of_partition,
                },
            )?;
        }
        map.end()
    }
}

struct Records<'a> {
    topic: &'a str,
    records: &'a [Arc<Record>],
}

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.records.iter().map(|record| RecordJson {
            topic: self.topic,
            record,
        }))
    }
}

struct RecordJson<'a> {
    topic: &'a str,
    record: &'a Record,
}

impl Serialize for RecordJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = self.record;
        // AWS's form of a record without a timestamp is not known, so this sends Kafka's own -1 and
        // name.
        let (timestamp, kind) = match record.timestamp {
            Some(Timestamp::CreateTime(at)) => (at, "CREATE_TIME"),
            Some(Timestamp::LogAppendTime(at)) => (at, "LOG_APPEND_TIME"),
            None => (-1, "NO_TIMESTAMP_TYPE"),
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("topic", self.topic)?;
        map.serialize_entry("partition", &record.partition)?;
        map.serialize_entry("offset", &record.offset)?;
        map.serialize_entry("timestamp", &timestamp)?;
        map.serialize_entry("timestampType", kind)?;
        // A tombstone arrives without the field (aws-powertools/powertools-lambda-typescript#5016),
        // not as null.
        if let Some(key) = &record.key {
            map.serialize_entry("key", &STANDARD.encode_to_string(key))?;
        }
        if let Some(value) = &record.value {
            map.serialize_entry("value", &STANDARD.encode_to_string(value))?;
        }
        map.serialize_entry("headers", &Headers(&record.headers))?;
        map.end()
    }
}

/// An array of objects with one key each, to preserve the order and repeated names.
struct Headers<'a>(&'a [(String, Option<Vec<u8>>)]);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for (name, value) in self.0 {
            list.serialize_element(&Header {
                name,
                value: value.as_deref(),
            })?;
        }
        list.end()
    }
}

struct Header<'a> {
    name: &'a str,
    value: Option<&'a [u8]>,
}

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The bytes are signed, as in Java: "ë" is [-61,-85]
        // (aws-powertools/powertools-lambda-python#6862). AWS's form of a null value is not known.
        // Null is Kafka's, and a function must at least tolerate it.
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.name, &self.value.map(SignedBytes))?;
        map.end()
    }
}

struct SignedBytes<'a>(&'a [u8]);

impl Serialize for SignedBytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|byte| byte.cast_signed()))
    }
}

fn json_size(value: &impl Serialize) -> usize {
    let mut counter = Counter(0);
    write_json(&mut counter, value);
    counter.0
}

fn write_json(to: impl io::Write, value: &impl Serialize) {
    serde_json::to_writer(to, value)
        .expect("string keys, and a writer that never fails, always serialize");
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lambda_events::event::kafka::KafkaEvent;
    use serde_json::{Value, json};

    fn frame() -> Frame {
        Frame {
            event_source_arn: "arn:aws:kafka:us-east-1:123456789012:cluster/studio/0e1f-2"
                .to_owned(),
            bootstrap_servers: "127.0.0.1:9092".to_owned(),
            topic: "eventzr.event.created.v1".to_owned(),
        }
    }

    fn record(partition: i32, offset: i64) -> Arc<Record> {
        Arc::new(Record {
            partition,
            offset,
            timestamp: Some(Timestamp::CreateTime(1_760_000_000_001)),
            key: Some(b"tenant".to_vec()),
            value: Some(b"{}".to_vec()),
            headers: vec![("name".to_owned(), Some("ë".as_bytes().to_vec()))],
        })
    }

    fn parsed(records: &[Arc<Record>]) -> Value {
        serde_json::from_slice(&frame().event(records).to_json()).unwrap()
    }

    /// with-msk.html, "Example event".
    #[test]
    fn an_event_has_the_documented_shape() {
        let mut appended = (*record(1, 7)).clone();
        appended.timestamp = Some(Timestamp::LogAppendTime(5));
        assert_eq!(
            parsed(&[record(0, 15), record(0, 16), Arc::new(appended)]),
            json!({
                "eventSource": "aws:kafka",
                "eventSourceArn": "arn:aws:kafka:us-east-1:123456789012:cluster/studio/0e1f-2",
                "bootstrapServers": "127.0.0.1:9092",
                "records": {
                    "eventzr.event.created.v1-0": [
                        {"topic": "eventzr.event.created.v1", "partition": 0, "offset": 15, "timestamp": 1_760_000_000_001_i64,
                         "timestampType": "CREATE_TIME", "key": "dGVuYW50", "value": "e30=", "headers": [{"name": [-61, -85]}]},
                        {"topic": "eventzr.event.created.v1", "partition": 0, "offset": 16, "timestamp": 1_760_000_000_001_i64,
                         "timestampType": "CREATE_TIME", "key": "dGVuYW50", "value": "e30=", "headers": [{"name": [-61, -85]}]},
                    ],
                    "eventzr.event.created.v1-1": [
                        {"topic": "eventzr.event.created.v1", "partition": 1, "offset": 7, "timestamp": 5,
                         "timestampType": "LOG_APPEND_TIME", "key": "dGVuYW50", "value": "e30=", "headers": [{"name": [-61, -85]}]},
                    ],
                },
            })
        );
    }

    #[test]
    fn null_keys_and_values_have_no_field_and_a_null_header_stays_null() {
        let mut bare = (*record(0, 0)).clone();
        bare.key = None;
        bare.value = None;
        bare.headers = vec![("a".to_owned(), None), ("a".to_owned(), Some(vec![]))];
        let event = parsed(&[Arc::new(bare)]);
        let record = &event["records"]["eventzr.event.created.v1-0"][0];
        assert_eq!(record.get("key"), None);
        assert_eq!(record.get("value"), None);
        assert_eq!(record["headers"], json!([{"a": null}, {"a": []}]));
    }

    #[test]
    fn awss_own_crate_reads_a_well_formed_event() {
        let event: KafkaEvent =
            serde_json::from_slice(&frame().event(&[record(0, 15), record(3, 2)]).to_json())
                .unwrap();
        assert_eq!(event.records.len(), 2);
        let first = &event.records["eventzr.event.created.v1-0"][0];
        assert_eq!((first.partition, first.offset), (0, 15));
        assert_eq!(first.headers[0]["name"], [-61, -85]);
    }

    #[test]
    fn predicted_sizes_match_the_json() {
        let frame = frame();
        let mut loud = (*record(0, 16)).clone();
        loud.headers
            .push(("x".to_owned(), Some((0..=255).collect())));
        let records = [record(0, 15), Arc::new(loud), record(12, 2)];
        let counted = frame.size()
            + frame.partition_size(0)
            + frame.partition_size(12)
            + records
                .iter()
                .map(|record| frame.record_size(record))
                .sum::<usize>();
        // The list of partitions and the list of records in each of the two partitions count one
        // comma more than is written.
        assert_eq!(counted - 3, frame.event(&records).to_json().len());
    }
}
