//! Examines a batch: reads each record's event, or finds why it can never succeed. Pure: nothing is
//! committed, published or dead-lettered here.

use contract::Topic;
use dead_letters::DeadLetter;
use domain::Description;
use serde::de::DeserializeOwned;

use crate::{
    batch::{self, BatchError, Record},
    record::{self, ReadEvent},
};

/// A record's event, or its dead letter.
pub type Examination = Result<Box<ReadEvent>, Box<DeadLetter>>;

/// A record of a batch, examined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// `<topic>-<partition>`, as in the batch.
    pub partition: String,
    /// Its offset.
    pub offset: i64,
    /// The result.
    pub examination: Examination,
}

/// Examines each record of a batch of `topic`, in the order in which they would be handled.
/// `describe` reads the data of an event.
///
/// # Errors
/// A [`BatchError`] if the payload is not a batch, so that no record of it can be identified.
pub fn examine<D: DeserializeOwned>(
    topic: Topic,
    describe: impl Fn(D) -> Description,
    payload: &str,
) -> Result<Vec<Examined>, BatchError> {
    let mut examined = Vec::new();
    for partition in batch::parse(payload)?.partitions {
        examined.extend(partition.records.iter().map(|record| Examined {
            partition: partition.name.clone(),
            offset: record.offset,
            examination: examine_record(topic, record, &describe),
        }));
    }
    Ok(examined)
}

/// A record's event, or its dead letter.
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

/// The dead letter of the complete `record`, because of `cause`.
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
        // The cause may quote the record, so it is escaped and shortened; the bucket has the
        // complete record.
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
