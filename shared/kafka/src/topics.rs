//! Topics: those the studio writes are made and kept as they are meant to be; those it reads are
//! other teams', and only looked for.

mod behind;
mod connection;
mod patience;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use aws_config::SdkConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use contract::Topic;
use kafka_protocol::{
    error::{ParseResponseErrorCode as _, ResponseError},
    messages::{
        CreateTopicsRequest, DescribeConfigsRequest, IncrementalAlterConfigsRequest,
        MetadataRequest, MetadataResponse, TopicName,
        create_topics_request::{CreatableTopic, CreatableTopicConfig},
        describe_configs_request::DescribeConfigsResource,
        incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig},
        metadata_request::MetadataRequestTopic,
    },
    protocol::StrBytes,
};
use runtime::chain;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{Authentication, Config};
pub use behind::Reader;
use connection::Connection;
pub use connection::ConnectionError;
use patience::Patience;

/// Versions of the protocol that Kafka has spoken since 2.4, and still speaks in 4: MSK Serverless
/// is the oldest of ours.
const METADATA: i16 = 7;
const CREATE_TOPICS: i16 = 4;
const DESCRIBE_CONFIGS: i16 = 2;
const INCREMENTAL_ALTER_CONFIGS: i16 = 0;

/// Leaves it to the broker (KIP-464).
const AS_THE_BROKER_HAS_IT: i16 = -1;

/// Kafka's numbers for a topic's settings, and for setting one.
const RESOURCE_TOPIC: i8 = 2;
const SET: i8 = 0;

const RETENTION: &str = "retention.ms";
const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";

/// How long the brokers may take to make topics, and to have leaders for them.
const MAKE_WITHIN: Duration = Duration::from_secs(30);

/// How the topics that the studio writes are meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicSettings {
    /// How many partitions each has, from 1. They are never changed: a tenant's events would no
    /// longer be in order.
    pub partitions: u32,
    /// How long a record is kept.
    pub retention_hours: u32,
    /// How many replicas a record must be on to be acknowledged; `None` is as the brokers have it,
    /// which on MSK Serverless cannot be changed.
    pub min_insync_replicas: Option<u32>,
}

/// What became of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ensured {
    /// It was not there.
    Made,
    /// It had other settings.
    Changed,
    /// It was as it should be.
    Left,
}

/// Why the topics are not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum TopicsError {
    /// No broker lets us in; this is the last one's reason.
    #[error("asking the broker {address}")]
    Connection {
        /// Whom.
        address: String,
        /// Why not.
        #[source]
        source: ConnectionError,
    },
    /// Topics that the studio reads are not there. The teams that write them make them.
    #[error("the cluster has no topic {}: the studio reads it and never makes it, so have the team that writes it make it first", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// A topic has another number of partitions.
    #[error(
        "{topic} has {found} partitions and {wanted} are wanted, but a tenant's events stay in order only while the number does: deploy with \
         TopicPartitions={found}"
    )]
    Partitions {
        /// Which.
        topic: Topic,
        /// How many it has.
        found: usize,
        /// How many it should have.
        wanted: u32,
    },
    /// The brokers do not do it.
    #[error("the brokers refused to {what}: {why}")]
    Refused {
        /// What.
        what: String,
        /// In their words.
        why: String,
        /// Whether they may do it soon.
        passes: bool,
    },
    /// The new topics have no leader yet.
    #[error("the topics were made, and have no leader after {} s", MAKE_WITHIN.as_secs())]
    NoLeader,
    /// The time was over before the brokers answered.
    #[error("the brokers did not answer in time")]
    NotInTime,
}

impl TopicsError {
    /// Whether the same may succeed soon, although nothing is changed: a connection, a name, a
    /// token or a leader comes back.
    fn passes(&self) -> bool {
        match self {
            Self::Connection { source, .. } => source.passes(),
            Self::Refused { passes, .. } => *passes,
            Self::Missing(_) | Self::Partitions { .. } | Self::NoLeader | Self::NotInTime => false,
        }
    }

    /// Whether a broker does not take the token.
    fn is_refused_token(&self) -> bool {
        matches!(
            self,
            Self::Connection {
                source: ConnectionError::Refused(_),
                ..
            }
        )
    }
}

/// The cluster's topics.
#[derive(Debug)]
pub struct Topics {
    bootstrap_servers: Vec<String>,
    authentication: Authentication,
    credentials: Option<SharedCredentialsProvider>,
}

impl Topics {
    /// Those of the cluster that `config` names. Makes no call yet.
    #[must_use]
    pub fn new(config: &Config, aws: &SdkConfig) -> Self {
        Self {
            bootstrap_servers: config
                .bootstrap_servers
                .split(',')
                .map(|server| server.trim().to_owned())
                .collect(),
            authentication: config.authentication.clone(),
            credentials: aws.credentials_provider(),
        }
    }

    /// Has every topic that the studio writes be there and be as `wanted`. Doing it again changes
    /// nothing. What may pass, such as a lost connection, is tried again `until` then.
    ///
    /// # Errors
    /// A [`TopicsError`]; nothing is made or changed if a topic that the studio reads is missing,
    /// or one has another number of partitions.
    pub async fn ensure(
        &self,
        wanted: TopicSettings,
        until: Instant,
    ) -> Result<BTreeMap<Topic, Ensured>, TopicsError> {
        let mut patience = Patience::until(until);
        loop {
            let tried = timeout_at(until, self.try_to_ensure(wanted)).await;
            let error = match tried.unwrap_or(Err(TopicsError::NotInTime)) {
                Ok(ensured) => return Ok(ensured),
                Err(error) => error,
            };
            let why = chain(&error);
            let pause = patience.pause(error, Instant::now())?;
            tracing::warn!("trying again in {} s: {why}", pause.as_secs());
            sleep(pause).await;
        }
    }

    async fn try_to_ensure(
        &self,
        wanted: TopicSettings,
    ) -> Result<BTreeMap<Topic, Ensured>, TopicsError> {
        let mut controller = self.controller().await?;
        let partitions = controller.partitions().await?;
        let there: Vec<Topic> = produced()
            .filter(|topic| partitions.contains_key(topic))
            .collect();
        let settings = controller.settings(&there).await?;
        let plan = plan(&partitions, &settings, wanted)?;
        controller.make(&plan.make, wanted).await?;
        controller.change(&plan.change).await?;
        let became = |topic: Topic| match topic {
            topic if plan.make.contains(&topic) => Ensured::Made,
            topic if plan.change.contains_key(&topic) => Ensured::Changed,
            _ => Ensured::Left,
        };
        Ok(produced().map(|topic| (topic, became(topic))).collect())
    }

    /// The broker that makes topics. Where brokers elect none for all to see (KRaft), any passes on
    /// what it is asked.
    async fn controller(&self) -> Result<Asked, TopicsError> {
        let mut last = None;
        for address in &self.bootstrap_servers {
            match self.connect(address.clone()).await {
                Ok(mut first) => {
                    let metadata = first
                        .ask(
                            &MetadataRequest::default().with_topics(Some(Vec::new())),
                            METADATA,
                        )
                        .await?;
                    let controller = metadata
                        .brokers
                        .iter()
                        .find(|broker| broker.node_id == metadata.controller_id);
                    return match controller.map(|broker| format!("{}:{}", broker.host, broker.port))
                    {
                        Some(address) if address != first.address => self.connect(address).await,
                        _ => Ok(first),
                    };
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.expect("a list that was split has one entry"))
    }

    async fn connect(&self, address: String) -> Result<Asked, TopicsError> {
        match Connection::open(&address, &self.authentication, self.credentials.as_ref()).await {
            Ok(connection) => Ok(Asked {
                connection,
                address,
            }),
            Err(source) => Err(TopicsError::Connection { address, source }),
        }
    }
}

/// What there is to do.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    make: BTreeSet<Topic>,
    change: BTreeMap<Topic, Vec<(&'static str, String)>>,
}

/// What is to be done so that topics with this many partitions and these settings are as wanted.
fn plan(
    partitions: &BTreeMap<Topic, usize>,
    settings: &BTreeMap<Topic, BTreeMap<String, String>>,
    wanted: TopicSettings,
) -> Result<Plan, TopicsError> {
    let missing: Vec<_> = Topic::consumed()
        .filter(|topic| !partitions.contains_key(topic))
        .map(Topic::as_str)
        .collect();
    if !missing.is_empty() {
        return Err(TopicsError::Missing(missing));
    }
    let mut plan = Plan {
        make: BTreeSet::new(),
        change: BTreeMap::new(),
    };
    for topic in produced() {
        match partitions.get(&topic) {
            None => {
                plan.make.insert(topic);
            }
            Some(&found) if usize::try_from(wanted.partitions) != Ok(found) => {
                return Err(TopicsError::Partitions {
                    topic,
                    found,
                    wanted: wanted.partitions,
                });
            }
            Some(_) => {
                let has = |name: &str, value: &str| {
                    settings
                        .get(&topic)
                        .and_then(|of| of.get(name))
                        .is_some_and(|v| v == value)
                };
                let others: Vec<_> = wanted
                    .entries()
                    .filter(|(name, value)| !has(name, value))
                    .collect();
                if !others.is_empty() {
                    plan.change.insert(topic, others);
                }
            }
        }
    }
    Ok(plan)
}

fn produced() -> impl Iterator<Item = Topic> {
    Topic::ALL.into_iter().filter(|topic| !topic.is_consumed())
}

impl TopicSettings {
    /// As Kafka has them.
    fn entries(self) -> impl Iterator<Item = (&'static str, String)> {
        let retention = u64::from(self.retention_hours) * 60 * 60 * 1000;
        let replicas = self
            .min_insync_replicas
            .map(|replicas| (MIN_INSYNC_REPLICAS, replicas.to_string()));
        [(RETENTION, retention.to_string())]
            .into_iter()
            .chain(replicas)
    }
}

/// A broker, and what errors call it.
struct Asked {
    connection: Connection,
    address: String,
}

impl Asked {
    async fn ask<R: kafka_protocol::protocol::Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, TopicsError> {
        let answered = self.connection.ask(request, version).await;
        answered.map_err(|source| TopicsError::Connection {
            address: self.address.clone(),
            source,
        })
    }

    async fn metadata(&mut self) -> Result<MetadataResponse, TopicsError> {
        let topic = |topic: Topic| MetadataRequestTopic::default().with_name(Some(name(topic)));
        let request = MetadataRequest::default().with_topics(Some(Topic::ALL.map(topic).into()));
        self.ask(&request.with_allow_auto_topic_creation(false), METADATA)
            .await
    }

    /// How many partitions each topic has that is there.
    async fn partitions(&mut self) -> Result<BTreeMap<Topic, usize>, TopicsError> {
        let mut partitions = BTreeMap::new();
        for topic in self.metadata().await?.topics {
            let name = topic.name.unwrap_or_default();
            match topic.error_code.err() {
                Some(ResponseError::UnknownTopicOrPartition) => continue,
                Some(error) => {
                    return Err(refused(&format!("describe {}", name.as_str()), error, None));
                }
                None => {}
            }
            if let Ok(known) = name.as_str().parse() {
                partitions.insert(known, topic.partitions.len());
            }
        }
        Ok(partitions)
    }

    /// What the topics are set to, of what we care for.
    async fn settings(
        &mut self,
        topics: &[Topic],
    ) -> Result<BTreeMap<Topic, BTreeMap<String, String>>, TopicsError> {
        if topics.is_empty() {
            return Ok(BTreeMap::new());
        }
        let keys = [RETENTION, MIN_INSYNC_REPLICAS].map(StrBytes::from_static_str);
        let of = |topic: &Topic| {
            let resource = DescribeConfigsResource::default().with_resource_type(RESOURCE_TOPIC);
            resource
                .with_resource_name(name(*topic).0)
                .with_configuration_keys(Some(keys.clone().into()))
        };
        let request =
            DescribeConfigsRequest::default().with_resources(topics.iter().map(of).collect());
        let mut settings = BTreeMap::new();
        for topic in self.ask(&request, DESCRIBE_CONFIGS).await?.results {
            let name = topic.resource_name.as_str();
            if let Some(error) = topic.error_code.err() {
                return Err(refused(
                    &format!("describe the settings of {name}"),
                    error,
                    topic.error_message,
                ));
            }
            if let Ok(known) = name.parse::<Topic>() {
                let values = topic
                    .configs
                    .into_iter()
                    .filter_map(|c| Some((c.name.to_string(), c.value?.to_string())));
                settings.insert(known, values.collect());
            }
        }
        Ok(settings)
    }

    /// Makes topics, and awaits that they have leaders.
    async fn make(
        &mut self,
        topics: &BTreeSet<Topic>,
        wanted: TopicSettings,
    ) -> Result<(), TopicsError> {
        if topics.is_empty() {
            return Ok(());
        }
        let setting = |(name, value)| {
            let setting =
                CreatableTopicConfig::default().with_name(StrBytes::from_static_str(name));
            setting.with_value(Some(StrBytes::from_string(value)))
        };
        let topic = |topic: &Topic| {
            let topic = CreatableTopic::default()
                .with_name(name(*topic))
                .with_replication_factor(AS_THE_BROKER_HAS_IT);
            let topic =
                topic.with_num_partitions(i32::try_from(wanted.partitions).unwrap_or(i32::MAX));
            topic.with_configs(wanted.entries().map(setting).collect())
        };
        let request =
            CreateTopicsRequest::default().with_topics(topics.iter().map(topic).collect());
        let within = i32::try_from(MAKE_WITHIN.as_millis() / 2).unwrap_or(i32::MAX);
        for made in self
            .ask(&request.with_timeout_ms(within), CREATE_TOPICS)
            .await?
            .topics
        {
            match made.error_code.err() {
                // Another client was quicker; what they made is looked at the next time.
                None | Some(ResponseError::TopicAlreadyExists) => {}
                Some(error) => {
                    return Err(refused(
                        &format!("make {}", made.name.as_str()),
                        error,
                        made.error_message,
                    ));
                }
            }
        }
        let begin = Instant::now();
        loop {
            let mut found = self.metadata().await?.topics;
            found.retain(|topic| {
                topics.iter().any(|made| {
                    topic
                        .name
                        .as_ref()
                        .is_some_and(|n| n.as_str() == made.as_str())
                })
            });
            let led =
                |topic: &kafka_protocol::messages::metadata_response::MetadataResponseTopic| {
                    topic.error_code.is_ok()
                        && topic
                            .partitions
                            .iter()
                            .all(|partition| partition.leader_id.0 >= 0)
                };
            if found.iter().all(led) {
                return Ok(());
            }
            if begin.elapsed() > MAKE_WITHIN {
                return Err(TopicsError::NoLeader);
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn change(
        &mut self,
        topics: &BTreeMap<Topic, Vec<(&'static str, String)>>,
    ) -> Result<(), TopicsError> {
        if topics.is_empty() {
            return Ok(());
        }
        let setting = |(name, value): &(&'static str, String)| {
            let setting = AlterableConfig::default()
                .with_name(StrBytes::from_static_str(name))
                .with_config_operation(SET);
            setting.with_value(Some(StrBytes::from_string(value.clone())))
        };
        let resource = |(topic, settings): (&Topic, &Vec<_>)| {
            let resource = AlterConfigsResource::default().with_resource_type(RESOURCE_TOPIC);
            resource
                .with_resource_name(name(*topic).0)
                .with_configs(settings.iter().map(setting).collect())
        };
        let request = IncrementalAlterConfigsRequest::default()
            .with_resources(topics.iter().map(resource).collect());
        for changed in self
            .ask(&request, INCREMENTAL_ALTER_CONFIGS)
            .await?
            .responses
        {
            if let Some(error) = changed.error_code.err() {
                let what = format!("change the settings of {}", changed.resource_name.as_str());
                return Err(refused(&what, error, changed.error_message));
            }
        }
        Ok(())
    }
}

fn name(topic: Topic) -> TopicName {
    TopicName(StrBytes::from_static_str(topic.as_str()))
}

fn refused(what: &str, error: ResponseError, message: Option<StrBytes>) -> TopicsError {
    let why = message
        .filter(|message| !message.is_empty())
        .map_or_else(|| error.to_string(), |message| message.to_string());
    TopicsError::Refused {
        what: what.to_owned(),
        why,
        passes: error.is_retriable(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: TopicSettings = TopicSettings {
        partitions: 12,
        retention_hours: 168,
        min_insync_replicas: Some(2),
    };

    fn all() -> BTreeMap<Topic, usize> {
        Topic::ALL.map(|topic| (topic, 12)).into()
    }

    fn settings(retention: &str, replicas: &str) -> BTreeMap<Topic, BTreeMap<String, String>> {
        let of = [(RETENTION, retention), (MIN_INSYNC_REPLICAS, replicas)];
        let of: BTreeMap<_, _> = of
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        produced().map(|topic| (topic, of.clone())).collect()
    }

    #[test]
    fn topics_that_are_as_wanted_are_left() {
        let plan = plan(&all(), &settings("604800000", "2"), WANTED).unwrap();
        assert_eq!(
            plan,
            Plan {
                make: BTreeSet::new(),
                change: BTreeMap::new()
            }
        );
    }

    #[test]
    fn what_is_not_there_is_made_and_what_is_set_otherwise_changed() {
        let (mut partitions, mut settings) = (all(), settings("604800000", "2"));
        partitions.remove(&Topic::VoiceModelReady);
        settings
            .get_mut(&Topic::TemplateCreated)
            .unwrap()
            .insert(RETENTION.to_owned(), "1".to_owned());
        let plan = plan(&partitions, &settings, WANTED).unwrap();
        assert_eq!(plan.make, [Topic::VoiceModelReady].into());
        assert_eq!(
            plan.change,
            [(
                Topic::TemplateCreated,
                vec![(RETENTION, "604800000".to_owned())]
            )]
            .into()
        );
    }

    #[test]
    fn what_is_left_to_the_brokers_is_never_changed() {
        let wanted = TopicSettings {
            min_insync_replicas: None,
            ..WANTED
        };
        assert_eq!(
            plan(&all(), &settings("604800000", "1"), wanted)
                .unwrap()
                .change,
            BTreeMap::new()
        );
    }

    #[test]
    fn a_missing_topic_of_others_is_named_and_nothing_is_made() {
        let mut partitions = all();
        partitions.remove(&Topic::CmsPublished);
        partitions.remove(&Topic::RenderJobCreated);
        let error = plan(&partitions, &BTreeMap::new(), WANTED).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the cluster has no topic eventzr.cms.published.v1: the studio reads it and never makes it, so have the team that writes it \
             make it first"
        );
    }

    #[test]
    fn another_number_of_partitions_is_an_error_that_says_which_to_deploy_with() {
        let mut partitions = all();
        partitions.insert(Topic::TemplateUpdated, 6);
        let error = plan(&partitions, &settings("604800000", "2"), WANTED).unwrap_err();
        assert_eq!(
            error.to_string(),
            "eventzr.studio.template.updated.v1 has 6 partitions and 12 are wanted, but a tenant's events stay in order only while the number \
             does: deploy with TopicPartitions=6"
        );
    }
}
