//! Send: the jobs that an entry opened go to the queue, in one message for each entry, once the
//! entry's events are published.

use std::{iter, time::Duration};

use domain::{Job, TenantKey};
use kafka::PublishError;
use queue::{Message, Outgoing, RenderQueue, SendError};
use store::{OutboxEntry, StoreError};

use crate::Outbox;

/// Why the jobs of an entry may not be in the queue. Sending them again is safe.
#[derive(Debug, thiserror::Error)]
pub enum SendEntryError {
    /// An entry of an earlier version of the code leaves it to its jobs to say whose they are, and
    /// one could not be read.
    #[error("reading a job of an outbox entry")]
    Read(#[from] StoreError),
    /// The queue may not have the message.
    #[error(transparent)]
    Send(#[from] SendError),
}

/// Why a decision is not published, sent and marked.
#[derive(Debug, thiserror::Error)]
pub enum PublishAndSendError {
    /// Kafka may not have it.
    #[error("publishing an outbox entry")]
    Publish(#[from] PublishError),
    /// The queue may not have its jobs.
    #[error(transparent)]
    Send(#[from] SendEntryError),
    /// It is not marked published.
    #[error("marking an outbox entry published")]
    Mark(#[from] StoreError),
}

impl Outbox {
    /// The queue of what is to be rendered.
    #[must_use]
    pub fn queue(&self) -> &RenderQueue {
        &self.queue
    }

    /// Sends the jobs of `entries`, whose events are acknowledged, with as few calls as their
    /// messages fit into. One result for each entry. Nothing is sent of an entry that opened no job,
    /// or that is known to be published: it was sent before, or its jobs are closed.
    pub async fn send(&self, entries: &[&OutboxEntry]) -> Vec<Result<(), SendEntryError>> {
        let (mut results, mut places, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for (place, entry) in entries.iter().enumerate() {
            let outgoing = match entry.published {
                true => Ok(None),
                false => self.message_of(entry).await,
            };
            results.push(match outgoing {
                Ok(None) => Ok(()),
                Ok(Some(outgoing)) => {
                    places.push(place);
                    all.push(outgoing);
                    Ok(())
                }
                Err(error) => Err(SendEntryError::Read(error)),
            });
        }
        let sent = self.queue.send_all(all).await;
        for (place, sent) in iter::zip(places, sent) {
            results[place] = sent.map_err(SendEntryError::Send);
        }
        results
    }

    /// Sends a message about `job` alone.
    ///
    /// # Errors
    /// A [`SendError`]; doing it again is safe.
    pub async fn send_job(&self, job: &Job) -> Result<(), SendError> {
        let message = Message {
            entity: job.entity_key(),
            jobs: vec![job.id],
            tries: 0,
        };
        let outgoing = at_once(message, TenantKey::new(&job.tenant));
        self.queue.send(&[outgoing]).await.into_iter().collect()
    }

    /// Publishes what was committed and sends those of its jobs that are open, then marks it
    /// published: for a decision that comes alone. Asked for again, it sends another message,
    /// because the first may be lost.
    ///
    /// # Errors
    /// A [`PublishAndSendError`]; doing it again is safe.
    pub async fn publish_and_send(&self, entry: &OutboxEntry) -> Result<(), PublishAndSendError> {
        self.publish(&[entry])
            .await
            .into_iter()
            .collect::<Result<(), PublishError>>()?;
        self.send_open(entry).await?;
        self.store.mark_published(entry).await?;
        Ok(())
    }

    /// Sends those jobs of `entry` that are open.
    async fn send_open(&self, entry: &OutboxEntry) -> Result<(), SendEntryError> {
        let closed = self.store.closed(entry.starts.iter().copied().collect());
        let closed = closed.await?;
        let mut open = entry.clone();
        open.starts.retain(|job| !closed.contains(job));
        if let Some(outgoing) = self.message_of(&open).await? {
            let sent = self.queue.send(&[outgoing]).await.into_iter();
            sent.collect::<Result<(), SendError>>()?;
        }
        Ok(())
    }

    /// The message about the jobs of `entry`; `None` if it has none.
    async fn message_of(&self, entry: &OutboxEntry) -> Result<Option<Outgoing>, StoreError> {
        let Some(first) = entry.starts.first() else {
            return Ok(None);
        };
        let (entity, tenant) = match (entry.entity, entry.tenant) {
            (Some(entity), Some(tenant)) => (entity, tenant),
            _ => {
                let job = self.store.job(*first).await?;
                (job.entity_key(), TenantKey::new(&job.tenant))
            }
        };
        let message = Message {
            entity,
            jobs: entry.starts.clone(),
            tries: 0,
        };
        Ok(Some(at_once(message, tenant)))
    }
}

/// A message that is to be received at once.
fn at_once(message: Message, tenant: TenantKey) -> Outgoing {
    Outgoing {
        message,
        tenant,
        delay: Duration::ZERO,
    }
}
