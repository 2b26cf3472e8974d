//! A Kafka cluster: its brokers, the leaders of its partitions, and single requests to it.

mod metadata;
mod offsets;
mod topics;

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU32},
    time::{Duration, Instant},
};

use kafka_protocol::{
    error::ResponseError,
    messages::{GroupId, TopicName},
    protocol::StrBytes,
};
use tokio::time::sleep;

pub(crate) use metadata::Leaders;
use metadata::brokers;
pub use offsets::At;
pub(crate) use offsets::{commit, commit_request, list_offsets};

use crate::{
    Error,
    connection::{CLIENT_ID, Connection, Pool},
    lane::Lane,
    task::pause_after,
};

/// How long an error that may pass is retried by default.
const PATIENCE: Duration = Duration::from_secs(15);

/// The default of `fetch.max.wait.ms` in Java's consumers.
const FETCH_WAIT: Duration = Duration::from_millis(500);

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
}
