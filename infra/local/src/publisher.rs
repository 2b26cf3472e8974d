//! Publishes records as a neighbour of the studio's does.

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};

/// Where a record went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}

/// The producer of whoever uses the stack.
pub(crate) struct Publisher(FutureProducer);

impl Publisher {
    pub(crate) fn new(bootstrap: &str) -> Result<Self, KafkaError> {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("acks", "all")
            .set("partitioner", "murmur2_random") // as Java's producers, and ours, place keys
            .set("message.timeout.ms", "15000")
            .set("reconnect.backoff.max.ms", "500")
            .create();
        Ok(Self(producer?))
    }

    /// Publishes a record and waits until the broker has it. No value is a tombstone.
    pub(crate) async fn publish(
        &self,
        topic: &str,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, Option<&[u8]>)],
    ) -> Result<Published, KafkaError> {
        let headers = headers.iter().fold(OwnedHeaders::new_with_capacity(headers.len()), |all, (key, value)| {
            all.insert(Header { key, value: *value })
        });
        let mut record = FutureRecord::<[u8], [u8]>::to(topic).headers(headers);
        record.key = key;
        record.payload = value;
        let enqueued = self.0.send_result(record).map_err(|(source, _)| source)?;
        match enqueued.await {
            Ok(Ok(delivery)) => Ok(Published { partition: delivery.partition, offset: delivery.offset }),
            Ok(Err((source, _))) => Err(source),
            Err(_) => Err(KafkaError::Canceled),
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // What nobody waited for any more must not be sent by a stack that stops.
        self.0.purge(rdkafka::producer::PurgeConfig::default().queue().inflight());
    }
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").finish_non_exhaustive()
    }
}
