//! Publish: the brokers get an event's bytes and acknowledge them.

use std::{slice, time::Duration};

use aws_credential_types::provider::SharedCredentialsProvider;
use contract::Topic;
use domain::OutboundEvent;
use futures::future::join_all;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::{
    Config, PublishError,
    authentication::{Context, Refusal},
    producer::{Acknowledgement, Producer},
};

/// The producer of an execution environment, made in its init phase.
pub struct Publisher {
    producer: Producer,
    refusal: Refusal,
}

impl Publisher {
    /// A publisher to the brokers that `config` names. It signs its IAM tokens with `credentials`
    /// and connects when it is first used, or asked to.
    ///
    /// # Errors
    /// [`PublishError::Producer`] if librdkafka does not take the settings,
    /// [`PublishError::Thread`] if the thread that hears of deliveries cannot be started.
    pub fn new(
        config: Config,
        credentials: Option<SharedCredentialsProvider>,
    ) -> Result<Self, PublishError> {
        let refusal = Refusal::default();
        let context = Context {
            authentication: config.authentication,
            credentials,
            refusal: refusal.clone(),
        };
        Ok(Self {
            producer: Producer::new(&config.bootstrap_servers, context)?,
            refusal,
        })
    }

    /// Connects to the brokers, within `within`. A broker that is not reachable yet is a warning:
    /// the first invocation finds out.
    pub async fn connect(&self, within: Duration) {
        match self.producer.connect(within).await {
            Ok(()) => tracing::debug!("connected to Kafka"),
            Err(error) => tracing::warn!("{}", runtime::chain(&error)),
        }
    }

    /// Hands all events over, pipelined and in order, and awaits every acknowledgement: one result
    /// for each group.
    pub async fn publish(&self, groups: &[&[OutboundEvent]]) -> Vec<Result<(), PublishError>> {
        let enqueued: Vec<Vec<Result<(Topic, Acknowledgement), PublishError>>> = groups
            .iter()
            .map(|events| {
                events
                    .iter()
                    .map(|event| Ok((event.topic, self.producer.enqueue(event)?)))
                    .collect()
            })
            .collect();
        let published = join_all(enqueued.into_iter().map(|deliveries| async {
            let acknowledged = join_all(deliveries.into_iter().map(|delivery| async {
                let (topic, acknowledgement) = delivery?;
                match acknowledgement.await {
                    Ok(Ok(())) => {
                        self.refusal.clear();
                        Ok(())
                    }
                    Ok(Err(source)) => Err(PublishError::Delivery { topic, source }),
                    Err(_) => Err(PublishError::Closed),
                }
            }));
            acknowledged.await.into_iter().collect::<Result<(), _>>()
        }))
        .await;
        if published.iter().all(Result::is_ok) {
            return published;
        }
        self.producer.purge();
        let refusal = self.refusal.get();
        published
            .into_iter()
            .map(|outcome| outcome.map_err(|error| explained(error, refusal.as_ref())))
            .collect()
    }

    /// Publishes an event that has no outbox entry, and awaits its acknowledgement.
    ///
    /// # Errors
    /// A [`PublishError`]; Kafka may have it all the same.
    pub async fn publish_one(&self, event: &OutboundEvent) -> Result<(), PublishError> {
        self.publish(&[slice::from_ref(event)])
            .await
            .into_iter()
            .collect()
    }
}

/// Why Kafka may not have an event: that its delivery timed out says less than why the brokers do
/// not let the function in.
fn explained(error: PublishError, refusal: Option<&PublishError>) -> PublishError {
    match (&error, refusal) {
        (PublishError::Delivery { source, .. }, Some(refusal)) if timed_out(source) => {
            refusal.clone()
        }
        _ => error,
    }
}

fn timed_out(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageTimedOut)
}
