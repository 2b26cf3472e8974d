//! The transactional outbox: commit a decision, publish its events, send its jobs to the queue.
//!
//! Commit, publish, send, then acknowledge. A caller that acknowledges only after the last of them
//! loses nothing, whatever dies in between: the next delivery finds the outbox entry and goes on
//! from it.

mod commit;
mod config;
mod connect;
mod end;
mod look_up;
mod notices;
mod publish;
mod resubmit;
mod send;
mod voice;

use aws_config::SdkConfig;
use contract::Time;
use domain::ProviderRouting;
use kafka::{PublishError, Publisher};
use queue::{NoticeQueue, RenderQueue};
use store::Store;

pub use commit::CommitError;
pub use config::{Config, ConfigError};
pub use end::Announced;
pub use kafka::Unpublishable;
pub use look_up::{LookedUp, Seen};
pub use publish::PublishEntryError;
pub use resubmit::Resubmission;
pub use send::{PublishAndSendError, SendEntryError};

/// The store, the producer and the queue of one function. One for each execution environment, made
/// in its init phase.
pub struct Outbox {
    store: Store,
    publisher: Publisher,
    queue: RenderQueue,
    notices: Option<NoticeQueue>,
    deadline_seconds: u32,
    routing: ProviderRouting,
}

impl Outbox {
    /// An outbox in `store` that publishes and sends where `config` says. Makes no call yet.
    ///
    /// # Errors
    /// A [`PublishError`] if the producer cannot be made.
    pub fn new(config: Config, store: Store, aws: &SdkConfig) -> Result<Self, PublishError> {
        Ok(Self {
            store,
            publisher: Publisher::new(config.kafka, aws.credentials_provider())?,
            queue: RenderQueue::new(config.queue, aws),
            notices: None,
            deadline_seconds: config.render_deadline_seconds,
            routing: config.routing,
        })
    }

    /// The sweep looks after work that begins at `now` from this time on.
    #[must_use]
    pub fn deadline(&self, now: Time) -> Time {
        now.plus_seconds(self.deadline_seconds)
    }

    /// The producer, for events that have no outbox entry.
    #[must_use]
    pub fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// Which provider makes which asset.
    #[must_use]
    pub fn routing(&self) -> &ProviderRouting {
        &self.routing
    }
}
