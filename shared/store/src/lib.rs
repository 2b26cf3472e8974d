//! DynamoDB. The only crate that knows the table: its items, the one conditional transaction that
//! commits a decision, and the small writes beside it.

mod attributes;
mod audit;
mod breaker;
mod connect;
mod dead_letters;
mod ends;
mod erase;
mod error;
mod groups;
mod items;
mod jobs;
mod kept;
mod limits;
mod line;
mod listing;
mod lone_try;
mod of_all_tenants;
mod open_jobs;
mod overdue;
mod packed;
mod place;
mod prepared;
#[cfg(test)]
mod released;
mod remainders;
mod render_inputs;
mod rounds;
mod said;
mod set_aside;
mod shared_state;
mod tombstone;
mod usage;
mod watched;
mod why;
mod work;
mod write;

use aws_config::SdkConfig;
use runtime::{ConfigError, variable};

pub use audit::AuditItem;
pub use breaker::OpenBreaker;
pub use dead_letters::{
    AgainOfEnvelope, DeadLetterEntry, Resolution, ResolveOutcome, Resolved, Window,
    WrittenDeadLetter,
};
pub use ends::{MOST_ENDS, WrittenEnds};
pub use erase::{Cursor, DeadLetterToErase, Erased, Owned, OwnedItem};
pub use error::StoreError;
pub use groups::groups;
pub use items::{Expiry, ItemError, Key, OutboxEntry, Owner};
pub use jobs::JobsPage;
pub use kept::MOST_KEPT;
pub use of_all_tenants::{OfAllTenants, Within, WorkPage};
pub use overdue::{Overdue, UnknownItem, Unpublished};
pub use packed::{NotPacked, unpack};
pub use place::{Place, UnknownPlace};
pub use prepared::{Committed, Prepared};
pub use remainders::{Closing, RecordedRemainder, Remainder};
pub use render_inputs::RenderInputs;
pub use rounds::Rounds;
pub use tombstone::ErasureGuard;
pub use watched::{OldestOpen, Schedule, WaitingDeadLetters};
pub use why::{EntrySeen, JobSeen, MetTrouble};
pub use write::Written;

/// The table.
#[derive(Debug, Clone)]
pub struct Store {
    dynamodb: aws_sdk_dynamodb::Client,
    table: String,
}

impl Store {
    /// The table that `TABLE_NAME` names. Makes no call yet.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the variable.
    pub fn from_env(aws: &SdkConfig) -> Result<Self, ConfigError> {
        Ok(Self::new(variable("TABLE_NAME")?, aws))
    }

    /// The table `table`. Makes no call yet.
    #[must_use]
    pub fn new(table: String, aws: &SdkConfig) -> Self {
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(aws),
            table,
        }
    }
}
