//! The Kafka broker: librdkafka's in this process, Apache Kafka in a JVM, or an external one.

use std::str::FromStr;
use std::time::Duration;

use kafka_client::{Cluster, From};

mod apache;
mod embedded;
mod error;
mod hashes;
mod iam;
mod install;
mod java;
mod line;
mod properties;
mod settings;
mod tools;

use apache::Apache;
use embedded::Embedded;
pub use error::Error;
pub use line::Line;
pub use settings::{Iam, Options, PARTITIONS};

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
#[error("`{0}` is not a broker: use `embedded`, `apache`, or the `host:port` of a running broker")]
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

    /// Where a reader of this stack's own records begins.
    #[must_use]
    pub fn begin(&self) -> From {
        if self.is_external() {
            From::Now
        } else {
            From::Beginning
        }
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
