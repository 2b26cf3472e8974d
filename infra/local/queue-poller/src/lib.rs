//! An event source mapping of SQS for AWS Lambda, on one machine.
//!
//! A [`QueuePoller`] receives the messages of a standard queue, invokes a function with batches of
//! them, deletes what is done, and lets what failed come again. It behaves as AWS documents for
//! mappings of queues: partial batch responses, function errors, throttling, the maximum
//! concurrency, and the visibility timeout. The settings are those of the deployed template
//! ([`QueueMapping::of_deployed`]).
//!
//! The queue and Lambda are at the addresses that the caller's clients have. A client of the fault
//! proxy exposes the mapping's own calls to faults.
//!
//! # What it may not do
//!
//! It knows no queue and no function of this repository, and nothing of the stack around it. It
//! keeps no message to itself: whatever is not deleted comes back into the queue. It does not
//! decide the order of messages, because a fair order is the queue's. What it does not support, it
//! refuses by name: FIFO queues, filters, a batching window, and provisioned pollers.
//!
//! # How it is made
//!
//! `mapping` has the settings. `message` writes the event. `response` parses the function's partial
//! batch response, and `verdict` says what follows from an invocation; neither does I/O. `queue`
//! calls SQS. `runner` connects all of them and sends `report`s.

mod error;
mod mapping;
mod message;
mod queue;
mod report;
mod response;
mod runner;
mod verdict;

pub use error::Error;
pub use mapping::QueueMapping;
pub use report::{Report, What};
pub use runner::{QueueConnections, QueuePoller};
