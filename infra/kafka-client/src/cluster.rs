//! A cluster: who its brokers are, who leads what, and all that is asked of it once.

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

/// How long an error that may pass is waited out where nothing else is said.
const PATIENCE: Duration = Duration::from_secs(15);

/// A topic among the resources that have settings (Kafka's class `ConfigResource`).
const TOPIC_RESOURCE: i8 = 2;

/// `fetch.max.wait.ms` of Java's consumers.
const FETCH_WAIT: Duration = Duration::from_millis(500);

/// How long a broker may take to make topics, in milliseconds.
const MAKE_WITHIN_MS: i32 = 10_000;

/// A Kafka cluster, spoken to without TLS and without authentication. A clone is the same cluster,
/// with the same connections.
///
/// What it is asked for is tried again while the error may pass ([`Error::is_passing`]), for 15 s
/// or as [`Cluster::within`] says.
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
    /// Brokers that the cluster has named, to ask when those we know from the start are gone.
    known: Mutex<Vec<String>>,
    /// Who leads the topics that are written to.
    leaders: tokio::sync::Mutex<HashMap<String, Arc<Leaders>>>,
    lanes: Mutex<HashMap<(String, i32), Arc<Lane>>>,
    turn: AtomicU32,
}

/// Who leads each partition of a topic, as host:port. `None` has no leader at the moment.
pub(crate) type Leaders = BTreeMap<i32, Option<String>>;

/// Which offset of a partition is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// That of the first record that is still there.
    Earliest,
    /// That which the next record will get.
    Latest,
    /// That of the first record that is not older than this, in milliseconds since 1970.
    Time(i64),
}

impl At {
    /// Kafka's numbers for it (its class `ListOffsetsRequest`).
    fn timestamp(self) -> i64 {
        match self {
            Self::Latest => -1,
            Self::Earliest => -2,
            Self::Time(milliseconds) => milliseconds.max(0),
        }
    }
}

impl Cluster {
    /// The cluster that these brokers are of: `host:port`, and a comma between two. Makes no
    /// connection yet.
    ///
    /// # Errors
    /// [`Error::Bootstrap`] if it is not such a list.
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

    /// The same cluster, where errors that may pass are waited out for so long. With zero, all is
    /// tried once.
    #[must_use]
    pub fn within(&self, patience: Duration) -> Self {
        Self {
            patience,
            ..self.clone()
        }
    }

    /// The same cluster, whose brokers wait so long for a record before they answer a fetch that
    /// there is none. 500 ms if not said otherwise, as in Java's and librdkafka's consumers.
    /// librdkafka's mock broker does not wake a fetch that waits: 20 ms serve there.
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

    /// The brokers that are up: their addresses, as host:port, by their ids.
    ///
    /// # Errors
    /// No broker can be reached, or none answers as it should.
    pub async fn brokers(&self) -> Result<BTreeMap<i32, String>, Error> {
        self.patiently(async || Ok(brokers(&self.metadata(&[]).await?)))
            .await
    }

    /// The partitions of a topic, in ascending order.
    ///
    /// # Errors
    /// [`Error::UnknownTopic`] at once, or no broker can be reached.
    pub async fn partitions(&self, topic: &str) -> Result<Vec<i32>, Error> {
        let leaders = self
            .patiently(async || self.leaders_of(topic).await)
            .await?;
        Ok(leaders.into_keys().collect())
    }

    /// Makes topics, each with so many partitions and replicas; -1 of either leaves it to the
    /// broker (KIP-464). One that exists is left as it is. When it returns, each has leaders.
    ///
    /// # Errors
    /// The cluster refuses to make one, or cannot be reached.
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
                // It was made: a broker that does not know it yet will.
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
        // In KRaft any broker is named here, and passes it on.
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

    /// Sets topics' settings, each by its name in Kafka, and leaves their other settings (KIP-339).
    ///
    /// # Errors
    /// The cluster refuses one, or cannot be reached.
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

    /// An offset of each partition of a topic. A partition that has no such record is not in it.
    ///
    /// # Errors
    /// [`Error::UnknownTopic`] at once, or a leader cannot be reached.
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

    /// Where a group has committed that it goes on, by partition. A partition for which it never
    /// did is not in it.
    ///
    /// # Errors
    /// [`Error::UnknownTopic`] at once, or the group's coordinator cannot be reached.
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

    /// Commits for a group that has no members at the moment.
    ///
    /// # Errors
    /// `UnknownMemberId` from a group with members, or its coordinator cannot be reached.
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

    /// The broker that keeps a group, as host:port.
    pub(crate) async fn coordinator(&self, group: &str) -> Result<String, Error> {
        let key = StrBytes::from_string(group.to_owned());
        // What kind of key it is can be said since version 1; 0 is a group.
        let request = FindCoordinatorRequest::default().with_key(key);
        let answer = self.any().await?.ask(&request, 1..=3, WITHIN).await?;
        check(answer.error_code, || {
            format!("name the coordinator of the group {group}")
        })?;
        Ok(format!("{}:{}", answer.host, answer.port))
    }

    /// Who leads the partitions of a topic, as the cluster says now.
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

    /// As [`Cluster::leaders_of`], but not asked again unless what is known is `stale`.
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

    /// A connection to any broker; if there is none, the last one's reason.
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

    /// Tries until it is done, the error does not pass, or the patience is over. A topic that is
    /// unknown is not waited for.
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

/// Asks the leader of these partitions.
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

/// A commit without a member.
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
    fn a_list_of_brokers_is_read() {
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
    fn a_topic_that_is_not_there_is_another_error_than_one_that_cannot_be_described() {
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
