//! The partial batch response of a Kafka mapping
//! (docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html#kafka-partial-batch-response):
//! `{"batchItemFailures":[{"itemIdentifier":{"partition":"<topic>-<n>","offset":1}}]}`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::payload::{Frame, Record};

/// The records of an invocation that its response lists as failed, as (partition, offset). Empty if
/// all succeeded.
///
/// The page says: "If you return an empty valid JSON or null, the event source mapping will
/// consider a batch as successfully processed. Any invalid topic-partition_number or offset
/// returned that was not present in the invoked event will be treated as failure and entire batch
/// will be retried." So an empty body, `null`, `{}`, `[]`, and an object whose list is absent, null
/// or empty (as in the page for Kinesis) mean success. Fields besides the list have no meaning.
///
/// # Errors
/// A [`ResponseError`] if the whole batch counts as failed.
pub fn failed_records(
    body: &[u8],
    frame: &Frame,
    records: &[Arc<Record>],
) -> Result<BTreeSet<(i32, i64)>, ResponseError> {
    if body.is_empty() {
        return Ok(BTreeSet::new());
    }
    let failures = match serde_json::from_slice(body).map_err(|_| ResponseError::NotJson)? {
        Value::Array(items) if items.is_empty() => items,
        response => batch_item_failures(response).ok_or(ResponseError::NotAResponse)?,
    };
    let invoked: BTreeSet<_> = records
        .iter()
        .map(|record| (record.partition, record.offset))
        .collect();
    let partitions: BTreeMap<_, _> = records
        .iter()
        .map(|record| (frame.partition_key(record.partition), record.partition))
        .collect();
    failures
        .into_iter()
        .map(|failure| {
            let ItemFailure {
                item_identifier: ItemIdentifier { partition, offset },
            } = serde_json::from_value(failure).map_err(|_| ResponseError::MalformedItem)?;
            match partitions.get(&partition) {
                Some(&number) if invoked.contains(&(number, offset)) => Ok((number, offset)),
                _ => Err(ResponseError::NotInBatch { partition, offset }),
            }
        })
        .collect()
}

/// The list `batchItemFailures` of a function's response to a batch of records or of messages: empty
/// if the response is null, or if its list is absent or null. `None` if it is no partial batch
/// response.
#[must_use]
pub fn batch_item_failures(response: Value) -> Option<Vec<Value>> {
    match response {
        Value::Null => Some(Vec::new()),
        Value::Object(mut response) => match response.remove("batchItemFailures") {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::Array(failures)) => Some(failures),
            Some(_) => None,
        },
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemFailure {
    item_identifier: ItemIdentifier,
}

#[derive(Deserialize)]
struct ItemIdentifier {
    partition: String,
    offset: i64,
}

/// Why a response makes the whole batch count as failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The body is not JSON.
    #[error("the response is not JSON")]
    NotJson,
    /// The body is JSON, but not an object with a list `batchItemFailures`.
    #[error("the response is not a partial batch response")]
    NotAResponse,
    /// An entry of the list lacks its identifier, or a part of it has another type.
    #[error(
        "an entry of batchItemFailures is not of the form {{\"itemIdentifier\":{{\"partition\":string,\"offset\":integer}}}}"
    )]
    MalformedItem,
    /// An identifier was not in the invoked event.
    #[error("the response names {partition} offset {offset}, which was not in the batch")]
    NotInBatch {
        /// The partition as the response spells it.
        partition: String,
        /// The offset.
        offset: i64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_client::Timestamp;

    fn read(body: &str) -> Result<Vec<(i32, i64)>, ResponseError> {
        let frame = Frame {
            event_source_arn: String::new(),
            bootstrap_servers: String::new(),
            topic: "a-topic".to_owned(),
        };
        let records: Vec<_> = [(0, 4), (0, 5), (1, 4)]
            .map(|(partition, offset)| {
                let timestamp = Some(Timestamp::CreateTime(0));
                Arc::new(Record {
                    partition,
                    offset,
                    timestamp,
                    key: None,
                    value: None,
                    headers: vec![],
                })
            })
            .into();
        failed_records(body.as_bytes(), &frame, &records).map(|failed| failed.into_iter().collect())
    }

    /// kafka-retry-configurations.html: "an empty valid JSON or null";
    /// services-kinesis-batchfailurereporting.html: an empty or null list.
    #[test]
    fn an_empty_answer_is_success() {
        for body in [
            "",
            "null",
            "{}",
            "[]",
            r#"{"batchItemFailures":[]}"#,
            r#"{"batchItemFailures":null}"#,
            r#"{"statusCode":200}"#,
        ] {
            assert_eq!(read(body), Ok(vec![]), "{body}");
        }
    }

    #[test]
    fn listed_records_are_the_failed_ones() {
        let body = r#"{"batchItemFailures":[{"itemIdentifier":{"partition":"a-topic-1","offset":4}},
            {"itemIdentifier":{"partition":"a-topic-0","offset":5}},{"itemIdentifier":{"partition":"a-topic-0","offset":5}}]}"#;
        assert_eq!(read(body), Ok(vec![(0, 5), (1, 4)]));
    }

    /// kafka-retry-configurations.html: "any invalid topic-partition_number or offset".
    #[test]
    fn an_identifier_that_was_not_in_the_batch_fails_the_whole_batch() {
        for (partition, offset) in [
            ("a-topic-1", 5),
            ("a-topic-2", 4),
            ("topic-0", 4),
            ("0", 4),
            ("", 4),
        ] {
            let body = format!(
                r#"{{"batchItemFailures":[{{"itemIdentifier":{{"partition":"a-topic-0","offset":4}}}},
                    {{"itemIdentifier":{{"partition":"{partition}","offset":{offset}}}}}]}}"#
            );
            assert_eq!(
                read(&body),
                Err(ResponseError::NotInBatch {
                    partition: partition.to_owned(),
                    offset
                })
            );
        }
    }

    /// "A flat string identifier is treated as invalid and the entire batch is retried" (middyjs,
    /// event-batch-response).
    #[test]
    fn a_malformed_identifier_fails_the_whole_batch() {
        for item in [
            r#"{"itemIdentifier":"a-topic-0"}"#,
            r#"{"itemIdentifier":null}"#,
            r#"{"itemIdentifier":{"partition":"a-topic-0"}}"#,
            r#"{"itemIdentifier":{"partition":"a-topic-0","offset":"4"}}"#,
            r#"{"itemIdentifier":{"partition":0,"offset":4}}"#,
            r#"{"itemIdentifier":{"partition":"a-topic-0","offset":null}}"#,
            r#""a-topic-0""#,
        ] {
            assert_eq!(
                read(&format!(r#"{{"batchItemFailures":[{item}]}}"#)),
                Err(ResponseError::MalformedItem),
                "{item}"
            );
        }
    }

    #[test]
    fn an_answer_of_another_shape_fails_the_whole_batch() {
        for body in [
            r#""ok""#,
            "0",
            "true",
            r#"["a"]"#,
            r#"{"batchItemFailures":"none"}"#,
        ] {
            assert_eq!(read(body), Err(ResponseError::NotAResponse), "{body}");
        }
        assert_eq!(read("ok"), Err(ResponseError::NotJson));
    }
}
