//! The offsets of a log, and those that a group has committed.

use std::collections::BTreeMap;

use kafka_protocol::{
    messages::{
        BrokerId, FindCoordinatorRequest, ListOffsetsRequest, OffsetCommitRequest,
        OffsetFetchRequest,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
        offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
        offset_fetch_request::OffsetFetchRequestTopic,
    },
    protocol::StrBytes,
};

use super::{Cluster, group_id, no_leader, topic_name};
use crate::{
    Error,
    connection::{Connection, WITHIN},
    error::check,
};

/// Which offset of a partition to look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The offset of the first record that still exists.
    Earliest,
    /// The offset that the next record will get.
    Latest,
    /// The offset of the first record that is not older than this, in milliseconds since 1970.
    Time(i64),
}

impl At {
    /// Kafka's number for this lookup (from its class `ListOffsetsRequest`).
    fn timestamp(self) -> i64 {
        match self {
            Self::Latest => -1,
            Self::Earliest => -2,
            Self::Time(milliseconds) => milliseconds.max(0),
        }
    }
}

impl Cluster {
    /// One offset of each partition of a topic. A partition without such a record is left out.
    ///
    /// # Errors
    /// [`Error::UnknownTopic`] at once, or the client cannot reach a leader.
    pub async fn offsets(&self, topic: &str, at: At) -> Result<BTreeMap<i32, i64>, Error> {
        self.patiently(async || self.try_offsets(topic, at).await)
            .await
    }

    async fn try_offsets(&self, topic: &str, at: At) -> Result<BTreeMap<i32, i64>, Error> {
        let mut by_leader: BTreeMap<String, Vec<i32>> = BTreeMap::new();
        for (partition, leader) in self.leaders_of(topic).await? {
            by_leader
                .entry(leader.ok_or_else(|| no_leader(topic))?)
                .or_default()
                .push(partition);
        }
        let mut offsets = BTreeMap::new();
        for (leader, partitions) in by_leader {
            let connection = self.connection(&leader).await?;
            offsets.extend(list_offsets(&connection, topic, &partitions, at).await?);
        }
        Ok(offsets)
    }

    /// The offsets that a group has committed for a topic, by partition. A partition without a
    /// commit is left out.
    ///
    /// # Errors
    /// [`Error::UnknownTopic`] at once, or the client cannot reach the group's coordinator.
    pub async fn committed(&self, group: &str, topic: &str) -> Result<BTreeMap<i32, i64>, Error> {
        self.patiently(async || {
            let partitions = self.leaders_of(topic).await?.into_keys().collect();
            let topics = OffsetFetchRequestTopic::default()
                .with_name(topic_name(topic))
                .with_partition_indexes(partitions);
            let request = OffsetFetchRequest::default()
                .with_group_id(group_id(group))
                .with_topics(Some(vec![topics]));
            let doing = || format!("say what the group {group} has committed of {topic}");
            let coordinator = self.connection(&self.coordinator(group).await?).await?;
            let answer = coordinator.ask(&request, 1..=7, WITHIN).await?;
            check(answer.error_code, doing)?;
            let mut committed = BTreeMap::new();
            for partition in answer.topics.iter().flat_map(|topic| &topic.partitions) {
                check(partition.error_code, doing)?;
                if partition.committed_offset >= 0 {
                    committed.insert(partition.partition_index, partition.committed_offset);
                }
            }
            Ok(committed)
        })
        .await
    }

    /// Commits offsets for a group that has no members at the moment.
    ///
    /// # Errors
    /// `UnknownMemberId` if the group has members, or the client cannot reach its coordinator.
    pub async fn commit(
        &self,
        group: &str,
        topic: &str,
        offsets: &BTreeMap<i32, i64>,
    ) -> Result<(), Error> {
        let request = commit_request(group, topic, offsets).with_generation_id_or_member_epoch(-1);
        self.patiently(async || {
            let coordinator = self.connection(&self.coordinator(group).await?).await?;
            commit(&coordinator, &request).await
        })
        .await
    }

    /// The coordinator of a group, as host:port.
    pub(crate) async fn coordinator(&self, group: &str) -> Result<String, Error> {
        let key = StrBytes::from_string(group.to_owned());
        // Since version 1 the request has a key type. Its default, 0, is a group.
        let request = FindCoordinatorRequest::default().with_key(key);
        let answer = self.any().await?.ask(&request, 1..=3, WITHIN).await?;
        check(answer.error_code, || {
            format!("name the coordinator of the group {group}")
        })?;
        Ok(format!("{}:{}", answer.host, answer.port))
    }
}

/// Asks the leader of these partitions for their offsets.
pub(crate) async fn list_offsets(
    connection: &Connection,
    topic: &str,
    partitions: &[i32],
    at: At,
) -> Result<BTreeMap<i32, i64>, Error> {
    let partition = |partition: &i32| {
        ListOffsetsPartition::default()
            .with_partition_index(*partition)
            .with_timestamp(at.timestamp())
    };
    let partitions = partitions.iter().map(partition).collect();
    let topics = ListOffsetsTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(partitions);
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(vec![topics]);
    let answer = connection.ask(&request, 1..=6, WITHIN).await?;
    let mut offsets = BTreeMap::new();
    for partition in answer.topics.iter().flat_map(|topic| &topic.partitions) {
        check(partition.error_code, || {
            format!("say an offset of {topic}/{}", partition.partition_index)
        })?;
        if partition.offset >= 0 {
            offsets.insert(partition.partition_index, partition.offset);
        }
    }
    Ok(offsets)
}

/// A commit request without a member.
pub(crate) fn commit_request(
    group: &str,
    topic: &str,
    offsets: &BTreeMap<i32, i64>,
) -> OffsetCommitRequest {
    let partition = |(partition, offset): (&i32, &i64)| {
        OffsetCommitRequestPartition::default()
            .with_partition_index(*partition)
            .with_committed_offset(*offset)
    };
    let partitions = offsets.iter().map(partition).collect();
    let topic = OffsetCommitRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(partitions);
    OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_topics(vec![topic])
}

pub(crate) async fn commit(
    coordinator: &Connection,
    request: &OffsetCommitRequest,
) -> Result<(), Error> {
    let answer = coordinator.ask(request, 2..=8, WITHIN).await?;
    for topic in &answer.topics {
        for partition in &topic.partitions {
            check(partition.error_code, || {
                let group = request.group_id.as_str();
                format!(
                    "commit {}/{} for the group {group}",
                    topic.name.as_str(),
                    partition.partition_index
                )
            })?;
        }
    }
    Ok(())
}
