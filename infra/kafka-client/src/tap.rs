//! Listens to producers from a place between them and the broker: which records each sent, and when
//! the broker's acknowledgement passed.

use std::{
    collections::HashMap,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use bytes::{Buf as _, Bytes, BytesMut};
use kafka_protocol::{
    messages::{ProduceRequest, ProduceResponse, RequestHeader, ResponseHeader},
    protocol::{Decodable as _, HeaderVersion as _, Request as _},
};

use crate::records::decode;

/// A record that a producer sent to the broker.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The record's topic.
    pub topic: Arc<str>,
    /// The record's value. `None` is a tombstone.
    pub value: Option<Bytes>,
    /// When the request passed on its way to the broker.
    pub sent: Instant,
    /// When the broker's acknowledgement passed on its way to the producer, if it did. The producer
    /// cannot have known earlier.
    pub acknowledged: Option<Instant>,
}

/// What was heard on any number of connections. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Tap(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    sent: Vec<Sent>,
    not_understood: usize,
}

impl Tap {
    /// Listens to one more connection.
    #[must_use]
    pub fn connection(&self) -> Tapped {
        Tapped {
            tap: self.clone(),
            requests: Frames::default(),
            answers: Frames::default(),
            unanswered: HashMap::new(),
            is_deaf: false,
        }
    }

    /// Every record that was sent, in the order in which the requests passed.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.heard().sent.clone()
    }

    /// On how many connections something was said that is not Kafka's protocol, or a version of it
    /// that this crate does not read. The rest of such a connection is not heard.
    #[must_use]
    pub fn not_understood(&self) -> usize {
        self.heard().not_understood
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that a [`Tap`] listens to.
#[derive(Debug)]
pub struct Tapped {
    tap: Tap,
    requests: Frames,
    answers: Frames,
    /// The requests that wait for their answer, by correlation id.
    unanswered: HashMap<i32, Unanswered>,
    is_deaf: bool,
}

/// A produce request that waits for its answer.
#[derive(Debug)]
struct Unanswered {
    version: i16,
    batches: Batches,
}

/// The places of a request's records in [`Heard::sent`], by topic and partition.
type Batches = HashMap<(Arc<str>, i32), Range<usize>>;

/// Something that is not Kafka's protocol, or not as this crate reads it.
#[derive(Debug)]
struct NotUnderstood;

impl Tapped {
    /// Hears what the producer says. Call it before the bytes go on to the broker.
    pub fn asks(&mut self, bytes: &[u8]) {
        if self.is_deaf {
            return;
        }
        self.requests.add(bytes);
        let heard = self.read_requests();
        self.forget_if_lost(heard);
    }

    /// Hears what the broker says. Call it before the bytes go on to the producer: then no
    /// producer has an acknowledgement earlier than the tap.
    pub fn answers(&mut self, bytes: &[u8]) {
        if self.is_deaf {
            return;
        }
        self.answers.add(bytes);
        let heard = self.read_answers();
        self.forget_if_lost(heard);
    }

    fn forget_if_lost(&mut self, heard: Result<(), NotUnderstood>) {
        if heard.is_err() {
            self.is_deaf = true;
            self.tap.heard().not_understood += 1;
            (self.requests, self.answers) = (Frames::default(), Frames::default());
        }
    }

    fn read_requests(&mut self) -> Result<(), NotUnderstood> {
        while let Some(frame) = self.requests.next()? {
            // In every version of every request the first eight bytes are these three.
            let mut start = frame.get(..8).ok_or(NotUnderstood)?;
            let (key, version, correlation) = (start.get_i16(), start.get_i16(), start.get_i32());
            if key == ProduceRequest::KEY {
                let batches = self.read_produce(frame, version)?;
                self.unanswered
                    .insert(correlation, Unanswered { version, batches });
            }
        }
        Ok(())
    }

    fn read_produce(&self, mut frame: Bytes, version: i16) -> Result<Batches, NotUnderstood> {
        let now = Instant::now();
        RequestHeader::decode(&mut frame, ProduceRequest::header_version(version))
            .map_err(|_| NotUnderstood)?;
        let request = ProduceRequest::decode(&mut frame, version).map_err(|_| NotUnderstood)?;
        let mut batches = HashMap::new();
        let mut heard = self.tap.heard();
        for topic in request.topic_data {
            let name: Arc<str> = topic.name.as_str().into();
            // From version 13 on, a topic has a number instead of its name.
            if name.is_empty() {
                return Err(NotUnderstood);
            }
            for partition in topic.partition_data {
                let records = partition.records.unwrap_or_default();
                let read = decode(&name, partition.index, 0, records);
                if read.failed.is_some() {
                    return Err(NotUnderstood);
                }
                let begin = heard.sent.len();
                heard
                    .sent
                    .extend(read.records.into_iter().map(|record| Sent {
                        topic: Arc::clone(&name),
                        value: record.value,
                        sent: now,
                        acknowledged: None,
                    }));
                let places = begin..heard.sent.len();
                batches.insert((Arc::clone(&name), partition.index), places);
            }
        }
        Ok(batches)
    }

    fn read_answers(&mut self) -> Result<(), NotUnderstood> {
        while let Some(mut frame) = self.answers.next()? {
            let mut start = frame.get(..4).ok_or(NotUnderstood)?;
            let Some(asked) = self.unanswered.remove(&start.get_i32()) else {
                continue;
            };
            ResponseHeader::decode(&mut frame, ProduceResponse::header_version(asked.version))
                .map_err(|_| NotUnderstood)?;
            let answer =
                ProduceResponse::decode(&mut frame, asked.version).map_err(|_| NotUnderstood)?;
            let now = Instant::now();
            let mut heard = self.tap.heard();
            for topic in answer.responses {
                let name: Arc<str> = topic.name.as_str().into();
                for partition in topic.partition_responses {
                    let batch = asked.batches.get(&(Arc::clone(&name), partition.index));
                    let places = batch.cloned().ok_or(NotUnderstood)?;
                    if partition.error_code == 0 {
                        for sent in &mut heard.sent[places] {
                            sent.acknowledged = Some(now);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// The longest frame, in bytes: a broker's default limit (`socket.request.max.bytes`).
const LONGEST_FRAME: usize = 100 << 20;

/// The bytes of one direction, as frames: a length of four bytes, then that many bytes.
#[derive(Debug, Default)]
struct Frames(BytesMut);

impl Frames {
    fn add(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next frame, without its length. `None` until all of it is there.
    fn next(&mut self) -> Result<Option<Bytes>, NotUnderstood> {
        let Some(length) = self.0.first_chunk::<4>() else {
            return Ok(None);
        };
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| NotUnderstood)?;
        if length > LONGEST_FRAME {
            return Err(NotUnderstood);
        }
        if self.0.len() < 4 + length {
            return Ok(None);
        }
        self.0.advance(4);
        Ok(Some(self.0.split_to(length).freeze()))
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut as _;
    use kafka_protocol::{
        messages::{
            ApiVersionsRequest, TopicName,
            produce_request::{PartitionProduceData, TopicProduceData},
            produce_response::{PartitionProduceResponse, TopicProduceResponse},
        },
        protocol::{Encodable, StrBytes, encode_request_header_into_buffer},
    };

    use super::*;
    use crate::records::{Unwritten, encode};

    fn framed(fill: impl FnOnce(&mut BytesMut)) -> Bytes {
        let mut frame = BytesMut::new();
        fill(&mut frame);
        let mut whole = BytesMut::new();
        whole.put_u32(u32::try_from(frame.len()).unwrap());
        whole.extend_from_slice(&frame);
        whole.freeze()
    }

    fn request<R: kafka_protocol::protocol::Request>(
        body: &R,
        version: i16,
        correlation: i32,
    ) -> Bytes {
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(correlation);
        framed(|frame| {
            encode_request_header_into_buffer(frame, &header).unwrap();
            body.encode(frame, version).unwrap();
        })
    }

    fn topic() -> TopicName {
        TopicName(StrBytes::from_static_str("orders"))
    }

    /// A request that writes `values` to partition 2 of the topic `orders`.
    fn produce(values: &[&'static str], version: i16, correlation: i32) -> Bytes {
        let records: Vec<Unwritten> = values
            .iter()
            .map(|value| Unwritten {
                timestamp: 0,
                key: None,
                value: Some(Bytes::from_static(value.as_bytes())),
                headers: Vec::new(),
            })
            .collect();
        let data = PartitionProduceData::default()
            .with_index(2)
            .with_records(Some(encode(records.iter())));
        let data = TopicProduceData::default()
            .with_name(topic())
            .with_partition_data(vec![data]);
        let body = ProduceRequest::default().with_acks(-1);
        request(&body.with_topic_data(vec![data]), version, correlation)
    }

    fn produced(error_code: i16, version: i16, correlation: i32) -> Bytes {
        let partition = PartitionProduceResponse::default()
            .with_index(2)
            .with_error_code(error_code);
        let topic = TopicProduceResponse::default()
            .with_name(topic())
            .with_partition_responses(vec![partition]);
        let body = ProduceResponse::default().with_responses(vec![topic]);
        let header = ResponseHeader::default().with_correlation_id(correlation);
        framed(|frame| {
            header
                .encode(frame, ProduceResponse::header_version(version))
                .unwrap();
            body.encode(frame, version).unwrap();
        })
    }

    /// The values that were sent, and whether each was acknowledged.
    fn heard(tap: &Tap) -> Vec<(String, bool)> {
        let value = |sent: &Sent| String::from_utf8(sent.value.as_deref().unwrap().to_vec());
        tap.sent()
            .iter()
            .map(|sent| (value(sent).unwrap(), sent.acknowledged.is_some()))
            .collect()
    }

    #[test]
    fn a_record_counts_as_acknowledged_once_all_of_its_answer_has_passed() {
        // Versions before and after 9 have headers of different kinds.
        for version in [3, 7, 9, 10] {
            let tap = Tap::default();
            let mut connection = tap.connection();
            for byte in produce(&["one", "two"], version, 5) {
                connection.asks(&[byte]);
            }
            connection.asks(&produce(&["three"], version, 6));
            let answer = produced(0, version, 5);
            connection.answers(&answer[..answer.len() - 1]);
            assert!(heard(&tap).iter().all(|(_, acknowledged)| !acknowledged));
            connection.answers(&answer[answer.len() - 1..]);
            let expected = [("one", true), ("two", true), ("three", false)];
            assert_eq!(
                heard(&tap),
                expected.map(|(value, acknowledged)| (value.to_owned(), acknowledged)),
                "version {version}"
            );
            assert_eq!(tap.not_understood(), 0);
            let sent = &tap.sent()[0];
            assert!(sent.sent <= sent.acknowledged.unwrap());
        }
    }

    #[test]
    fn a_record_that_the_broker_refused_is_not_acknowledged() {
        let tap = Tap::default();
        let mut connection = tap.connection();
        connection.asks(&produce(&["one"], 7, 1));
        connection.answers(&produced(6, 7, 1));
        assert_eq!(heard(&tap), [("one".to_owned(), false)]);
    }

    #[test]
    fn an_answer_to_another_request_acknowledges_nothing() {
        let tap = Tap::default();
        let mut connection = tap.connection();
        connection.asks(&request(&ApiVersionsRequest::default(), 0, 1));
        connection.asks(&produce(&["one"], 7, 2));
        connection.answers(&framed(|frame| frame.put_slice(&[0, 0, 0, 1, 0, 0])));
        assert_eq!(heard(&tap), [("one".to_owned(), false)]);
        // Another connection has correlation ids of its own.
        tap.connection().answers(&produced(0, 7, 2));
        assert_eq!(heard(&tap), [("one".to_owned(), false)]);
        assert_eq!(tap.not_understood(), 0);
    }

    #[test]
    fn a_connection_that_is_not_understood_is_counted_and_no_longer_heard() {
        let mut cut_batch = produce(&["one"], 7, 1).to_vec();
        let last = cut_batch.len() - 1;
        cut_batch[last] ^= 1;
        for said in [
            &b"\x16\x03\x01\x02\x00\x01"[..],
            b"\xff\xff\xff\xff",
            &cut_batch,
        ] {
            let tap = Tap::default();
            let mut connection = tap.connection();
            connection.asks(said);
            connection.asks(&produce(&["one"], 7, 2));
            connection.answers(&produced(0, 7, 2));
            assert_eq!((heard(&tap), tap.not_understood()), (Vec::new(), 1));
        }
    }
}
