//! The on-failure envelopes (docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html and
//! kafka-on-failure-destination.html).
//!
//! A bucket gets one object per discarded batch, with the whole event as an escaped JSON string. A
//! topic gets one message per record, with the original key and with the event of that one record
//! as an object. The two pages spell the condition of exhausted retries differently, and so does
//! this code. Neither page names a condition for records that are too old: this code uses the one
//! that stream mappings write.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::action::{Condition, Discard};
use super::mapping::Mapping;
use super::payload::{Frame, Record};

/// One discarded batch as an object in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedBatch {
    /// The object's key: `aws/lambda/<mapping>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<UUID>`.
    pub key: String,
    /// The envelope as JSON.
    pub body: Vec<u8>,
}

/// One discarded record as a message of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRecord {
    /// The original record's key.
    pub key: Option<Vec<u8>>,
    /// The envelope as JSON.
    pub body: Vec<u8>,
}

/// The object for a batch that was discarded `at`.
///
/// AWS ends the key with a random UUID. Here the UUID is derived from the batch and the time, so
/// that a repeated delivery writes the same object.
#[must_use]
pub fn failed_batch(
    mapping: &Mapping,
    frame: &Frame,
    discard: &Discard,
    at: Timestamp,
) -> FailedBatch {
    let event = String::from_utf8(frame.event(&discard.records).to_json()).expect("JSON is UTF-8");
    let of_partition = |records: &[Arc<Record>]| {
        let (first, last) = (&records[0], &records[records.len() - 1]);
        let info = PartitionInfo {
            first_record_offset: first.offset.to_string(),
            last_record_offset: last.offset.to_string(),
            first_record_timestamp: timestamp(first),
            last_record_timestamp: timestamp(last),
        };
        (frame.partition_key(first.partition), info)
    };
    let partitions = discard
        .records
        .chunk_by(|one, next| one.partition == next.partition)
        .map(of_partition);
    let envelope = Envelope {
        mapping,
        frame,
        discard,
        at,
        id: discard_id(mapping, &discard.records, at),
    };
    let size = event.len();
    FailedBatch {
        key: format!(
            "aws/lambda/{}/{}-{}",
            mapping.uuid,
            at.strftime("%Y/%m/%d/%Y-%m-%dT%H.%M.%S"),
            envelope.id
        ),
        body: envelope.json(
            "RetryAttemptsExhausted",
            size,
            Info::RecordsInfo(partitions.collect()),
            event,
        ),
    }
}

/// The messages for a batch that was discarded `at`, in the order of its records.
#[must_use]
pub fn failed_records(
    mapping: &Mapping,
    frame: &Frame,
    discard: &Discard,
    at: Timestamp,
) -> Vec<FailedRecord> {
    let of_record = |record: &Arc<Record>| {
        let alone = std::slice::from_ref(record);
        let event = String::from_utf8(frame.event(alone).to_json()).expect("JSON is UTF-8");
        let envelope = Envelope {
            mapping,
            frame,
            discard,
            at,
            id: discard_id(mapping, alone, at),
        };
        let info = Info::RecordInfo {
            offset: record.offset.to_string(),
            timestamp: timestamp(record),
        };
        let size = event.len();
        let event = RawValue::from_string(event).expect("the event is JSON");
        FailedRecord {
            key: record.key.clone(),
            body: envelope.json("RetriesExhausted", size, info, event),
        }
    };
    discard.records.iter().map(of_record).collect()
}

struct Envelope<'a> {
    mapping: &'a Mapping,
    frame: &'a Frame,
    discard: &'a Discard,
    at: Timestamp,
    id: Uuid,
}

impl Envelope<'_> {
    fn json(
        &self,
        retries_exhausted: &'static str,
        payload_size: usize,
        info: Info,
        payload: impl Serialize,
    ) -> Vec<u8> {
        let answer = self.discard.answer.as_ref();
        let record = InvocationRecord {
            request_context: RequestContext {
                // A batch that was never sent has no request, but the pages show an id even then.
                request_id: answer
                    .and_then(|answer| answer.request_id.clone())
                    .unwrap_or_else(|| self.id.to_string()),
                function_arn: &self.mapping.function,
                condition: match self.discard.condition {
                    Condition::RetryAttemptsExhausted => retries_exhausted,
                    Condition::RecordAgeExceeded => "RecordAgeExceeded",
                    Condition::MaximumPayloadSizeExceeded => "MaximumPayloadSizeExceeded",
                },
                approximate_invoke_count: self.discard.invocations,
            },
            response_context: answer.map(|answer| ResponseContext {
                status_code: answer.status,
                executed_version: answer.executed_version.as_deref().unwrap_or("$LATEST"),
                function_error: answer.function_error.as_deref(),
            }),
            version: "1.0",
            timestamp: format!("{:.3}", self.at),
            kafka_batch_info: KafkaBatchInfo {
                batch_size: match info {
                    Info::RecordsInfo(_) => self.discard.records.len(),
                    Info::RecordInfo { .. } => 1,
                },
                event_source_arn: &self.frame.event_source_arn,
                bootstrap_servers: &self.frame.bootstrap_servers,
                payload_size,
                info,
            },
            payload,
        };
        serde_json::to_vec(&record).expect("string keys always serialize")
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InvocationRecord<'a, P> {
    request_context: RequestContext<'a>,
    /// Null if the batch was never sent.
    response_context: Option<ResponseContext<'a>>,
    version: &'a str,
    timestamp: String,
    #[serde(rename = "KafkaBatchInfo")]
    kafka_batch_info: KafkaBatchInfo<'a>,
    payload: P,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    request_id: String,
    function_arn: &'a str,
    condition: &'a str,
    approximate_invoke_count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContext<'a> {
    status_code: i32,
    executed_version: &'a str,
    /// The pages show only failed functions. A batch with listed records has no function error.
    #[serde(skip_serializing_if = "Option::is_none")]
    function_error: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KafkaBatchInfo<'a> {
    batch_size: usize,
    event_source_arn: &'a str,
    bootstrap_servers: &'a str,
    payload_size: usize,
    #[serde(flatten)]
    info: Info,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Info {
    RecordsInfo(BTreeMap<String, PartitionInfo>),
    RecordInfo { offset: String, timestamp: String },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PartitionInfo {
    first_record_offset: String,
    last_record_offset: String,
    first_record_timestamp: String,
    last_record_timestamp: String,
}

/// The record's time. It is the epoch for a record without a timestamp, or with one outside the
/// calendar.
fn timestamp(record: &Record) -> String {
    let at = record
        .timestamp
        .and_then(|at| Timestamp::from_millisecond(at.millis()).ok());
    format!("{:.3}", at.unwrap_or(Timestamp::UNIX_EPOCH))
}

fn discard_id(mapping: &Mapping, records: &[Arc<Record>], at: Timestamp) -> Uuid {
    let coordinates: Vec<_> = records
        .iter()
        .map(|record| (record.partition, record.offset))
        .collect();
    let name = format!("{} {} {coordinates:?}", mapping.uuid, at.as_millisecond());
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Answer;
    use crate::batch::tests::{frame, mapping};
    use serde_json::{Value, json};

    fn discard(condition: Condition, invocations: u32, answer: Option<Answer>) -> Discard {
        let record = |partition, offset, millis| {
            Arc::new(Record {
                partition,
                offset,
                timestamp: Some(kafka_client::Timestamp::CreateTime(millis)),
                key: Some(b"tenant".to_vec()),
                value: Some(b"{}".to_vec()),
                headers: vec![],
            })
        };
        let records = vec![
            record(0, 7, 1_573_690_684_835),
            record(0, 9, 1_573_690_685_580),
            record(2, 1, 0),
        ];
        Discard {
            records,
            condition,
            invocations,
            answer,
        }
    }

    fn failed() -> Option<Answer> {
        Some(Answer {
            request_id: Some("316aa6d0".to_owned()),
            status: 200,
            executed_version: Some("$LATEST".to_owned()),
            function_error: Some("Unhandled".to_owned()),
        })
    }

    fn at() -> Timestamp {
        "2019-11-14T00:38:06.021Z".parse().unwrap()
    }

    /// kafka-on-failure.html, "S3 destination example invocation record".
    #[test]
    fn a_bucket_gets_one_object_with_the_event_as_a_string() {
        let discard = discard(Condition::RetryAttemptsExhausted, 3, failed());
        let object = failed_batch(&mapping(), &frame(), &discard, at());
        let prefix = "aws/lambda/0e1f/2019/11/14/2019-11-14T00.38.06-";
        assert!(
            object.key.starts_with(prefix) && object.key.len() == prefix.len() + 36,
            "{}",
            object.key
        );
        let mut body: Value = serde_json::from_slice(&object.body).unwrap();
        let payload = body["payload"].take();
        let event = frame().event(&discard.records).to_json();
        assert_eq!(payload.as_str().map(str::as_bytes), Some(event.as_slice()));
        assert_eq!(
            body,
            json!({
                "requestContext": {"requestId": "316aa6d0", "functionArn": "function-arn",
                    "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 3},
                "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
                "version": "1.0",
                "timestamp": "2019-11-14T00:38:06.021Z",
                "KafkaBatchInfo": {"batchSize": 3, "eventSourceArn": "cluster-arn", "bootstrapServers": "127.0.0.1:9092",
                    "payloadSize": event.len(),
                    "recordsInfo": {
                        "topic-0": {"firstRecordOffset": "7", "lastRecordOffset": "9",
                            "firstRecordTimestamp": "2019-11-14T00:18:04.835Z", "lastRecordTimestamp": "2019-11-14T00:18:05.580Z"},
                        "topic-2": {"firstRecordOffset": "1", "lastRecordOffset": "1",
                            "firstRecordTimestamp": "1970-01-01T00:00:00.000Z", "lastRecordTimestamp": "1970-01-01T00:00:00.000Z"},
                    }},
                "payload": null,
            })
        );
        assert_eq!(
            failed_batch(&mapping(), &frame(), &discard, at()),
            object,
            "delivered again, it is the same object"
        );
    }

    /// kafka-on-failure-destination.html, "Record format for a Kafka destination" and "Partition
    /// key behavior".
    #[test]
    fn a_topic_gets_one_message_per_record_with_its_own_key() {
        let discard = discard(Condition::RetryAttemptsExhausted, 3, failed());
        let messages = failed_records(&mapping(), &frame(), &discard, at());
        assert_eq!(messages.len(), 3);
        assert_eq!(messages[1].key.as_deref(), Some(b"tenant".as_slice()));
        let body: Value = serde_json::from_slice(&messages[1].body).unwrap();
        assert_eq!(body["requestContext"]["condition"], "RetriesExhausted");
        assert_eq!(body["KafkaBatchInfo"]["batchSize"], 1);
        assert_eq!(
            body["KafkaBatchInfo"]["recordInfo"],
            json!({"offset": "9", "timestamp": "2019-11-14T00:18:05.580Z"})
        );
        assert_eq!(body["KafkaBatchInfo"].get("recordsInfo"), None);
        assert_eq!(body["payload"]["records"]["topic-0"][0]["offset"], 9);
        assert_eq!(
            body["payload"]["records"]
                .as_object()
                .map(|partitions| partitions.len()),
            Some(1)
        );
    }

    /// kafka-on-failure.html: "null if record is MaximumPayloadSizeExceeded".
    #[test]
    fn a_record_that_was_never_sent_has_no_response_context() {
        let object = failed_batch(
            &mapping(),
            &frame(),
            &discard(Condition::MaximumPayloadSizeExceeded, 0, None),
            at(),
        );
        let body: Value = serde_json::from_slice(&object.body).unwrap();
        assert_eq!(body["responseContext"], Value::Null);
        assert_eq!(
            body["requestContext"]["condition"],
            "MaximumPayloadSizeExceeded"
        );
        assert_eq!(body["requestContext"]["approximateInvokeCount"], 0);
    }
}
