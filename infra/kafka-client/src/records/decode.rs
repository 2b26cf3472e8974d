//! Reads batches.

use std::sync::Arc;

use bytes::{Buf as _, Bytes};

use super::{
    Record, Timestamp,
    broken::Broken,
    compression::decompress,
    layout::{APPEND_TIME, CODEC, CONTROL, CRC, CRC_BEGINS, HEADER, LENGTH_ENDS, MAGIC},
    number::{take, varint},
};
use crate::Error;

/// What a fetch returned for a partition.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) records: Vec<Record>,
    /// The offset to fetch next.
    pub(crate) next: i64,
    /// Why the rest could not be read. `records` holds what came before it.
    pub(crate) failed: Option<Error>,
}

/// Reads batches and keeps the records from offset `from` on, because a broker sends whole batches.
/// The last batch may be cut off, and is ignored then.
pub(crate) fn decode(topic: &Arc<str>, partition: i32, from: i64, mut batches: Bytes) -> Fetched {
    let mut fetched = Fetched {
        records: Vec::new(),
        next: from,
        failed: None,
    };
    while let Some(batch) = split_batch(&mut batches) {
        let offset = (&batch[..]).get_i64();
        match decode_batch(topic, partition, fetched.next, batch) {
            Ok((records, next)) => {
                fetched.records.extend(records);
                fetched.next = fetched.next.max(next);
            }
            Err(Broken::Codec(codec)) => {
                fetched.failed = Some(Error::Codec {
                    codec,
                    topic: topic.to_string(),
                    partition,
                });
                break;
            }
            Err(Broken::Damaged(what)) => {
                fetched.failed = Some(Error::Damaged {
                    topic: topic.to_string(),
                    partition,
                    offset,
                    what,
                });
                break;
            }
        }
    }
    fetched
}

fn split_batch(batches: &mut Bytes) -> Option<Bytes> {
    let length = batches.get(LENGTH_ENDS - 4..LENGTH_ENDS)?;
    let length = usize::try_from(i32::from_be_bytes(length.try_into().ok()?)).ok()?;
    (batches.len() >= LENGTH_ENDS + length).then(|| batches.split_to(LENGTH_ENDS + length))
}

/// Refuses a batch of another format.
fn check_format(batch: &Bytes) -> Result<(), Broken> {
    match batch.get(MAGIC) {
        Some(2) if batch.len() >= HEADER => Ok(()),
        Some(magic @ (0 | 1)) => Err(Broken::Damaged(format!(
            "its format {magic} is from before Kafka 0.11"
        ))),
        _ => Err("it is not a batch of records".into()),
    }
}

/// The records of a batch, and the offset after the batch. That offset may be far beyond the last
/// record, because compaction leaves gaps.
fn decode_batch(
    topic: &Arc<str>,
    partition: i32,
    from: i64,
    mut batch: Bytes,
) -> Result<(Vec<Record>, i64), Broken> {
    check_format(&batch)?;
    let checksum = crc32c::crc32c(&batch[CRC_BEGINS..]);
    let base = batch.get_i64();
    batch.advance(CRC - 8);
    if batch.get_u32() != checksum {
        return Err("its checksum is wrong".into());
    }
    let attributes = batch.get_i16();
    let next = base + i64::from(batch.get_i32()) + 1;
    let (first_time, last_time) = (batch.get_i64(), batch.get_i64());
    batch.advance(8 + 2 + 4);
    let count = batch.get_i32();
    if attributes & CONTROL != 0 || next <= from {
        return Ok((Vec::new(), next));
    }
    let mut body = decompress(attributes & CODEC, batch)?;
    let mut records = Vec::new();
    for _ in 0..count {
        let mut record = take(&mut body)?.ok_or("a record has no length")?;
        if record.is_empty() {
            return Err("a record is empty".into());
        }
        record.advance(1); // attributes: none are defined
        let time = first_time + varint(&mut record)?;
        let timestamp = match attributes & APPEND_TIME {
            0 => Timestamp::CreateTime(time),
            _ => Timestamp::LogAppendTime(last_time),
        };
        let offset = base + varint(&mut record)?;
        let (key, value) = (take(&mut record)?, take(&mut record)?);
        let headers = headers(&mut record)?;
        if offset >= from {
            let topic = Arc::clone(topic);
            let timestamp = Some(timestamp).filter(|timestamp| timestamp.millis() >= 0);
            records.push(Record {
                topic,
                partition,
                offset,
                timestamp,
                key,
                value,
                headers,
            });
        }
    }
    Ok((records, next))
}

fn headers(record: &mut Bytes) -> Result<Vec<(String, Option<Bytes>)>, Broken> {
    let count = varint(record)?;
    (0..count)
        .map(|_| {
            let name = take(record)?.ok_or("a header has no name")?;
            Ok((String::from_utf8_lossy(&name).into_owned(), take(record)?))
        })
        .collect()
}
