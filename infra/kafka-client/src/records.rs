//! Records, and the batches in which Kafka stores and sends them (magic 2, KIP-98; Kafka's class
//! `DefaultRecordBatch`). The code is our own because kafka-protocol keeps headers in a map: of two
//! headers with the same name it loses one.

use std::{io::Read as _, sync::Arc};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use crate::Error;

/// A record as Kafka stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The record's topic.
    pub topic: Arc<str>,
    /// The record's partition.
    pub partition: i32,
    /// The record's offset in the partition.
    pub offset: i64,
    /// When the record was created or appended. `None` if it has no timestamp.
    pub timestamp: Option<Timestamp>,
    /// The record's key.
    pub key: Option<Bytes>,
    /// The record's value. `None` is a tombstone.
    pub value: Option<Bytes>,
    /// The record's headers, in order. A name may occur more than once, and a value may be null.
    pub headers: Vec<(String, Option<Bytes>)>,
}

/// A record's timestamp in milliseconds since 1970, by who set it (Kafka's class `TimestampType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timestamp {
    /// The producer set it.
    CreateTime(i64),
    /// The broker set it, because the topic's `message.timestamp.type` says so.
    LogAppendTime(i64),
}

impl Timestamp {
    /// The timestamp, whether the producer or the broker set it.
    #[must_use]
    pub fn millis(self) -> i64 {
        match self {
            Self::CreateTime(millis) | Self::LogAppendTime(millis) => millis,
        }
    }
}

impl Record {
    /// The record's approximate size in memory, in bytes.
    pub(crate) fn size(&self) -> usize {
        payload(self.key.as_ref(), self.value.as_ref(), &self.headers) + 64
    }
}

/// The size of key, value and headers, in bytes.
pub(crate) fn payload(
    key: Option<&Bytes>,
    value: Option<&Bytes>,
    headers: &[(String, Option<Bytes>)],
) -> usize {
    let headers = headers
        .iter()
        .map(|(name, value)| name.len() + value.as_ref().map_or(0, Bytes::len) + 8);
    key.map_or(0, Bytes::len) + value.map_or(0, Bytes::len) + headers.sum::<usize>()
}

/// A record that waits to be written.
#[derive(Debug, Clone)]
pub(crate) struct Unwritten {
    /// Milliseconds since 1970.
    pub(crate) timestamp: i64,
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Option<Bytes>,
    pub(crate) headers: Vec<(String, Option<Bytes>)>,
}

/// The positions of a batch's parts, in bytes from its beginning.
const LENGTH_ENDS: usize = 12;
const MAGIC: usize = 16;
const CRC: usize = 17;
const CRC_BEGINS: usize = 21;
const HEADER: usize = 61;

/// The bits of the attributes.
const CODEC: i16 = 0b111;
const APPEND_TIME: i16 = 1 << 3;
const CONTROL: i16 = 1 << 5;

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

/// Why a batch cannot be read.
#[derive(Debug)]
enum Broken {
    Codec(String),
    Damaged(String),
}

impl From<&str> for Broken {
    fn from(what: &str) -> Self {
        Self::Damaged(what.to_owned())
    }
}

fn split_batch(batches: &mut Bytes) -> Option<Bytes> {
    let length = batches.get(LENGTH_ENDS - 4..LENGTH_ENDS)?;
    let length = usize::try_from(i32::from_be_bytes(length.try_into().ok()?)).ok()?;
    (batches.len() >= LENGTH_ENDS + length).then(|| batches.split_to(LENGTH_ENDS + length))
}

/// The records of a batch, and the offset after the batch. That offset may be far beyond the last
/// record, because compaction leaves gaps.
fn decode_batch(
    topic: &Arc<str>,
    partition: i32,
    from: i64,
    mut batch: Bytes,
) -> Result<(Vec<Record>, i64), Broken> {
    match batch.get(MAGIC) {
        Some(2) if batch.len() >= HEADER => {}
        Some(magic @ (0 | 1)) => {
            return Err(Broken::Damaged(format!(
                "its format {magic} is from before Kafka 0.11"
            )));
        }
        _ => return Err("it is not a batch of records".into()),
    }
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

/// The codec numbers are those of Kafka's class `CompressionType`.
fn decompress(codec: i16, mut body: Bytes) -> Result<Bytes, Broken> {
    let mut plain = Vec::new();
    let read = match codec {
        0 => return Ok(body),
        1 => flate2::read::MultiGzDecoder::new(&body[..])
            .read_to_end(&mut plain)
            .map_err(|error| error.to_string()),
        2 => return unsnap(&mut body),
        3 => lz4_flex::frame::FrameDecoder::new(&body[..])
            .read_to_end(&mut plain)
            .map_err(|error| error.to_string()),
        4 => return Err(Broken::Codec("zstd".to_owned())),
        other => return Err(Broken::Codec(format!("codec {other}"))),
    };
    read.map_err(|error| Broken::Damaged(format!("its body does not decompress: {error}")))?;
    Ok(plain.into())
}

/// Decompresses snappy: one block, or the framing of Java's snappy (xerial's `SnappyOutputStream`),
/// which is a header of 16 bytes and then blocks, each after its length.
fn unsnap(body: &mut Bytes) -> Result<Bytes, Broken> {
    const XERIAL: &[u8] = b"\x82SNAPPY\0";
    let mut decoder = snap::raw::Decoder::new();
    let mut unsnap = |block: &[u8]| {
        decoder
            .decompress_vec(block)
            .map_err(|error| Broken::Damaged(format!("its body does not decompress: {error}")))
    };
    if !body.starts_with(XERIAL) || body.len() < 16 {
        return Ok(unsnap(body)?.into());
    }
    body.advance(16);
    let mut plain = Vec::new();
    while body.remaining() >= 4 {
        let length = body.get_u32() as usize;
        if length > body.len() {
            return Err("a block of its body is cut off".into());
        }
        plain.extend(unsnap(&body.split_to(length))?);
    }
    Ok(plain.into())
}

/// Bytes with their length before them; a length of -1 is null.
fn take(from: &mut Bytes) -> Result<Option<Bytes>, Broken> {
    match varint(from)? {
        -1 => Ok(None),
        length => match usize::try_from(length) {
            Ok(length) if length <= from.len() => Ok(Some(from.split_to(length))),
            _ => Err("a length in it goes beyond its end".into()),
        },
    }
}

/// A number in Protocol Buffers' zigzag encoding, seven bits per byte.
fn varint(from: &mut Bytes) -> Result<i64, Broken> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        if !from.has_remaining() {
            return Err("it ends in a number".into());
        }
        let byte = from.get_u8();
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
        }
    }
    Err("a number in it has no end".into())
}

fn put_varint(to: &mut BytesMut, number: i64) {
    let mut number = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while number >= 0x80 {
        to.put_u8((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    to.put_u8(number as u8);
}

fn put_bytes(to: &mut BytesMut, bytes: Option<&[u8]>) {
    put_varint(to, bytes.map_or(-1, |bytes| length(bytes.len())));
    to.put_slice(bytes.unwrap_or_default());
}

fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unwritten(value: &'static [u8]) -> Unwritten {
        let headers = vec![
            ("a".to_owned(), None),
            ("a".to_owned(), Some(Bytes::new())),
            ("b".to_owned(), Some(Bytes::from_static(b"\xff"))),
        ];
        Unwritten {
            timestamp: 1_700_000_000_000,
            key: None,
            value: Some(Bytes::from_static(value)),
            headers,
        }
    }

    fn topic() -> Arc<str> {
        "orders".into()
    }

    /// The batch with another base offset, attributes and body, and a matching length and checksum.
    fn changed(batch: &Bytes, base: i64, attributes: i16, body: &[u8]) -> Bytes {
        let mut bytes = batch[..HEADER].to_vec();
        bytes.extend(body);
        bytes[..8].copy_from_slice(&base.to_be_bytes());
        let length = u32::try_from(bytes.len() - LENGTH_ENDS).unwrap();
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        bytes[21..23].copy_from_slice(&attributes.to_be_bytes());
        let checksum = crc32c::crc32c(&bytes[CRC_BEGINS..]);
        bytes[CRC..CRC_BEGINS].copy_from_slice(&checksum.to_be_bytes());
        bytes.into()
    }

    #[test]
    fn numbers_use_the_zigzag_encoding_of_protocol_buffers() {
        for (number, bytes) in [
            (0, &[0][..]),
            (-1, &[1]),
            (1, &[2]),
            (-64, &[0x7f]),
            (64, &[0x80, 1]),
        ] {
            let mut written = BytesMut::new();
            put_varint(&mut written, number);
            assert_eq!(written, bytes);
            assert_eq!(varint(&mut written.freeze()).unwrap(), number);
        }
        for number in [i64::MIN, i64::MAX] {
            let mut written = BytesMut::new();
            put_varint(&mut written, number);
            assert_eq!(varint(&mut written.freeze()).unwrap(), number);
        }
    }

    #[test]
    fn a_batch_is_read_from_the_requested_offset_and_a_cut_off_one_is_ignored() {
        let records = [unwritten(b"one"), unwritten(b"two"), unwritten(b"three")];
        let batch = encode(records.iter());
        let mut bytes = changed(&batch, 40, 0, &batch[HEADER..]).to_vec();
        bytes.extend(&batch[..batch.len() - 1]);
        let fetched = decode(&topic(), 3, 41, bytes.into());
        assert_eq!((fetched.next, fetched.failed), (43, None));
        assert_eq!(
            fetched
                .records
                .iter()
                .map(|record| record.offset)
                .collect::<Vec<_>>(),
            [41, 42]
        );
        assert_eq!(fetched.records[1].value.as_deref(), Some(&b"three"[..]));
        assert_eq!(fetched.records[1].headers, records[2].headers);
        assert_eq!(
            fetched.records[1].timestamp,
            Some(Timestamp::CreateTime(1_700_000_000_000))
        );
    }

    /// Batches that Java's producer (Kafka 4.4) wrote, copied from the broker's log. rdkafka is
    /// built without zlib here and cannot write the first one.
    #[test]
    fn batches_that_javas_producer_compressed_are_read() {
        let batches: [(&str, &[u8]); 3] = [
            ("gzip", include_bytes!("../tests/batches/java-gzip.batch")),
            (
                "snappy",
                include_bytes!("../tests/batches/java-snappy.batch"),
            ),
            ("lz4", include_bytes!("../tests/batches/java-lz4.batch")),
        ];
        for (codec, batch) in batches {
            let fetched = decode(&topic(), 0, 0, Bytes::from_static(batch));
            assert_eq!((fetched.next, fetched.failed), (3, None), "{codec}");
            let text = |bytes: &Option<Bytes>| {
                String::from_utf8(bytes.as_deref().unwrap().to_vec()).unwrap()
            };
            let read: Vec<_> = fetched
                .records
                .iter()
                .map(|record| (text(&record.key), text(&record.value)))
                .collect();
            let expected = [
                ("k1", "one"),
                ("k2", "two, two, two, two, two, two, two"),
                ("k3", ""),
            ];
            assert_eq!(
                read,
                expected.map(|(key, value)| (key.to_owned(), value.to_owned())),
                "{codec}"
            );
        }
        let fetched = decode(
            &topic(),
            0,
            0,
            Bytes::from_static(include_bytes!("../tests/batches/java-zstd.batch")),
        );
        assert!(matches!(fetched.failed, Some(Error::Codec { codec, .. }) if codec == "zstd"));
    }

    #[test]
    fn a_control_batch_is_skipped() {
        let batch = encode([unwritten(b"end of a transaction")].iter());
        let fetched = decode(
            &topic(),
            0,
            7,
            changed(&batch, 7, CONTROL, &batch[HEADER..]),
        );
        assert_eq!(
            (fetched.records.len(), fetched.next, fetched.failed),
            (0, 8, None)
        );
    }

    #[test]
    fn an_unsupported_codec_is_named_and_earlier_records_are_returned() {
        let batch = encode([unwritten(b"x")].iter());
        let mut bytes = batch.to_vec();
        bytes.extend(changed(&batch, 1, 4, &batch[HEADER..]));
        let fetched = decode(&topic(), 5, 0, bytes.into());
        assert_eq!((fetched.records.len(), fetched.next), (1, 1));
        let expected = Error::Codec {
            codec: "zstd".to_owned(),
            topic: "orders".to_owned(),
            partition: 5,
        };
        assert_eq!(fetched.failed, Some(expected));
    }

    #[test]
    fn a_damaged_batch_is_an_error_and_never_a_panic() {
        let batch = encode([unwritten(b"value")].iter());
        let mut flipped = batch.to_vec();
        flipped[HEADER + 3] ^= 1;
        let fetched = decode(&topic(), 0, 0, flipped.into());
        assert!(fetched.failed.unwrap().to_string().contains("checksum"));
        for codec in 0..8 {
            for length in 0..batch.len() - HEADER {
                let fetched = decode(
                    &topic(),
                    0,
                    0,
                    changed(&batch, 0, codec, &batch[HEADER..HEADER + length]),
                );
                assert!(
                    fetched.failed.is_some() && fetched.next == 0,
                    "codec {codec}, {length} bytes"
                );
            }
        }
    }
}
