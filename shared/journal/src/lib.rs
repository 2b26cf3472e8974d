//! Keeps a decision in DynamoDB, then tells Kafka and starts executions. The only crate that knows any of the three.
//!
//! Keep, tell, start, then acknowledge: whoever calls these in that order and returns success only after the last of them loses
//! nothing, whatever dies in between, because the next delivery finds the decision and goes on from it.
//!
//! One file for each thing a [`Journal`] does.

mod authentication;
mod breaker;
mod config;
mod connect;
mod erase;
mod error_chain;
mod given_up;
mod items;
mod keep;
mod leases;
mod of_tenant;
mod overdue;
mod producer;
mod resubmit;
mod roots;
mod set_aside;
mod start;
mod tell;
mod topics;
mod voice;

use aws_config::SdkConfig;
use events::Time;
use jobs::Makers;

pub use breaker::OpenBreaker;
pub use config::{Authentication, Config, ConfigError, aws_config_from_env, optional, variable};
pub use erase::{Cursor, Erased, Owned, OwnedItem, erase_objects};
pub use error_chain::chain;
pub use items::{ItemError, Kept};
pub use keep::KeepError;
pub use of_tenant::JobsPage;
pub use overdue::{Overdue, Untold};
pub use resubmit::Resubmission;
pub use roots::RootsError;
pub use set_aside::{
    ContentError, Entry, Outcome, Place, Resolution, Resolved, SetAside, SetAsideError, UnknownPlace, Window,
};
pub use start::{Execution, Resumed, StartError, TellAndStartError};
pub use tell::{MESSAGE_TIMEOUT, TellError, TellKeptError};
pub use topics::{ConnectionError, Ensured, TopicSettings, Topics, TopicsError};
pub use voice::GoOnError;

/// What is true, and who is told. One for each execution environment, made in its init phase.
pub struct Journal {
    dynamodb: aws_sdk_dynamodb::Client,
    table: String,
    s3: aws_sdk_s3::Client,
    set_aside_bucket: String,
    sfn: aws_sdk_sfn::Client,
    render_state_machine: String,
    voice_state_machine: String,
    producer: producer::Producer,
    refusal: authentication::Refusal,
    deadline_seconds: u32,
    makers: Makers,
}

impl Journal {
    /// A journal that writes where `config` says. Makes no call yet.
    ///
    /// # Errors
    /// [`TellError::Producer`] if librdkafka does not take the settings, [`TellError::Thread`] if nobody can listen to it.
    pub fn new(config: Config, aws: &SdkConfig) -> Result<Self, TellError> {
        let refusal = authentication::Refusal::default();
        let context = authentication::Context {
            authentication: config.authentication,
            credentials: aws.credentials_provider(),
            refusal: refusal.clone(),
        };
        Ok(Self {
            dynamodb: aws_sdk_dynamodb::Client::new(aws),
            table: config.table,
            s3: aws_sdk_s3::Client::new(aws),
            set_aside_bucket: config.set_aside_bucket,
            sfn: aws_sdk_sfn::Client::new(aws),
            render_state_machine: config.render_state_machine,
            voice_state_machine: config.voice_state_machine,
            producer: producer::Producer::new(&config.bootstrap_servers, context)?,
            refusal,
            deadline_seconds: config.render_deadline_seconds,
            makers: config.makers,
        })
    }

    /// The bucket for records set aside.
    #[must_use]
    pub fn set_aside_bucket(&self) -> &str {
        &self.set_aside_bucket
    }

    /// When something that is begun at `now` is looked after by the sweep.
    #[must_use]
    pub fn deadline(&self, now: Time) -> Time {
        now.plus_seconds(self.deadline_seconds)
    }

    /// Who makes what.
    #[must_use]
    pub fn makers(&self) -> &Makers {
        &self.makers
    }
}
