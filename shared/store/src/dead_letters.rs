//! The entries of dead letters. What they say of a record is here; the record itself is an object
//! in a bucket (crate `dead-letters`).

mod entry;
mod list;
mod resolve;
mod write;

pub use entry::{DeadLetterEntry, Resolution, Resolved};
pub use list::Window;
pub use resolve::ResolveOutcome;
pub use write::{AgainOfEnvelope, WrittenDeadLetter};

use aws_sdk_dynamodb::{error::SdkError, operation::update_item::UpdateItemError};

use crate::{StoreError, items::Item};

/// The condition that an entry was not written since it was read. An entry from before the
/// attribute has none; each write makes it.
pub(crate) const UNCHANGED: &str = "(attribute_not_exists(#writes) OR #writes = :writes)";

/// The item that did not meet the condition of an update that asked for it.
fn unmet(error: SdkError<UpdateItemError>) -> Result<Item, StoreError> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
            Ok(failed.item().cloned().unwrap_or_default())
        }
        _ => Err(StoreError::Write(error.into())),
    }
}
