//! The mapping as a member of its consumer group: its options, its starting position, and its
//! records.

use bytes::Bytes;
use kafka_client::{At, Cluster, Error, Options, Reset};

use super::mapping::{Mapping, StartingPosition};
use super::payload::Record;

/// The mapping's options as a member of its group.
pub fn member_options(mapping: &Mapping) -> Options {
    Options {
        client_id: format!("mapping-{}", mapping.uuid),
        reset: match mapping.start {
            StartingPosition::TrimHorizon => Reset::Earliest,
            // AT_TIMESTAMP commits its starting offsets beforehand. A partition without one has no
            // record that is recent enough.
            StartingPosition::Latest | StartingPosition::AtTimestamp(_) => Reset::Latest,
        },
        ..Options::new(&mapping.consumer_group, &mapping.topic)
    }
}

/// Commits, for each partition without a committed offset, the offset of the first record that is
/// not older than `millis`. An existing group keeps its offsets, and ignores the starting position
/// (kafka-consumer-group-id.html).
pub async fn begin_at(cluster: &Cluster, mapping: &Mapping, millis: i64) -> Result<(), Error> {
    let (group, topic) = (&mapping.consumer_group, &mapping.topic);
    let committed = cluster.committed(group, topic).await?;
    let mut found = cluster.offsets(topic, At::Time(millis)).await?;
    found.retain(|partition, _| !committed.contains_key(partition));
    if found.is_empty() {
        Ok(())
    } else {
        cluster.commit(group, topic, &found).await
    }
}

/// Converts a record to the form in which the mapping sends it.
pub fn record_of(record: kafka_client::Record) -> Record {
    let owned = |bytes: Bytes| Vec::from(bytes);
    Record {
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp,
        key: record.key.map(owned),
        value: record.value.map(owned),
        headers: record
            .headers
            .into_iter()
            .map(|(name, value)| (name, value.map(owned)))
            .collect(),
    }
}
