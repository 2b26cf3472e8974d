//! Writes a batch.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::{
    Unwritten,
    layout::{CRC, CRC_BEGINS, LENGTH_ENDS},
    number::{length, put_bytes, put_varint},
};

/// One uncompressed batch of records, from a producer without an id.
pub(crate) fn encode<'a>(records: impl ExactSizeIterator<Item = &'a Unwritten> + Clone) -> Bytes {
    let count = i32::try_from(records.len()).unwrap_or(i32::MAX);
    let first = records.clone().next().map_or(0, |record| record.timestamp);
    let last = records
        .clone()
        .map(|record| record.timestamp)
        .max()
        .unwrap_or(first);
    let mut batch = BytesMut::new();
    batch.put_i64(0);
    batch.put_i32(0); // the length: filled in below
    batch.put_i32(-1); // no leader epoch
    batch.put_i8(2);
    batch.put_u32(0); // the checksum: filled in below
    batch.put_i16(0);
    batch.put_i32(count - 1);
    batch.put_i64(first);
    batch.put_i64(last);
    batch.put_i64(-1); // no producer id, epoch or sequence
    batch.put_i16(-1);
    batch.put_i32(-1);
    batch.put_i32(count);
    let mut body = BytesMut::new();
    for (place, record) in records.enumerate() {
        body.clear();
        body.put_i8(0);
        put_varint(&mut body, record.timestamp - first);
        put_varint(&mut body, length(place));
        put_bytes(&mut body, record.key.as_deref());
        put_bytes(&mut body, record.value.as_deref());
        put_varint(&mut body, length(record.headers.len()));
        for (name, value) in &record.headers {
            put_bytes(&mut body, Some(name.as_bytes()));
            put_bytes(&mut body, value.as_deref());
        }
        put_varint(&mut batch, length(body.len()));
        batch.put_slice(&body);
    }
    let length = u32::try_from(batch.len() - LENGTH_ENDS).unwrap_or(u32::MAX);
    batch[LENGTH_ENDS - 4..LENGTH_ENDS].copy_from_slice(&length.to_be_bytes());
    let checksum = crc32c::crc32c(&batch[CRC_BEGINS..]);
    batch[CRC..CRC + 4].copy_from_slice(&checksum.to_be_bytes());
    batch.freeze()
}
