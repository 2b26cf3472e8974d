//! Tell: Kafka gets the bytes that were kept, and says that it has them.

use std::{sync::Mutex, time::Duration};

use events::STRUCTURED_CONTENT_TYPE;
use futures::future::join_all;
use jobs::Told;
use rdkafka::{
    ClientConfig,
    error::KafkaError,
    message::{Header, OwnedHeaders},
    producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _, PurgeConfig},
};

use crate::{Authentication, authentication::Context};

/// How long a record may wait for its acknowledgement. Fixed, and below every function's timeout: what Kafka has not
/// acknowledged by then is told again by the redelivery.
pub const MESSAGE_TIMEOUT: Duration = Duration::from_secs(15);

/// How long the init phase waits for the brokers. They may be unreachable; the first invocation finds out.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Why Kafka may not have an event. Every one of these is worth another try: the bytes are kept, and only their way failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TellError {
    /// The producer could not be made.
    #[error("making a Kafka producer")]
    Producer(#[source] KafkaError),
    /// librdkafka did not take it.
    #[error("handing an event to librdkafka")]
    Enqueue(#[source] KafkaError),
    /// The brokers did not acknowledge it in time, or refused it.
    #[error("waiting for Kafka to acknowledge an event")]
    Delivery(#[source] KafkaError),
    /// The producer went away before the acknowledgement came.
    #[error("waiting for Kafka to acknowledge an event: the producer was closed")]
    Closed,
}

/// The journal's half that is Kafka: one producer for each execution environment.
pub(crate) struct Teller {
    bootstrap_servers: String,
    authentication: Authentication,
    producer: Mutex<Option<FutureProducer<Context>>>,
}

impl Teller {
    pub(crate) fn new(bootstrap_servers: String, authentication: Authentication) -> Self {
        Self { bootstrap_servers, authentication, producer: Mutex::new(None) }
    }

    /// Makes the producer and its first connection. Belongs in the init phase; an unreachable broker is only a warning there.
    pub(crate) async fn connect(&self) {
        let producer = match self.producer() {
            Ok(producer) => producer,
            Err(error) => return tracing::warn!(error = chain(&error), "no Kafka producer yet"),
        };
        let metadata = tokio::task::spawn_blocking(move || {
            producer.client().fetch_metadata(None, CONNECT_TIMEOUT).map(|metadata| metadata.brokers().len())
        });
        match metadata.await {
            Ok(Ok(brokers)) => tracing::debug!(brokers, "connected to Kafka"),
            Ok(Err(error)) => tracing::warn!(error = chain(&error), "Kafka is not reachable yet"),
            Err(error) => tracing::warn!(error = chain(&error), "connecting to Kafka was interrupted"),
        }
    }

    /// Tells each list of events, all of them pipelined in the order given, and returns for each list whether Kafka has all of
    /// it. Whatever was not acknowledged is purged before this returns: it would leave after the sandbox's thaw, long after
    /// somebody else told it again.
    pub(crate) async fn tell(&self, lists: &[&[Told]]) -> Vec<Result<(), TellError>> {
        if lists.iter().all(|list| list.is_empty()) {
            return lists.iter().map(|_| Ok(())).collect();
        }
        let producer = match self.producer() {
            Ok(producer) => producer,
            Err(error) => return lists.iter().map(|_| Err(error.clone())).collect(),
        };
        let enqueued: Vec<Result<Vec<DeliveryFuture>, TellError>> =
            lists.iter().map(|list| list.iter().map(|event| enqueue(&producer, event)).collect()).collect();
        let told = join_all(enqueued.into_iter().map(|deliveries| async {
            let acknowledged = join_all(deliveries?).await;
            acknowledged.into_iter().try_for_each(|delivery| match delivery {
                Ok(Ok(_)) => Ok(()),
                Ok(Err((error, _))) => Err(TellError::Delivery(error)),
                Err(_) => Err(TellError::Closed),
            })
        }))
        .await;
        if told.iter().any(Result::is_err) {
            producer.purge(PurgeConfig::default().queue().inflight());
            if producer.client().fatal_error().is_some() {
                // Such a producer never sends again; the next batch makes another.
                *self.producer.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
            }
        }
        told
    }

    fn producer(&self) -> Result<FutureProducer<Context>, TellError> {
        let mut producer = self.producer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &*producer {
            Some(producer) => Ok(producer.clone()),
            None => {
                let made = self.config().create_with_context(Context { authentication: self.authentication.clone() });
                let made: FutureProducer<Context> = made.map_err(TellError::Producer)?;
                *producer = Some(made.clone());
                Ok(made)
            }
        }
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("client.id", "studio-svc")
            .set("acks", "all")
            // Order within a partition by one request at a time, and not by idempotence: docs/decisions/0001-producer.md.
            .set("max.in.flight.requests.per.connection", "1")
            // Java's partitioner: a tenant's records land where the Java services put them.
            .set("partitioner", "murmur2_random")
            .set("message.timeout.ms", MESSAGE_TIMEOUT.as_millis().to_string())
            .set("linger.ms", "0")
            .set("compression.codec", "lz4")
            .set("allow.auto.create.topics", "false")
            .set("socket.keepalive.enable", "true")
            .set("socket.connection.setup.timeout.ms", "5000")
            // MSK takes 100 new connections a second on a broker.
            .set("reconnect.backoff.ms", "1000")
            .set("reconnect.backoff.max.ms", "5000");
        self.authentication.apply(&mut config);
        config
    }
}

fn enqueue(producer: &FutureProducer<Context>, event: &Told) -> Result<DeliveryFuture, TellError> {
    let headers =
        OwnedHeaders::new_with_capacity(1).insert(Header { key: "content-type", value: Some(STRUCTURED_CONTENT_TYPE) });
    let record = FutureRecord::to(event.topic.as_str()).key(&event.key).payload(&event.value).headers(headers);
    producer.send_result(record).map_err(|(error, _)| TellError::Enqueue(error))
}

/// An error and what caused it, in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        // Some libraries repeat their source in their own words.
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}
