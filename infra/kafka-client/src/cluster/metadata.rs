//! The brokers of a cluster, and the leaders of its partitions.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use kafka_protocol::{
    error::ResponseError,
    messages::{
        MetadataRequest, MetadataResponse, metadata_request::MetadataRequestTopic,
        metadata_response::MetadataResponseTopic,
    },
    protocol::StrBytes,
};

use super::{Cluster, topic_name};
use crate::{Error, connection::WITHIN};

/// The leader of each partition of a topic, as host:port. `None` means that the partition has no
/// leader at the moment.
pub(crate) type Leaders = BTreeMap<i32, Option<String>>;

impl Cluster {
    /// The leaders of a topic's partitions, as the cluster reports them now.
    pub(crate) async fn leaders_of(&self, topic: &str) -> Result<Leaders, Error> {
        let metadata = self.metadata(&[topic]).await?;
        let named = |found: &&MetadataResponseTopic| {
            found
                .name
                .as_ref()
                .is_some_and(|name| name.as_str() == topic)
        };
        let found = metadata.topics.iter().find(named);
        leaders(topic, found, &brokers(&metadata))
    }

    /// As [`Cluster::leaders_of`], but from memory unless the known leaders are `stale`.
    pub(crate) async fn known_leaders(
        &self,
        topic: &str,
        stale: Option<&Arc<Leaders>>,
    ) -> Result<Arc<Leaders>, Error> {
        let mut known = self.inner.leaders.lock().await;
        if let Some(leaders) = known.get(topic)
            && stale.is_none_or(|stale| !Arc::ptr_eq(stale, leaders))
        {
            return Ok(Arc::clone(leaders));
        }
        known.remove(topic);
        let leaders = Arc::new(self.leaders_of(topic).await?);
        known.insert(topic.to_owned(), Arc::clone(&leaders));
        Ok(leaders)
    }

    pub(super) async fn metadata(&self, topics: &[&str]) -> Result<MetadataResponse, Error> {
        let topic =
            |topic: &&str| MetadataRequestTopic::default().with_name(Some(topic_name(topic)));
        let request =
            MetadataRequest::default().with_topics(Some(topics.iter().map(topic).collect()));
        let answer = self
            .any()
            .await?
            .ask(
                &request.with_allow_auto_topic_creation(false),
                4..=9,
                WITHIN,
            )
            .await?;
        let named = brokers(&answer).into_values().collect();
        *self
            .inner
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = named;
        Ok(answer)
    }
}

pub(super) fn brokers(metadata: &MetadataResponse) -> BTreeMap<i32, String> {
    let address = |port: i32, host: &StrBytes| format!("{host}:{port}");
    metadata
        .brokers
        .iter()
        .map(|broker| (broker.node_id.0, address(broker.port, &broker.host)))
        .collect()
}

fn leaders(
    topic: &str,
    found: Option<&MetadataResponseTopic>,
    brokers: &BTreeMap<i32, String>,
) -> Result<Leaders, Error> {
    let unknown = || Error::UnknownTopic(topic.to_owned());
    let found = found.ok_or_else(unknown)?;
    match ResponseError::try_from_code(found.error_code) {
        None => {}
        Some(ResponseError::UnknownTopicOrPartition) => return Err(unknown()),
        Some(code) => {
            return Err(Error::Refused {
                doing: format!("describe {topic}"),
                code,
                said: None,
            });
        }
    }
    let partitions = found.partitions.iter();
    Ok(partitions
        .map(|partition| {
            (
                partition.partition_index,
                brokers.get(&partition.leader_id.0).cloned(),
            )
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_topic_and_a_topic_without_a_leader_are_different_errors() {
        let topic =
            |code: ResponseError| MetadataResponseTopic::default().with_error_code(code.code());
        let leaders = |topic: Option<&MetadataResponseTopic>| {
            leaders("t", topic, &BTreeMap::new()).unwrap_err()
        };
        let unknown = Error::UnknownTopic("t".to_owned());
        assert_eq!(leaders(None), unknown);
        assert_eq!(
            leaders(Some(&topic(ResponseError::UnknownTopicOrPartition))),
            unknown
        );
        let error = leaders(Some(&topic(ResponseError::LeaderNotAvailable)));
        assert!(error.is_passing() && error.code() == Some(ResponseError::LeaderNotAvailable));
    }
}
