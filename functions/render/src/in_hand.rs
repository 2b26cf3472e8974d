//! What an invocation has in hand: its messages, and the logos that they share.

use std::{collections::BTreeMap, sync::Arc};

use contract::{Identifier, S3Object};
use drawing::FetchError;
use queue::Message;

use crate::event::Record;

/// A message that can be read.
pub(crate) struct MessageInHand<'a> {
    /// The message as it came.
    pub record: &'a Record,
    /// What it says.
    pub message: Message,
    /// Whether it was received so often that it was moved to the dead-letter queue: the function died
    /// of it, or beside it, or could not start.
    pub is_dead: bool,
}

/// The logos of a batch, by their tenant and their place: each is fetched once.
pub(crate) type Logos = BTreeMap<(Identifier, S3Object), Logo>;

/// A logo, or why it is not to be had.
type Logo = Result<Option<Arc<Vec<u8>>>, Arc<FetchError>>;
