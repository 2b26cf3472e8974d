//! The mappings' consumer groups: how far they are.

use std::time::Duration;

use local::{mapping::Mapping, stack::Stack};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::KafkaError,
};

use crate::Error;

/// How long Kafka may take to answer.
const KAFKA_PATIENCE: Duration = Duration::from_secs(10);

/// How many records the mappings' groups are behind.
pub async fn lag(stack: &Stack) -> Result<i64, Error> {
    let (bootstrap, mappings) = (stack.broker.bootstrap().to_owned(), stack.mappings.clone());
    let lag = move || mappings.iter().map(|mapping| lag_of(&bootstrap, mapping)).sum();
    blocking("asking how far the mappings are", lag).await
}

/// Has the group of `copied`, which has never read anything, begin where that of `own` would go on.
pub async fn begin_with(stack: &Stack, own: &Mapping, copied: &Mapping) -> Result<(), Error> {
    let (bootstrap, own, copied) = (stack.broker.bootstrap().to_owned(), own.clone(), copied.clone());
    let begin = move || {
        let mut begin = TopicPartitionList::new();
        for (partition, next) in positions(&consumer(&bootstrap, &own)?, &own)? {
            begin.add_partition_offset(&own.topic, partition, Offset::Offset(next.unwrap_or(0)))?;
        }
        consumer(&bootstrap, &copied)?.commit(&begin, CommitMode::Sync)
    };
    blocking("having a second mapping begin where the first one is", begin).await
}

async fn blocking<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await.unwrap_or(Err(KafkaError::Canceled));
    done.map_err(|source| Error::Kafka { doing, source })
}

fn consumer(bootstrap: &str, mapping: &Mapping) -> Result<BaseConsumer, KafkaError> {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", &mapping.consumer_group)
        .set("enable.auto.commit", "false")
        .create()
}

fn lag_of(bootstrap: &str, mapping: &Mapping) -> Result<i64, KafkaError> {
    let consumer = consumer(bootstrap, mapping)?;
    let mut lag = 0;
    for (partition, next) in positions(&consumer, mapping)? {
        let (low, high) = consumer.fetch_watermarks(&mapping.topic, partition, KAFKA_PATIENCE)?;
        lag += high - next.unwrap_or(low);
    }
    Ok(lag)
}

/// The next offset of each partition, where the group has committed one.
fn positions(consumer: &BaseConsumer, mapping: &Mapping) -> Result<Vec<(i32, Option<i64>)>, KafkaError> {
    let metadata = consumer.fetch_metadata(Some(&mapping.topic), KAFKA_PATIENCE)?;
    let mut partitions = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(rdkafka::metadata::MetadataTopic::partitions) {
        partitions.add_partition(&mapping.topic, partition.id());
    }
    let committed = consumer.committed_offsets(partitions, KAFKA_PATIENCE)?;
    let next = |offset| match offset {
        Offset::Offset(next) => Some(next),
        _ => None,
    };
    Ok(committed.elements().iter().map(|partition| (partition.partition(), next(partition.offset()))).collect())
}
