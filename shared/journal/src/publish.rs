//! Tell: Kafka gets the bytes that were committed, and says that it has them.

use std::{io, slice, sync::Arc, time::Duration};

use domain::{Job, OutboundEvent};
use futures::future::join_all;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::{Journal, OutboxEntry, StoreError, Unpublished, items::Key, producer::Acknowledgement};

/// How long a record may wait for its acknowledgement. Fixed, and below every function's timeout:
/// what Kafka has not acknowledged by then is published again by the redelivery.
pub const MESSAGE_TIMEOUT: Duration = Duration::from_secs(15);

/// Why Kafka may not have an event. Every one of these is worth another try: the bytes are
/// committed, and only their way failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PublishError {
    /// The producer could not be made.
    #[error("making a Kafka producer")]
    Producer(#[source] KafkaError),
    /// There is no thread to hear the brokers' answers.
    #[error("starting the thread that hears what became of events")]
    Thread(#[source] Arc<io::Error>),
    /// librdkafka did not take it.
    #[error("handing an event to librdkafka")]
    Enqueue(#[source] KafkaError),
    /// The brokers did not acknowledge it in time, or refused it.
    #[error("waiting for Kafka to acknowledge an event")]
    Delivery(#[source] KafkaError),
    /// The producer went away before the acknowledgement came.
    #[error("waiting for Kafka to acknowledge an event: the producer was closed")]
    Closed,
    /// The brokers do not let the function in: it has no `kafka-cluster:Connect`, its token has
    /// ended by their clock, or is not what its credentials sign.
    #[error(
        "the brokers refused the function's IAM token, so look whether its role may kafka-cluster:Connect to this cluster and whether \
         its clock is right: {0}"
    )]
    Refused(String),
    /// There is no token to show to the brokers.
    #[error("the function could not sign an IAM token for the brokers: {0}")]
    NoToken(String),
}

impl Journal {
    /// Tells Kafka what was committed, all of it pipelined and in the order given, and awaits every
    /// acknowledgement. One result for each decision; one that was published before is not
    /// published again.
    ///
    /// Whatever was not acknowledged is purged before this returns: it would leave after the
    /// sandbox's thaw, long after somebody else published it again.
    pub async fn publish(&self, entry: &[&OutboxEntry]) -> Vec<Result<(), PublishError>> {
        let events: Vec<&[OutboundEvent]> = entry
            .iter()
            .map(|entry| {
                if entry.published {
                    &[][..]
                } else {
                    &entry.events[..]
                }
            })
            .collect();
        self.deliver(&events).await
    }

    /// Hands all events over, pipelined and in order, and awaits every acknowledgement: one result
    /// for each group.
    async fn deliver(&self, groups: &[&[OutboundEvent]]) -> Vec<Result<(), PublishError>> {
        let enqueued: Vec<Vec<Result<Acknowledgement, PublishError>>> = groups
            .iter()
            .map(|events| {
                events
                    .iter()
                    .map(|event| self.producer.enqueue(event))
                    .collect()
            })
            .collect();
        let published = join_all(enqueued.into_iter().map(|deliveries| async {
            let acknowledged = join_all(deliveries.into_iter().map(|delivery| async {
                match delivery?.await {
                    Ok(Ok(())) => {
                        self.refusal.clear();
                        Ok(())
                    }
                    Ok(Err(error)) => Err(PublishError::Delivery(error)),
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
    pub async fn publish_event(&self, event: &OutboundEvent) -> Result<(), PublishError> {
        self.deliver(&[slice::from_ref(event)])
            .await
            .into_iter()
            .collect()
    }

    /// Publishes and marks one decision.
    ///
    /// # Errors
    /// The [`PublishEntryError`] of the half that failed; doing it again is safe.
    pub async fn publish_and_mark(&self, entry: &OutboxEntry) -> Result<(), PublishEntryError> {
        self.publish(&[entry])
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
        self.mark_published(entry).await?;
        Ok(())
    }

    /// Publishes and marks the decision that opened `job`, if that has not been done: a job's
    /// `created` comes before its execution.
    ///
    /// # Errors
    /// As [`publish_and_mark`](Self::publish_and_mark).
    pub async fn publish_opening_entry(&self, job: &Job) -> Result<(), PublishEntryError> {
        self.publish_entry(Key::inbound(job.inbound)).await
    }

    /// Publishes and marks something that was committed and may not have been published, if that
    /// has not been done.
    ///
    /// # Errors
    /// As [`publish_and_mark`](Self::publish_and_mark).
    pub async fn publish_overdue(
        &self,
        unpublished: &Unpublished,
    ) -> Result<(), PublishEntryError> {
        self.publish_entry(unpublished.0.clone()).await
    }

    /// Publishes and marks the decision kept under `key`, if there is one and that has not been
    /// done.
    pub(crate) async fn publish_entry(&self, key: Key) -> Result<(), PublishEntryError> {
        match self.decision(key).await? {
            Some(entry) => self.publish_and_mark(&entry).await,
            None => Ok(()),
        }
    }
}

/// Why a decision is not published and marked.
#[derive(Debug, thiserror::Error)]
pub enum PublishEntryError {
    /// It could not be read or marked.
    #[error("reading or marking an outbox entry")]
    Store(#[from] StoreError),
    /// Kafka may not have it.
    #[error("publishing an outbox entry")]
    Publish(#[from] PublishError),
}

/// Why Kafka may not have an event: that its delivery timed out says less than why the brokers do
/// not let the function in.
fn explained(error: PublishError, refusal: Option<&PublishError>) -> PublishError {
    match (&error, refusal) {
        (PublishError::Delivery(failed), Some(refusal)) if timed_out(failed) => refusal.clone(),
        _ => error,
    }
}

fn timed_out(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageTimedOut)
}
