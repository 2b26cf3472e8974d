//! The producer of an execution environment: librdkafka's, its settings, and the thread that hears
//! what became of each event.
//!
//! Not rust-rdkafka's `FutureProducer`: its thread waits a tenth of a second at a time and spins
//! through the last millisecond of each, because what is left of the wait is cut to whole
//! milliseconds (0.39, `BaseProducer::poll`). That was a twentieth of a batch's processor time.

use std::{
    io,
    sync::{Arc, Weak},
    thread,
    time::Duration,
};

use contract::STRUCTURED_CONTENT_TYPE;
use domain::OutboundEvent;
use rdkafka::{
    ClientConfig,
    error::KafkaError,
    message::{DeliveryResult, Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext, PurgeConfig},
};
use tokio::sync::oneshot;

use crate::{PublishError, authentication::Context};

/// How long a record may wait for its acknowledgement. Fixed, and below every function's timeout:
/// what Kafka has not acknowledged by then is published again by the redelivery.
pub const MESSAGE_TIMEOUT: Duration = Duration::from_secs(15);

/// How long the thread waits before it looks whether the producer is still wanted: so long it lives
/// on, at most.
const LISTENS: Duration = Duration::from_secs(1);

/// What became of an event; an error if the producer went away before anybody knew.
pub(crate) type Acknowledgement = oneshot::Receiver<Result<(), KafkaError>>;

/// A producer. It connects when it is first used, or asked to.
pub(crate) struct Producer(Arc<BaseProducer<Context>>);

impl Producer {
    /// # Errors
    /// [`PublishError::Producer`] if librdkafka does not take the settings,
    /// [`PublishError::Thread`] if its thread cannot be started.
    pub fn new(bootstrap_servers: &str, context: Context) -> Result<Self, PublishError> {
        let producer: BaseProducer<Context> = settings(bootstrap_servers, &context)
            .create_with_context(context)
            .map_err(PublishError::Producer)?;
        let producer = Arc::new(producer);
        listen(Arc::downgrade(&producer)).map_err(|error| PublishError::Thread(Arc::new(error)))?;
        Ok(Self(producer))
    }

    /// Hands an event to librdkafka, which keeps a copy. Events of one tenant arrive in the order
    /// in which they are handed over.
    ///
    /// # Errors
    /// [`PublishError::Enqueue`].
    pub fn enqueue(&self, event: &OutboundEvent) -> Result<Acknowledgement, PublishError> {
        let mut headers = OwnedHeaders::new_with_capacity(2).insert(Header {
            key: "content-type",
            value: Some(STRUCTURED_CONTENT_TYPE),
        });
        if let Some(trace) = event.trace {
            headers = headers.insert(Header {
                key: "traceparent",
                value: Some(&trace.to_string()),
            });
        }
        let (sender, acknowledgement) = oneshot::channel();
        let record = BaseRecord::with_opaque_to(event.topic.as_str(), Box::new(sender));
        let record = record
            .key(&event.key)
            .payload(&event.value)
            .headers(headers);
        self.0
            .send(record)
            .map_err(|(source, _)| PublishError::Enqueue {
                topic: event.topic,
                source,
            })?;
        Ok(acknowledgement)
    }

    /// Takes back whatever was not acknowledged.
    pub fn purge(&self) {
        self.0.purge(PurgeConfig::default().queue().inflight());
    }

    /// Asks the brokers for the cluster's metadata on a thread that may wait, for at most `within`:
    /// there is a connection afterwards.
    ///
    /// # Errors
    /// A [`ConnectError`].
    pub async fn connect(&self, within: Duration) -> Result<(), ConnectError> {
        let producer = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || {
            producer.client().fetch_metadata(None, within).map(drop)
        })
        .await??;
        Ok(())
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// librdkafka has no metadata of the cluster.
    #[error("Kafka is not reachable yet")]
    Metadata(#[from] KafkaError),
    /// The runtime ended.
    #[error("connecting to Kafka was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<oneshot::Sender<Result<(), KafkaError>>>;

    fn delivery(&self, result: &DeliveryResult<'_>, sender: Self::DeliveryOpaque) {
        let result = result
            .as_ref()
            .map(drop)
            .map_err(|(error, _)| error.clone());
        // The receiver is gone if its invocation was given up; then the report is of no use.
        _ = sender.send(result);
    }
}

/// Has a thread call the [`Context`], for as long as there is a producer.
fn listen(producer: Weak<BaseProducer<Context>>) -> io::Result<()> {
    let listener = thread::Builder::new().name("deliveries".to_owned());
    listener.spawn(move || {
        while let Some(producer) = producer.upgrade() {
            producer.poll(LISTENS);
        }
    })?;
    Ok(())
}

fn settings(bootstrap_servers: &str, context: &Context) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap_servers)
        .set("client.id", "studio-svc")
        .set("acks", "all")
        // Order within a partition by one request at a time, and not by idempotence:
        // docs/decisions/0001-producer.md.
        .set("max.in.flight.requests.per.connection", "1")
        // Java's partitioner: a tenant's records land where the Java services put them.
        .set("partitioner", "murmur2_random")
        .set(
            "message.timeout.ms",
            MESSAGE_TIMEOUT.as_millis().to_string(),
        )
        // A connection that a NAT gateway or a frozen sandbox forgot answers nothing: given up in
        // time to send again.
        .set("socket.timeout.ms", "5000")
        .set("request.timeout.ms", "5000")
        .set("connections.max.idle.ms", "180000")
        .set("linger.ms", "0")
        // The only one that every client reads, at its least effort:
        // docs/decisions/0027-compression.md.
        .set("compression.codec", "gzip")
        .set("compression.level", "1")
        .set("allow.auto.create.topics", "false")
        .set("socket.keepalive.enable", "true")
        .set("socket.connection.setup.timeout.ms", "5000")
        // To every broker at once, in init, and not to a partition's leader at its first record:
        // docs/decisions/0002-connections.md.
        .set("enable.sparse.connections", "false")
        // MSK takes 100 new connections a second on a broker, so the pause doubles.
        .set("reconnect.backoff.ms", "100")
        .set("reconnect.backoff.max.ms", "5000");
    context.authentication.apply(&mut config);
    config
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use contract::Topic;
    use rdkafka::error::RDKafkaErrorCode;
    use tokio::time::timeout;

    use super::*;
    use crate::{Authentication, authentication::Refusal};

    /// A producer for brokers that are not there.
    fn producer() -> Producer {
        let context = Context {
            authentication: Authentication::None,
            credentials: None,
            refusal: Refusal::default(),
        };
        Producer::new("127.0.0.1:1", context).unwrap()
    }

    #[test]
    fn its_thread_goes_with_it() {
        let producer = producer();
        let left = Arc::downgrade(&producer.0);
        let becomes = |holders: usize| {
            let begun = Instant::now();
            while left.strong_count() != holders {
                assert!(
                    begun.elapsed() < 5 * LISTENS,
                    "{} hold it, and not {holders}",
                    left.strong_count()
                );
                thread::sleep(Duration::from_millis(1));
            }
        };
        // Only once it listens can it be seen to let go.
        becomes(2);
        drop(producer);
        becomes(0);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_event_that_is_taken_back_is_heard_of() {
        let producer = producer();
        let (topic, trace) = (Topic::RenderJobCreated, None);
        let event = OutboundEvent {
            topic,
            key: "tenant".to_owned(),
            value: "{}".to_owned(),
            trace,
        };
        let acknowledgement = producer.enqueue(&event).unwrap();
        producer.purge();
        let heard = timeout(5 * LISTENS, acknowledgement)
            .await
            .expect("its end is reported in time");
        let error = heard.unwrap().unwrap_err();
        assert_eq!(
            error.rdkafka_error_code(),
            Some(RDKafkaErrorCode::PurgeQueue)
        );
    }
}
