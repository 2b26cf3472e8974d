//! A batch → what each of its records says, or why it can never succeed. Pure: nothing is
//! committed, published or dead-lettered yet.

use contract::Topic;
use domain::{Description, InboundEvent};
use journal::DeadLetter;
use serde::de::DeserializeOwned;

use crate::{
    batch::{self, BatchError, Record},
    record,
};

/// What a record says, or what is to be dead-lettered of it.
pub type Examination = Result<Box<(InboundEvent, Description)>, Box<DeadLetter>>;

/// A record of a batch, looked at by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// `<topic>-<partition>`, as in the batch.
    pub partition: String,
    /// Its offset.
    pub offset: i64,
    /// What came of it.
    pub examination: Examination,
}

/// What a batch of `topic`, whose events `describe` reads, holds: each of its records, in the order
/// in which they would be handled.
///
/// # Errors
/// A [`BatchError`] if the payload is not a batch, so that no record of it can be named.
pub fn examine<D: DeserializeOwned>(
    topic: Topic,
    describe: impl Fn(D) -> Description,
    payload: &str,
) -> Result<Vec<Examined>, BatchError> {
    let mut examined = Vec::new();
    for partition in batch::parse(payload)? {
        examined.extend(partition.records.iter().map(|record| Examined {
            partition: partition.name.clone(),
            offset: record.offset,
            examination: examine_record(topic, record, &describe),
        }));
    }
    Ok(examined)
}

/// What a record says, or what is to be dead-lettered of it.
pub(crate) fn examine_record<D: DeserializeOwned>(
    topic: Topic,
    record: &Record<'_>,
    describe: impl Fn(D) -> Description,
) -> Examination {
    let content = record
        .content
        .as_ref()
        .map_err(|unread| Box::new(dead_letter(record, &unread.error.to_string())))?;
    match record::read(topic, content, describe) {
        Ok(read) => Ok(Box::new(read)),
        Err(poison) => Err(Box::new(dead_letter(record, &poison.to_string()))),
    }
}

/// The whole of a record, to be dead-lettered because of `cause`.
pub(crate) fn dead_letter(record: &Record<'_>, cause: &str) -> DeadLetter {
    let letter = DeadLetter {
        topic: record.topic.to_string(),
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp,
        key: None,
        value: None,
        headers: Vec::new(),
        unread: None,
        // It may quote what it is about; the whole of that is in the bucket.
        cause: contract::readable(cause),
    };
    match &record.content {
        Err(unread) => DeadLetter {
            unread: Some(unread.json.to_owned()),
            ..letter
        },
        Ok(content) => DeadLetter {
            key: content.key.clone(),
            value: content.value.clone(),
            headers: content
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.as_ref().map(|value| value.to_vec())))
                .collect(),
            ..letter
        },
    }
}
