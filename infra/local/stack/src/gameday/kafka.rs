//! What a fault does to the broker: settings of a topic, deleting it, and freezing the process.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;

use kafka_client::Cluster;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ConfigSource, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError as ClientError;
use rdkafka::types::RDKafkaErrorCode;

use crate::broker::PARTITIONS;

/// The setting of the largest record of a topic.
pub(super) const LARGEST: &str = "max.message.bytes";

/// Why the broker was not changed.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// The client failed.
    #[error(
        "the broker at {bootstrap} did not change {topic}; the embedded broker cannot: start `make up BROKER=apache`"
    )]
    Client {
        /// The broker.
        bootstrap: String,
        /// The topic.
        topic: String,
        /// The client's error.
        #[source]
        source: Box<ClientError>,
    },
    /// The broker refused.
    #[error("the broker at {bootstrap} refused to change {topic}: {code}")]
    Refused {
        /// The broker.
        bootstrap: String,
        /// The topic.
        topic: String,
        /// Its code.
        code: RDKafkaErrorCode,
    },
    /// The topic was not created.
    #[error("the topic {topic} was not created")]
    NotCreated {
        /// The topic.
        topic: String,
        /// The client's error.
        #[source]
        source: kafka_client::Error,
    },
    /// The broker is no process of its own.
    #[error(
        "the broker at {0} is no Apache Kafka of this machine, so it cannot be frozen: start `make up BROKER=apache`"
    )]
    NoProcess(String),
}

fn admin(bootstrap: &str, topic: &str) -> Result<AdminClient<DefaultClientContext>, KafkaError> {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()
        .map_err(client(bootstrap, topic))
}

fn client(bootstrap: &str, topic: &str) -> impl FnOnce(ClientError) -> KafkaError {
    move |source| KafkaError::Client {
        bootstrap: bootstrap.to_owned(),
        topic: topic.to_owned(),
        source: Box::new(source),
    }
}

fn refused(bootstrap: &str, topic: &str) -> impl FnOnce(RDKafkaErrorCode) -> KafkaError {
    move |code| KafkaError::Refused {
        bootstrap: bootstrap.to_owned(),
        topic: topic.to_owned(),
        code,
    }
}

/// A topic's own settings, without those that it has from the broker.
pub(super) async fn settings(
    bootstrap: &str,
    topic: &str,
) -> Result<HashMap<String, String>, KafkaError> {
    let admin = admin(bootstrap, topic)?;
    let described = admin
        .describe_configs(&[ResourceSpecifier::Topic(topic)], &AdminOptions::new())
        .await
        .map_err(client(bootstrap, topic))?;
    let mut settings = HashMap::new();
    for resource in described {
        let resource = resource.map_err(refused(bootstrap, topic))?;
        let own = resource
            .entries
            .into_iter()
            .filter(|entry| entry.source == ConfigSource::DynamicTopic);
        settings.extend(own.filter_map(|entry| Some((entry.name, entry.value?))));
    }
    Ok(settings)
}

/// Gives a topic these settings of its own, and no others.
pub(super) async fn set(
    bootstrap: &str,
    topic: &str,
    settings: &HashMap<String, String>,
) -> Result<(), KafkaError> {
    let admin = admin(bootstrap, topic)?;
    let change = settings.iter().fold(
        AlterConfig::new(ResourceSpecifier::Topic(topic)),
        |change, (name, value)| change.set(name, value),
    );
    let changed = admin
        .alter_configs([&change], &AdminOptions::new())
        .await
        .map_err(client(bootstrap, topic))?;
    for one in changed {
        one.map_err(|(_, code)| refused(bootstrap, topic)(code))?;
    }
    Ok(())
}

/// Deletes a topic.
pub(super) async fn delete(bootstrap: &str, topic: &str) -> Result<(), KafkaError> {
    let admin = admin(bootstrap, topic)?;
    let deleted = admin
        .delete_topics(&[topic], &AdminOptions::new())
        .await
        .map_err(client(bootstrap, topic))?;
    for one in deleted {
        one.map_err(|(_, code)| refused(bootstrap, topic)(code))?;
    }
    Ok(())
}

/// Creates a topic that was deleted.
pub(super) async fn create(cluster: &Cluster, topic: &str) -> Result<(), KafkaError> {
    let created = cluster.create_topics(&[topic], PARTITIONS, 1).await;
    created.map_err(|source| KafkaError::NotCreated {
        topic: topic.to_owned(),
        source,
    })
}

/// Freezes the broker's process.
pub(super) fn freeze(bootstrap: &str) -> Result<(), KafkaError> {
    signalled(bootstrap, processes::freeze)
}

/// Lets a frozen broker go on.
pub(super) fn go_on(bootstrap: &str) -> Result<(), KafkaError> {
    signalled(bootstrap, processes::go_on)
}

fn signalled(bootstrap: &str, signal: impl FnOnce(u32) -> bool) -> Result<(), KafkaError> {
    let process = bootstrap
        .parse::<SocketAddr>()
        .ok()
        .and_then(processes::owner_of_listener)
        // The embedded broker is part of `studio-local` itself.
        .filter(|process| is_java(*process));
    match process {
        Some(process) if signal(process) => Ok(()),
        Some(_) | None => Err(KafkaError::NoProcess(bootstrap.to_owned())),
    }
}

fn is_java(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim() == "java")
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Without this, freezing the embedded broker would freeze the stack, with the test in it.
    #[tokio::test]
    async fn a_broker_that_is_no_java_process_is_not_frozen() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let error = freeze(&address).expect_err("it is this process");
        assert!(error.to_string().contains("BROKER=apache"), "{error}");
        assert!(freeze("127.0.0.1:1").is_err());
        assert!(freeze("not an address").is_err());
    }
}
