//! The errors of starting a broker and of creating topics.

use std::io;

/// Why there is no broker, or no topic on it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program that Apache Kafka needs is missing.
    #[error("Apache Kafka needs `{program}`, which is not installed: {cure}")]
    Missing {
        /// The program.
        program: &'static str,
        /// How to install it.
        cure: &'static str,
    },
    /// Maven, the storage tool or the broker failed.
    #[error("{what} failed; its output ends:\n{log}")]
    Failed {
        /// The failed step.
        what: &'static str,
        /// The end of its output.
        log: String,
    },
    /// What Maven fetched is not what the repository names. No broker runs on it.
    #[error(
        "Apache Kafka's jars are not those of infra/local/stack/apache-kafka/jars.sha256: {0} \
         (if the pom.xml beside it has changed, `make kafka-jars` writes it again)"
    )]
    Jars(String),
    /// A file, a port or a process was not available.
    #[error("the broker could not be started")]
    Start(#[from] io::Error),
    /// The in-process broker did not start, or did not create a topic.
    #[error("the embedded broker failed")]
    Embedded(#[source] rdkafka::error::KafkaError),
    /// The broker cannot be reached, or refused a request.
    #[error("a request to the broker at {bootstrap} failed")]
    Kafka {
        /// The broker's address.
        bootstrap: String,
        /// The client's error.
        #[source]
        source: kafka_client::Error,
    },
}
