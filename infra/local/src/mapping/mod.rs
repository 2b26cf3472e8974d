//! An event source mapping of Amazon MSK, on one machine. It reads a topic in the mapping's
//! consumer group and invokes the function with batches, as AWS documents for provisioned mode. If
//! the template asks for no provisioned pollers, it follows on-demand mode.
//!
//! `settings` reads the mappings of the deployed stack, and `template` resolves their properties in
//! the stack's template. `batch` is the mapping itself, without I/O or a clock: records and
//! outcomes go in, `action`s come out. `response` parses the function's partial batch response,
//! `payload` writes the event, and `destination` writes the on-failure envelope. `delivery` calls
//! Lambda and the destination. `consumer` configures the Kafka client. `poller` connects all of
//! them and sends `report`s.
//!
//! If AWS's pages leave a question open, a comment beside the code gives our interpretation and its
//! reason.

mod action;
mod batch;
mod consumer;
mod delivery;
mod destination;
mod error;
mod payload;
mod poller;
mod report;
mod response;
mod settings;
mod template;

pub use action::{Answer, Condition, Outcome};
pub use error::Error;
pub(crate) use error::chain;
pub use poller::{Poller, Sources};
pub use report::{Report, What};
pub use settings::{Destination, Mapping, StartingPosition, read_mappings};
pub use template::Unresolved;
