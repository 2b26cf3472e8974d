//! The Kafka broker: librdkafka's in this process, Apache Kafka in a JVM, or an external one.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use kafka_client::Cluster;

mod apache;
mod embedded;
mod iam;
mod install;
mod line;

use apache::Apache;
use embedded::Embedded;
pub use iam::Iam;
pub use line::Line;

/// The number of partitions per topic. It is large enough that one invocation gets records from
/// several partitions.
pub const PARTITIONS: i32 = 4;

/// Which broker to use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Broker {
    /// librdkafka's in-process broker: it needs no installation, is up at once, and ends with the
    /// process.
    #[default]
    Embedded,
    /// Apache Kafka (KRaft, one node) from Maven Central. It needs Java 17 and Maven.
    Apache,
    /// A broker that already runs, by host and port.
    External(String),
}

/// The text names no broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no broker: say `embedded`, `apache`, or the `host:port` of one that runs")]
pub struct UnknownBroker(String);

impl FromStr for Broker {
    type Err = UnknownBroker;

    fn from_str(text: &str) -> Result<Self, UnknownBroker> {
        let is_address = |one: &str| {
            one.rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        match text {
            "embedded" => Ok(Self::Embedded),
            "apache" => Ok(Self::Apache),
            address if address.split(',').all(is_address) => Ok(Self::External(address.to_owned())),
            other => Err(UnknownBroker(other.to_owned())),
        }
    }
}

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
    /// A file, a port or a process was not available.
    #[error("the broker could not be started")]
    Start(#[from] io::Error),
    /// The in-process broker did not start, or did not create a topic.
    #[error("the embedded broker does not do as it is told")]
    Embedded(#[source] rdkafka::error::KafkaError),
    /// The broker cannot be reached, or refused a request.
    #[error("the broker at {bootstrap} does not do as it is told")]
    Kafka {
        /// The broker's address.
        bootstrap: String,
        /// The client's error.
        #[source]
        source: kafka_client::Error,
    },
}

/// How to start a broker.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port. `None` chooses a free one.
    pub port: Option<u16>,
    /// The folder with Apache Kafka's `pom.xml`.
    pub pom: PathBuf,
    /// The folder of the installed Apache Kafka, which is kept between runs.
    pub installed: PathBuf,
    /// Whether the functions reach Apache Kafka through a [`Line`] of their own, which can be
    /// slowed down and cut.
    pub line: bool,
    /// Whether Apache Kafka has another listener that authenticates its clients as MSK does.
    pub iam: Option<Iam>,
}

/// A broker to publish to and read from. Dropping it stops what [`Broker::start`] started.
#[derive(Debug)]
pub struct RunningBroker {
    bootstrap: String,
    cluster: Cluster,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Embedded(Embedded),
    Apache(Box<Apache>),
    External,
}

impl Broker {
    /// Starts the broker, unless it is external, and returns once it answers.
    pub async fn start(&self, options: &Options) -> Result<RunningBroker, Error> {
        let (bootstrap, kind) = match self {
            Self::Embedded => {
                let embedded = Embedded::start(options.port).await?;
                (embedded.bootstrap(), Kind::Embedded(embedded))
            }
            Self::Apache => {
                let apache = Apache::start(options).await?;
                (apache.bootstrap(), Kind::Apache(Box::new(apache)))
            }
            Self::External(bootstrap) => (bootstrap.clone(), Kind::External),
        };
        let cluster = match Cluster::new(&bootstrap) {
            Ok(cluster) => cluster,
            Err(source) => return Err(Error::Kafka { bootstrap, source }),
        };
        // The embedded broker does not wake a waiting fetch, so clients must ask again soon.
        let cluster = match kind {
            Kind::Embedded(_) => cluster.with_fetch_wait(Duration::from_millis(20)),
            Kind::Apache(_) | Kind::External => cluster,
        };
        Ok(RunningBroker {
            bootstrap,
            cluster,
            kind,
        })
    }
}

impl RunningBroker {
    /// The address for clients' `bootstrap.servers`.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The cluster for this machine's own clients: readers, publishers and the mappings' pollers.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The address for the functions' `bootstrap.servers`: the IAM listener if there is one, else
    /// the near end of their line if there is one.
    #[must_use]
    pub fn bootstrap_of_functions(&self) -> String {
        match (self.iam(), self.line()) {
            (Some((listener, _)), _) => listener.to_owned(),
            (None, Some(line)) => line.address().to_string(),
            (None, None) => self.bootstrap.clone(),
        }
    }

    /// The listener for clients with an IAM token, if the broker has one: its address, and the root
    /// of its certificate, as PEM.
    #[must_use]
    pub fn iam(&self) -> Option<(&str, &str)> {
        match &self.kind {
            Kind::Apache(apache) => apache
                .iam()
                .map(|listener| (listener.bootstrap.as_str(), listener.roots.as_str())),
            Kind::Embedded(_) | Kind::External => None,
        }
    }

    /// The functions' own line to the broker.
    #[must_use]
    pub fn line(&self) -> Option<&Line> {
        match &self.kind {
            Kind::Apache(apache) => apache.line(),
            Kind::Embedded(_) | Kind::External => None,
        }
    }

    /// Whether other programs may have written to the broker before.
    #[must_use]
    pub fn is_external(&self) -> bool {
        matches!(self.kind, Kind::External)
    }

    /// Creates the topics that do not exist yet.
    pub async fn create_topics(&self, names: &[&str]) -> Result<(), Error> {
        let replication = match &self.kind {
            Kind::Embedded(embedded) => return embedded.create_topics(names).await,
            Kind::Apache(_) => 1,
            Kind::External => -1,
        };
        let created = self
            .cluster
            .create_topics(names, PARTITIONS, replication)
            .await;
        created.map_err(|source| Error::Kafka {
            bootstrap: self.bootstrap.clone(),
            source,
        })
    }

    /// Kills Apache Kafka as a power failure would; its data survives. Returns `false` for any
    /// other broker.
    pub async fn kill(&self) -> bool {
        match &self.kind {
            Kind::Apache(apache) => {
                apache.kill().await;
                true
            }
            Kind::Embedded(_) | Kind::External => false,
        }
    }

    /// Starts a killed Apache Kafka again, with its data and on its port. Does nothing for any
    /// other broker.
    pub async fn restart(&self) -> Result<(), Error> {
        match &self.kind {
            Kind::Apache(apache) => apache.restart().await,
            Kind::Embedded(_) | Kind::External => Ok(()),
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_named_or_addressed() {
        assert_eq!("embedded".parse(), Ok(Broker::Embedded));
        assert_eq!("apache".parse(), Ok(Broker::Apache));
        assert_eq!(
            "127.0.0.1:9092".parse(),
            Ok(Broker::External("127.0.0.1:9092".to_owned()))
        );
        assert_eq!(
            "a:1,b:2".parse(),
            Ok(Broker::External("a:1,b:2".to_owned()))
        );
        for wrong in [
            "",
            "kafka",
            ":9092",
            "host:",
            "host:port",
            "host:70000",
            "a:1,",
        ] {
            assert_eq!(
                wrong.parse::<Broker>(),
                Err(UnknownBroker(wrong.to_owned()))
            );
        }
    }
}
