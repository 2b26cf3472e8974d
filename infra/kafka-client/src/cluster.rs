//! A Kafka cluster: its brokers, the leaders of its partitions, and single requests to it.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU32},
    time::{Duration, Instant},
};

use kafka_protocol::{
    error::ResponseError,
    messages::{
        BrokerId, CreateTopicsRequest, FindCoordinatorRequest, GroupId,
        IncrementalAlterConfigsRequest, ListOffsetsRequest, MetadataRequest, MetadataResponse,
        OffsetCommitRequest, OffsetFetchRequest, TopicName,
        create_topics_request::CreatableTopic,
        incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig},
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
        metadata_request::MetadataRequestTopic,
        metadata_response::MetadataResponseTopic,
        offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
        offset_fetch_request::OffsetFetchRequestTopic,
    },
    protocol::StrBytes,
};
use tokio::time::sleep;

use crate::{
    Error,
    connection::{CLIENT_ID, Connection, Pool, WITHIN},
    error::check,
    publish::Lane,
    task::pause_after,
};

/// How long an error that may pass is retried by default.
const PATIENCE: Duration = Duration::from_secs(15);

/// The resource type of a topic (Kafka's class `ConfigResource`).
const TOPIC_RESOURCE: i8 = 2;

/// The default of `fetch.max.wait.ms` in Java's consumers.
const FETCH_WAIT: Duration = Duration::from_millis(500);

/// How long a broker may take to create topics, in milliseconds.
const MAKE_WITHIN_MS: i32 = 10_000;

/// A Kafka cluster, reached without TLS and without authentication. A clone shares the connections.
///
/// Requests are retried while the error may pass ([`Error::is_passing`]), for 15 s or as
/// [`Cluster::within`] says.
#[derive(Debug, Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
    patience: Duration,
    fetch_wait: Duration,
}

#[derive(Debug)]
struct Inner {
    bootstrap: Vec<String>,
    pool: Pool,
    /// Brokers that the cluster has named. They are asked when the bootstrap brokers are gone.
    known: Mutex<Vec<String>>,
    /// The leaders of the topics that are written to.
    leaders: tokio::sync::Mutex<HashMap<String, Arc<Leaders>>>,
    lanes: Mutex<HashMap<(String, i32), Arc<Lane>>>,
    turn: AtomicU32,
}

/// The leader of each partition of a topic, as host:port. `None` means that the partition has no
/// leader at the moment.
pub(crate) type Leaders = BTreeMap<i32, Option<String>>;

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
    /// The cluster of these brokers, given as `host:port` with commas between them. This opens no
    /// connection yet.
    ///
    /// # Errors
    /// [`Error::Bootstrap`] if the list cannot be parsed.
    pub fn new(bootstrap: &str) -> Result<Self, Error> {
        let inner = Inner {
            bootstrap: addresses(bootstrap)?,
            pool: Pool::new(CLIENT_ID),
            known: Mutex::default(),
            leaders: tokio::sync::Mutex::default(),
            lanes: Mutex::default(),
            turn: AtomicU32::new(0),
        };
        Ok(Self {
            inner: Arc::new(inner),
            patience: PATIENCE,
            fetch_wait: FETCH_WAIT,
        })
    }

    /// The same cluster with another patience: how long errors that may pass are retried. With
    /// zero, each request is tried once.
    #[must_use]
    pub fn within(&self, patience: Duration) -> Self {
        Self {
            patience,
            ..self.clone()
        }
    }

    /// The same cluster with another fetch wait: how long a broker waits for a record before it
    /// answers a fetch without one. The default is 500 ms, as in Java's and librdkafka's consumers.
    /// librdkafka's mock broker does not wake a waiting fetch, so use 20 ms there.
    #[must_use]
    pub fn with_fetch_wait(&self, fetch_wait: Duration) -> Self {
        Self {
            fetch_wait,
            ..self.clone()
        }
    }

    pub(crate) fn fetch_wait(&self) -> Duration {
        self.fetch_wait
    }

    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    pub(crate) fn turn(&self) -> &AtomicU32 {
        &self.inner.turn
    }

    pub(crate) fn lane(&self, topic: &str, partition: i32) -> Arc<Lane> {
        let mut lanes = self
            .inner
            .lanes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lanes.entry((topic.to_owned(), partition)).or_default())
    }

    pub(crate) async fn connection(&self, address: &str) -> Result<Arc<Connection>, Error> {
        self.inner.pool.connection(address).await
    }

    /// The addresses of the brokers that are up, as host:port, by broker id.
    ///
    /// # Errors
    /// The client can reach no broker, or none answers correctly.
    pub async fn brokers(&self) -> Result<BTreeMap<i32, String>, Error> {
        self.patiently(async || Ok(brokers(&self.metadata(&[]).await?)))
            .await
    }

    /// The partitions of a topic, in ascending order.
    ///
    /// # Errors
    /// [`Error::UnknownTopic`] at once, or the client can reach no broker.
    pub async fn partitions(&self, topic: &str) -> Result<Vec<i32>, Error> {
        let leaders = self
            .patiently(async || self.leaders_of(topic).await)
            .await?;
        Ok(leaders.into_keys().collect())
    }

    /// Creates topics, each with this number of partitions and replicas; -1 for either leaves the
    /// choice to the broker (KIP-464). A topic that exists is left as it is. On return, each
    /// partition has a leader.
    ///
    /// # Errors
    /// The cluster refuses to create a topic, or cannot be reached.
    pub async fn create_topics(
        &self,
        names: &[&str],
        partitions: i32,
        replication: i16,
    ) -> Result<(), Error> {
        let topic = |name: &&str| {
            let topic = CreatableTopic::default().with_name(topic_name(name));
            topic
                .with_num_partitions(partitions)
                .with_replication_factor(replication)
        };
        let topics = names.iter().map(topic).collect();
        let request = CreateTopicsRequest::default()
            .with_topics(topics)
            .with_timeout_ms(MAKE_WITHIN_MS);
        self.patiently(async || self.try_to_create(&request).await)
            .await?;
        self.patiently(async || {
            for name in names {
                let leaders = self.leaders_of(name).await;
                // The topic was created, so a broker that does not know it yet soon will.
                let led = leaders.is_ok_and(|leaders| {
                    !leaders.is_empty() && leaders.values().all(Option::is_some)
                });
                led.then_some(()).ok_or_else(|| no_leader(name))?;
            }
            Ok(())
        })
        .await
    }

    async fn try_to_create(&self, request: &CreateTopicsRequest) -> Result<(), Error> {
        let metadata = self.metadata(&[]).await?;
        let brokers = brokers(&metadata);
        // In KRaft mode the cluster names any broker here, and that broker forwards the request.
        let controller = brokers
            .get(&metadata.controller_id.0)
            .ok_or_else(|| Error::Refused {
                doing: "say which broker makes topics".to_owned(),
                code: ResponseError::NotController,
                said: None,
            })?;
        let within = WITHIN + Duration::from_millis(MAKE_WITHIN_MS.unsigned_abs().into());
        let answer = self
            .connection(controller)
            .await?
            .ask(request, 4..=6, within)
            .await?;
        for topic in answer.topics {
            match ResponseError::try_from_code(topic.error_code) {
                None | Some(ResponseError::TopicAlreadyExists) => {}
                Some(code) => {
                    let doing = format!("create the topic {}", topic.name.as_str());
                    return Err(Error::Refused {
                        doing,
                        code,
                        said: topic.error_message.map(|said| said.to_string()),
                    });
                }
            }
        }
        Ok(())
    }

    /// Changes settings of topics, each by its Kafka name, and leaves all other settings as they
    /// are (KIP-339).
    ///
    /// # Errors
    /// The cluster refuses a setting, or cannot be reached.
    pub async fn configure_topics(
        &self,
        names: &[&str],
        settings: &[(&str, &str)],
    ) -> Result<(), Error> {
        let configs: Vec<AlterableConfig> = settings
            .iter()
            .map(|(name, value)| {
                let config =
                    AlterableConfig::default().with_name(StrBytes::from_string((*name).to_owned()));
                config.with_value(Some(StrBytes::from_string((*value).to_owned())))
            })
            .collect();
        let resources = names.iter().map(|name| {
            let resource = AlterConfigsResource::default().with_resource_type(TOPIC_RESOURCE);
            resource
                .with_resource_name(StrBytes::from_string((*name).to_owned()))
                .with_configs(configs.clone())
        });
        let request = IncrementalAlterConfigsRequest::default().with_resources(resources.collect());
        self.patiently(async || {
            let metadata = self.metadata(&[]).await?;
            let broker = brokers(&metadata)
                .into_values()
                .next()
                .ok_or_else(|| no_leader("any topic"))?;
            let answer = self
                .connection(&broker)
                .await?
                .ask(&request, 0..=1, WITHIN)
                .await?;
            for resource in answer.responses {
                check(resource.error_code, || {
                    format!("configure the topic {}", resource.resource_name.as_str())
                })?;
            }
            Ok(())
        })
        .await
    }

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

    async fn metadata(&self, topics: &[&str]) -> Result<MetadataResponse, Error> {
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

    /// A connection to any broker. If none can be reached, the error of the last one.
    async fn any(&self) -> Result<Arc<Connection>, Error> {
        let known = self
            .inner
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut last = Error::Bootstrap(self.inner.bootstrap.join(","));
        for address in self.inner.bootstrap.iter().chain(&known) {
            match self.connection(address).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Retries until the request succeeds, the error cannot pass, or the patience is over. An
    /// unknown topic is not retried.
    async fn patiently<T, F: Future<Output = Result<T, Error>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + self.patience;
        for tries in 1.. {
            match attempt().await {
                Err(error @ Error::UnknownTopic(_)) => return Err(error),
                Err(error) if error.is_passing() => {
                    let pause = pause_after(tries);
                    if Instant::now() + pause >= deadline {
                        return Err(error);
                    }
                    sleep(pause).await;
                }
                ended => return ended,
            }
        }
        unreachable!("the loop ends by returning")
    }
}

fn addresses(bootstrap: &str) -> Result<Vec<String>, Error> {
    let address = |address: &str| {
        let (host, port) = address.trim().rsplit_once(':')?;
        (!host.is_empty() && port.parse::<u16>().is_ok()).then(|| address.trim().to_owned())
    };
    let addresses: Option<Vec<String>> = bootstrap.split(',').map(address).collect();
    addresses.ok_or_else(|| Error::Bootstrap(bootstrap.to_owned()))
}

pub(crate) fn topic_name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

pub(crate) fn group_id(group: &str) -> GroupId {
    GroupId(StrBytes::from_string(group.to_owned()))
}

pub(crate) fn no_leader(topic: &str) -> Error {
    Error::Refused {
        doing: format!("lead {topic}"),
        code: ResponseError::LeaderNotAvailable,
        said: None,
    }
}

fn brokers(metadata: &MetadataResponse) -> BTreeMap<i32, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_brokers_is_parsed() {
        assert_eq!(addresses("a:1, [::1]:9092").unwrap(), ["a:1", "[::1]:9092"]);
        for wrong in ["", "a", "a:", ":1", "a:1,", "a:99999"] {
            assert_eq!(
                addresses(wrong),
                Err(Error::Bootstrap(wrong.to_owned())),
                "{wrong:?}"
            );
        }
    }

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
