//! Makes the batch that redelivers a dead letter. The record has its original topic, partition and
//! offset, as the mapping would send it, so the consumer sees the same record.

use std::collections::BTreeMap;

use dead_letters::DeadLetter;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    batch::{self, BatchError},
    examine::dead_letter,
    response::BatchResponse,
};

/// A batch that redelivers one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redelivery {
    /// The invocation's payload.
    pub payload: String,
    /// The id of the record if it becomes a dead letter again. It differs from the current id if
    /// the record could not be read then and can be read now.
    pub id: Uuid,
}

/// Why a record cannot be redelivered.
#[derive(Debug, thiserror::Error)]
pub enum RedeliveryError {
    /// The JSON of an unreadable record, as stored in the dead letter, is not JSON.
    #[error("what the dead letter holds is not JSON")]
    Unread(#[source] serde_json::Error),
    /// The record's JSON does not fit into a batch.
    #[error("no batch can be made of it")]
    Batch(#[from] BatchError),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OneRecord<'a> {
    event_source: &'static str,
    records: BTreeMap<String, [&'a RawValue; 1]>,
}

/// A record in the mapping's format: bytes in Base64, header bytes as Java's signed bytes. Absent
/// fields are left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    headers: Vec<BTreeMap<&'a str, Option<Vec<i8>>>>,
}

/// The batch that redelivers `record`, alone. A record that could not be read is sent as its
/// original JSON.
///
/// # Errors
/// A [`RedeliveryError`].
pub fn redelivery(record: &DeadLetter) -> Result<Redelivery, RedeliveryError> {
    let json = match &record.unread {
        Some(unread) => unread.clone(),
        None => written(record),
    };
    let json = RawValue::from_string(json).map_err(RedeliveryError::Unread)?;
    let name = format!("{}-{}", record.topic, record.partition);
    let batch = OneRecord {
        event_source: batch::REDRIVE,
        records: BTreeMap::from([(name, [&*json])]),
    };
    let payload = serde_json::to_string(&batch).expect("a batch is JSON under string keys");
    let read = batch::parse(&payload)?;
    let id = read
        .partitions
        .iter()
        .flat_map(|partition| &partition.records)
        .map(|one| dead_letter(one, "").id())
        .next();
    Ok(Redelivery {
        id: id.unwrap_or_else(|| record.id()),
        payload,
    })
}

fn written(record: &DeadLetter) -> String {
    let base64 = |bytes: &Vec<u8>| base64_simd::STANDARD.encode_to_string(bytes);
    let signed = |bytes: &Vec<u8>| {
        bytes
            .iter()
            .map(|byte| i8::from_be_bytes([*byte]))
            .collect()
    };
    let headers = record
        .headers
        .iter()
        .map(|(name, value)| BTreeMap::from([(name.as_str(), value.as_ref().map(signed))]));
    let written = Record {
        topic: &record.topic,
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp,
        key: record.key.as_ref().map(base64),
        value: record.value.as_ref().map(base64),
        headers: headers.collect(),
    };
    serde_json::to_string(&written).expect("a record is strings and numbers under string keys")
}

/// Whether a consumer's answer says that it is done with its one record: its consequences are
/// committed, published and sent, or it is dead-lettered again.
///
/// # Errors
/// If `answer` is not a partial batch response.
pub fn is_done(answer: &[u8]) -> Result<bool, serde_json::Error> {
    let answer: BatchResponse = serde_json::from_slice(answer)?;
    Ok(answer.batch_item_failures.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> DeadLetter {
        DeadLetter {
            topic: "eventzr.event.created.v1".to_owned(),
            partition: 3,
            offset: 7,
            timestamp: Some(5),
            key: Some(b"tenant".to_vec()),
            value: Some(vec![0, 200, 255]),
            headers: vec![
                ("a".to_owned(), None),
                ("a".to_owned(), Some(vec![1, 200])),
                ("b".to_owned(), Some(Vec::new())),
            ],
            unread: None,
            cause: "why".to_owned(),
        }
    }

    /// The dead letter that a consumer would make of the payload.
    fn again(payload: &str) -> DeadLetter {
        let partitions = batch::parse(payload).unwrap().partitions;
        dead_letter(&partitions[0].records[0], "why")
    }

    #[test]
    fn a_consumer_sees_the_redriven_record_unchanged() {
        let tombstone = DeadLetter {
            key: None,
            value: None,
            headers: Vec::new(),
            timestamp: None,
            ..record()
        };
        for record in [record(), tombstone] {
            let redelivery = redelivery(&record).unwrap();
            assert_eq!(again(&redelivery.payload), record);
            assert_eq!(redelivery.id, record.id());
        }
    }

    #[test]
    fn an_unreadable_record_is_redriven_unchanged_under_its_id() {
        let json = r#"{"topic":"x", "partition":3,"offset":7,"value":"***"}"#;
        let unread = DeadLetter {
            key: None,
            value: None,
            headers: Vec::new(),
            timestamp: None,
            unread: Some(json.to_owned()),
            ..record()
        };
        let redelivery = redelivery(&unread).unwrap();
        assert!(redelivery.payload.contains(json), "{}", redelivery.payload);
        assert_eq!(again(&redelivery.payload), unread);
        assert_eq!(redelivery.id, unread.id());
    }

    #[test]
    fn a_record_that_has_become_readable_gets_another_id() {
        let unread = DeadLetter {
            unread: Some(r#"{"offset":7,"value":"e30="}"#.to_owned()),
            ..record()
        };
        assert_ne!(redelivery(&unread).unwrap().id, unread.id());
    }

    #[test]
    fn an_answer_without_failures_means_done() {
        assert!(is_done(br#"{"batchItemFailures":[]}"#).unwrap());
        let failure =
            br#"{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0","offset":7}}]}"#;
        assert!(!is_done(failure).unwrap());
        assert!(is_done(b"null").is_err());
    }
}
