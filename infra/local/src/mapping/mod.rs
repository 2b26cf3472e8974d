//! The event source mapping of Amazon MSK, on one machine: reads a topic in the mapping's consumer
//! group and invokes the function with batches, as AWS documents for provisioned mode (and, where
//! the template asks for no provisioned pollers, for on-demand mode).
//!
//! `settings` reads the mappings of the deployed stack, `template` resolves what the stack's
//! template says of them. `batch` is the mapping itself, without I/O or a clock: records and
//! outcomes in, `action`s out. `response` reads the function's partial batch response, `payload`
//! writes the event, `destination` writes what is sent to the on-failure destination, `delivery`
//! calls Lambda and the destination, `consumer` is the Kafka client, and `poller` moves everything
//! between them and says so in `report`s.
//!
//! Where AWS's pages leave a question open, the reading taken stands beside the code, with its
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
