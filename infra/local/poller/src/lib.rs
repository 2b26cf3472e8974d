//! An event source mapping of Kafka for AWS Lambda, on one machine.
//!
//! A [`Poller`] reads a topic as a member of the mapping's consumer group, invokes a function with
//! batches of its records, and commits what is done. It behaves as AWS documents for Amazon MSK in
//! provisioned mode: batch size and window, partial batch responses, retries, bisecting, the age of
//! records, the limit of a payload, and on-failure destinations. A mapping without provisioned
//! pollers follows on-demand mode.
//!
//! It works with every broker that speaks Kafka. The function is called with Lambda's `Invoke` at
//! the address that the caller's client has: an emulator, `cargo lambda watch`, or AWS. The
//! settings are those of an `AWS::Lambda::EventSourceMapping` in a template: of one resource
//! ([`Mapping::of_resource`]), or of a deployed template ([`Mapping::of_deployed`]).
//!
//! ```no_run
#![doc = include_str!("../examples/orders.rs")]
//! ```
//!
//! # What it may not do
//!
//! It knows no topic and no function of this repository, and nothing of the stack around it: what
//! it needs is in [`Mapping`] and [`Connections`]. It loses no record silently. What it does not
//! support, it refuses by name: filters, schema registries, self-managed clusters, and queues or
//! notifications as destinations.
//!
//! # How it is made
//!
//! `mapping` has the settings, `resource` reads them, `declared` has what mappings of any source
//! have in common, and `template` resolves a template's functions. `batch` is the mapping itself,
//! without I/O or a clock: records and outcomes go in, `action`s come out. `response` parses the
//! function's partial batch response, `payload` writes the event, and `destination` writes the
//! on-failure envelope. `delivery` calls Lambda and the destination. `consumer` configures the
//! Kafka client. `poller` connects all of them and sends `report`s.
//!
//! If AWS's pages leave a question open, a comment beside the code gives our interpretation and its
//! reason.

mod action;
mod batch;
mod consumer;
mod declared;
mod delivery;
mod destination;
mod error;
mod mapping;
mod payload;
mod poller;
mod report;
mod resource;
mod response;
mod template;

pub use action::{Answer, Condition, Outcome};
pub use declared::Declared;
pub use delivery::{NOT_DELIVERED, invoke};
pub use error::{Error, chain};
pub use mapping::{Destination, Mapping, StartingPosition};
pub use poller::{Connections, Poller};
pub use report::{Report, What};
pub use response::batch_item_failures;
pub use template::{Properties, Template, Unresolved};
