//! The transactional outbox: commits a decision to DynamoDB, publishes its events to Kafka, then
//! starts its executions. The only crate that knows DynamoDB and Step Functions.
//!
//! Commit, publish, start, then acknowledge: whoever calls these in that order and returns success
//! only after the last of them loses nothing, whatever dies in between, because the next delivery
//! finds the decision and goes on from it.
//!
//! One file for each thing a [`Journal`] does.

mod breaker;
mod commit;
mod config;
mod connect;
mod dead_letters;
mod erase;
mod items;
mod limits;
mod of_tenant;
mod on_failure;
mod overdue;
mod publish;
mod resubmit;
mod start;
mod voice;

use aws_config::SdkConfig;
use contract::Time;
use domain::ProviderRouting;
use kafka::{PublishError, Publisher};

pub use breaker::OpenBreaker;
pub use commit::StoreError;
pub use config::{Config, ConfigError};
pub use dead_letters::{
    ContentError, DeadLetter, DeadLetterError, Entry, Outcome, Place, Resolution, Resolved,
    UnknownPlace, Window,
};
pub use erase::{Cursor, Erased, Owned, OwnedItem, erase_objects};
pub use items::{ItemError, OutboxEntry};
pub use of_tenant::JobsPage;
pub use overdue::{Overdue, Unpublished};
pub use publish::PublishEntryError;
pub use resubmit::Resubmission;
pub use start::{Execution, PublishAndStartError, Resumed, StartError};
pub use voice::GoOnError;

/// The store, the producer and the state machines of one function. One for each execution
/// environment, made in its init phase.
pub struct Journal {
    dynamodb: aws_sdk_dynamodb::Client,
    table: String,
    s3: aws_sdk_s3::Client,
    dead_letters_bucket: String,
    sfn: aws_sdk_sfn::Client,
    render_state_machine: String,
    voice_state_machine: String,
    publisher: Publisher,
    deadline_seconds: u32,
    routing: ProviderRouting,
}

impl Journal {
    /// A journal that writes where `config` says. Makes no call yet.
    ///
    /// # Errors
    /// A [`PublishError`] if the producer cannot be made.
    pub fn new(config: Config, aws: &SdkConfig) -> Result<Self, PublishError> {
        Ok(Self {
            dynamodb: aws_sdk_dynamodb::Client::new(aws),
            table: config.table,
            s3: aws_sdk_s3::Client::new(aws),
            dead_letters_bucket: config.dead_letters_bucket,
            sfn: aws_sdk_sfn::Client::new(aws),
            render_state_machine: config.render_state_machine,
            voice_state_machine: config.voice_state_machine,
            publisher: Publisher::new(config.kafka, aws.credentials_provider())?,
            deadline_seconds: config.render_deadline_seconds,
            routing: config.routing,
        })
    }

    /// The bucket for dead letters.
    #[must_use]
    pub fn dead_letters_bucket(&self) -> &str {
        &self.dead_letters_bucket
    }

    /// When something that is begun at `now` is looked after by the sweep.
    #[must_use]
    pub fn deadline(&self, now: Time) -> Time {
        now.plus_seconds(self.deadline_seconds)
    }

    /// The producer, for events that have no outbox entry.
    #[must_use]
    pub fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// Who makes what.
    #[must_use]
    pub fn routing(&self) -> &ProviderRouting {
        &self.routing
    }
}
