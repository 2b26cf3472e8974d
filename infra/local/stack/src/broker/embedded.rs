//! librdkafka's mock broker, in this process.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;

use rdkafka::error::KafkaError;
use rdkafka::mocking::MockCluster;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task;

use super::error::Error;
use super::settings::{PARTITIONS, loopback};

/// The embedded broker. The cluster is neither `Send` nor `Sync`, so it belongs to a thread of its
/// own that carries out orders.
#[derive(Debug)]
pub(super) struct Embedded {
    /// The address at which the broker listens, and that it advertises.
    advertised: String,
    /// A fixed port through which clients find the broker.
    door: Option<(SocketAddr, task::JoinHandle<()>)>,
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// Topics to create, and the channel for the result.
type Order = (Vec<String>, oneshot::Sender<Result<(), KafkaError>>);

impl Embedded {
    pub(super) async fn start(port: Option<u16>) -> Result<Self, Error> {
        let (orders, received) = mpsc::channel::<Order>();
        let (started, ready) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("embedded-broker".to_owned())
            .spawn(move || {
                let cluster = match MockCluster::new(1) {
                    Ok(cluster) => cluster,
                    Err(error) => {
                        let _ = started.send(Err(error));
                        return;
                    }
                };
                let _ = started.send(Ok(cluster.bootstrap_servers()));
                while let Ok((topics, done)) = received.recv() {
                    let mut created = topics.iter().map(|topic| {
                        match cluster.create_topic(topic, PARTITIONS, 1) {
                            Err(KafkaError::MockCluster(
                                rdkafka::types::RDKafkaErrorCode::TopicAlreadyExists,
                            )) => Ok(()),
                            other => other,
                        }
                    });
                    let _ = done.send(created.find(Result::is_err).unwrap_or(Ok(())));
                }
            })?;
        let advertised = ready
            .await
            .unwrap_or(Err(KafkaError::Canceled))
            .map_err(Error::Embedded)?;
        let door = match port {
            Some(port) => Some(open_door(port, advertised.clone()).await?),
            None => None,
        };
        Ok(Self {
            advertised,
            door,
            orders: Some(orders),
            thread: Some(thread),
        })
    }

    pub(super) fn bootstrap(&self) -> String {
        self.door.as_ref().map_or_else(
            || self.advertised.clone(),
            |(address, _)| address.to_string(),
        )
    }

    pub(super) async fn create_topics(&self, names: &[&str]) -> Result<(), Error> {
        let (done, result) = oneshot::channel();
        let order = (names.iter().map(|name| (*name).to_owned()).collect(), done);
        // If the thread is gone, so is the other end of `done`, and the await below returns an
        // error.
        let _ = self.orders.as_ref().map(|orders| orders.send(order));
        let result = result.await.unwrap_or(Err(KafkaError::Canceled));
        result.map_err(Error::Embedded)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some((_, door)) = &self.door {
            door.abort();
        }
        // Without senders the thread ends, and drops the cluster.
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Opens a fixed port, because the broker's own port cannot be chosen. A client connects to the
/// fixed port, learns the broker's real address from the metadata, and then connects there
/// directly.
async fn open_door(
    port: u16,
    advertised: String,
) -> Result<(SocketAddr, task::JoinHandle<()>), Error> {
    let listener = TcpListener::bind(loopback(port)).await?;
    let address = listener.local_addr()?;
    let forwarding = tokio::spawn(async move {
        let mut connections = task::JoinSet::new();
        loop {
            let Ok((mut client, _)) = listener.accept().await else {
                // Out of file descriptors, or the client left: neither closes the port.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            };
            let advertised = advertised.clone();
            connections.spawn(async move {
                if let Ok(mut broker) = TcpStream::connect(advertised).await {
                    // Either side may disconnect at any time.
                    let _ = (client.set_nodelay(true), broker.set_nodelay(true));
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut broker).await;
                }
            });
            while connections.try_join_next().is_some() {}
        }
    });
    Ok((address, forwarding))
}
