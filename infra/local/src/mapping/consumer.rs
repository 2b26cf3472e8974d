//! The Kafka client as the poller uses it: its settings, what it calls back, and a message as a record.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};
use tokio::sync::mpsc::UnboundedSender;

use super::payload::Record;
use super::settings::{Mapping, StartingPosition};

/// How long Kafka may take to answer what the poller waits for.
const KAFKA_PATIENCE: Duration = Duration::from_secs(10);

/// A consumer's settings for one mapping.
pub fn consumer_config(mapping: &Mapping, bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("group.id", &mapping.consumer_group)
        .set("client.id", format!("mapping-{}", mapping.uuid))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // The embedded broker does not wake a waiting fetch: it is asked again soon instead.
        .set("fetch.wait.max.ms", "500")
        // A topic that is made after the poller is found within seconds, not minutes.
        .set("topic.metadata.refresh.interval.ms", "2000")
        // Beside what the core buffers, the client holds at most this much per partition.
        .set("queued.max.messages.kbytes", "16384")
        .set(
            "auto.offset.reset",
            match mapping.start {
                StartingPosition::TrimHorizon => "earliest",
                // AT_TIMESTAMP commits its positions beforehand; a partition without one has no record that young.
                StartingPosition::Latest | StartingPosition::AtTimestamp(_) => "latest",
            },
        );
    config
}

/// Commits, for the partitions where the group has no offset, that of the first record not older than `millis`. An
/// existing group keeps its offsets: its starting position is ignored (kafka-consumer-group-id.html).
pub fn begin_at(consumer: &StreamConsumer<Listener>, topic: &str, millis: i64) -> KafkaResult<()> {
    let metadata = consumer.fetch_metadata(Some(topic), KAFKA_PATIENCE)?;
    let mut partitions = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
        partitions.add_partition(topic, partition.id());
    }
    let mut asked = TopicPartitionList::new();
    for element in consumer.committed_offsets(partitions, KAFKA_PATIENCE)?.elements() {
        if element.offset() == Offset::Invalid {
            asked.add_partition_offset(topic, element.partition(), Offset::Offset(millis))?;
        }
    }
    if asked.count() == 0 {
        return Ok(());
    }
    let mut found = TopicPartitionList::new();
    for element in consumer.offsets_for_times(asked, KAFKA_PATIENCE)?.elements() {
        if let Offset::Offset(offset) = element.offset() {
            found.add_partition_offset(topic, element.partition(), Offset::Offset(offset))?;
        }
    }
    if found.count() == 0 { Ok(()) } else { consumer.commit(&found, CommitMode::Sync) }
}

/// What the Kafka client calls back.
pub enum News {
    /// Partitions are ours, from the group's offsets on.
    Assigned(Vec<i32>),
    /// Partitions are not ours any more.
    Revoked(Vec<i32>),
    /// Anything else that the client complains about.
    Trouble(String),
}

/// Passes on what the client calls back. Callbacks come while a record is waited for, so a rebalance is in the channel
/// before the first record that follows it.
pub struct Listener {
    /// Where to.
    pub tell: UnboundedSender<News>,
}

impl Listener {
    fn tell(&self, news: News) {
        // The receiver is gone while the consumer closes; then nobody needs to know.
        let _ = self.tell.send(news);
    }
}

impl ClientContext for Listener {
    fn error(&self, error: KafkaError, reason: &str) {
        self.tell(News::Trouble(format!("{error}: {reason}")));
    }
}

impl ConsumerContext for Listener {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance {
            self.tell(News::Revoked(numbers(partitions)));
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => self.tell(News::Assigned(numbers(partitions))),
            Rebalance::Revoke(_) => {}
            Rebalance::Error(error) => self.tell(News::Trouble(error.to_string())),
        }
    }
}

fn numbers(partitions: &TopicPartitionList) -> Vec<i32> {
    partitions.elements().iter().map(|element| element.partition()).collect()
}

/// The message as the mapping sends it.
pub fn record_of(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    Record {
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect(),
    }
}
