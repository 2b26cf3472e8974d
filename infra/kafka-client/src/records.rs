//! Records, and the batches in which Kafka stores and sends them (magic 2, KIP-98; Kafka's class
//! `DefaultRecordBatch`). The code is our own because kafka-protocol keeps headers in a map: of two
//! headers with the same name it loses one.

mod broken;
mod compression;
mod decode;
mod encode;
mod layout;
mod number;

use std::sync::Arc;

use bytes::Bytes;

pub(crate) use decode::decode;
pub(crate) use encode::encode;

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

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::{
        layout::{CONTROL, CRC, CRC_BEGINS, HEADER, LENGTH_ENDS},
        number::{put_varint, varint},
        *,
    };
    use crate::Error;

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
