//! Tell: Kafka gets the bytes that were kept, and says that it has them.

use std::{io, slice, sync::Arc, time::Duration};

use futures::future::join_all;
use jobs::{Job, Told};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::{Journal, KeepError, Kept, Untold, items::Key, producer::Acknowledgement};

/// How long a record may wait for its acknowledgement. Fixed, and below every function's timeout: what Kafka has not
/// acknowledged by then is told again by the redelivery.
pub const MESSAGE_TIMEOUT: Duration = Duration::from_secs(15);

/// Why Kafka may not have an event. Every one of these is worth another try: the bytes are kept, and only their way failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TellError {
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
    /// The brokers do not let the function in: it has no `kafka-cluster:Connect`, its token has ended by their clock, or is not what its
    /// credentials sign.
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
    /// Tells Kafka what was kept, all of it pipelined and in the order given, and awaits every acknowledgement. One result for each
    /// decision; one that was told before is not told again.
    ///
    /// Whatever was not acknowledged is purged before this returns: it would leave after the sandbox's thaw, long after somebody
    /// else told it again.
    pub async fn tell(&self, kept: &[&Kept]) -> Vec<Result<(), TellError>> {
        let events: Vec<&[Told]> = kept.iter().map(|kept| if kept.told { &[][..] } else { &kept.events[..] }).collect();
        self.deliver(&events).await
    }

    /// Hands all events over, pipelined and in order, and awaits every acknowledgement: one result for each group.
    async fn deliver(&self, groups: &[&[Told]]) -> Vec<Result<(), TellError>> {
        let enqueued: Vec<Vec<Result<Acknowledgement, TellError>>> =
            groups.iter().map(|events| events.iter().map(|event| self.producer.enqueue(event)).collect()).collect();
        let told = join_all(enqueued.into_iter().map(|deliveries| async {
            let acknowledged = join_all(deliveries.into_iter().map(|delivery| async {
                match delivery?.await {
                    Ok(Ok(())) => {
                        self.refusal.clear();
                        Ok(())
                    }
                    Ok(Err(error)) => Err(TellError::Delivery(error)),
                    Err(_) => Err(TellError::Closed),
                }
            }));
            acknowledged.await.into_iter().collect::<Result<(), _>>()
        }))
        .await;
        if told.iter().all(Result::is_ok) {
            return told;
        }
        self.producer.purge();
        let refusal = self.refusal.get();
        told.into_iter().map(|told| told.map_err(|error| explained(error, refusal.as_ref()))).collect()
    }

    /// Publishes an event for which nothing was decided, and awaits its acknowledgement.
    ///
    /// # Errors
    /// A [`TellError`]; Kafka may have it all the same.
    pub async fn publish(&self, event: &Told) -> Result<(), TellError> {
        self.deliver(&[slice::from_ref(event)]).await.into_iter().collect()
    }

    /// Tells and marks one decision.
    ///
    /// # Errors
    /// The [`TellKeptError`] of the half that failed; doing it again is safe.
    pub async fn tell_and_mark(&self, kept: &Kept) -> Result<(), TellKeptError> {
        self.tell(&[kept]).await.into_iter().collect::<Result<(), _>>()?;
        self.mark_told(kept).await?;
        Ok(())
    }

    /// Tells and marks the decision that opened `job`, if that has not been done: a job's `created` comes before its execution.
    ///
    /// # Errors
    /// As [`tell_and_mark`](Self::tell_and_mark).
    pub async fn tell_cause_of(&self, job: &Job) -> Result<(), TellKeptError> {
        self.tell_kept(Key::cause(job.cause)).await
    }

    /// Tells and marks something that was kept and may not have been told, if that has not been done.
    ///
    /// # Errors
    /// As [`tell_and_mark`](Self::tell_and_mark).
    pub async fn tell_untold(&self, untold: &Untold) -> Result<(), TellKeptError> {
        self.tell_kept(untold.0.clone()).await
    }

    /// Tells and marks the decision kept under `key`, if there is one and that has not been done.
    pub(crate) async fn tell_kept(&self, key: Key) -> Result<(), TellKeptError> {
        match self.decision(key).await? {
            Some(kept) => self.tell_and_mark(&kept).await,
            None => Ok(()),
        }
    }
}

/// Why a decision is not told and marked.
#[derive(Debug, thiserror::Error)]
pub enum TellKeptError {
    /// It could not be read or marked.
    #[error("reading or marking a decision")]
    Keep(#[from] KeepError),
    /// Kafka may not have it.
    #[error("telling a decision")]
    Tell(#[from] TellError),
}

/// Why Kafka may not have an event: that its delivery timed out says less than why the brokers do not let the function in.
fn explained(error: TellError, refusal: Option<&TellError>) -> TellError {
    match (&error, refusal) {
        (TellError::Delivery(failed), Some(refusal)) if timed_out(failed) => refusal.clone(),
        _ => error,
    }
}

fn timed_out(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageTimedOut)
}
