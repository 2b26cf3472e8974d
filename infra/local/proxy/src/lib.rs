//! A proxy between some processes and AWS. It records every call with its operation and its caller,
//! and injects the faults that tests ask for. It forwards only calls that carry an access key of
//! its stack, and none of a page in a browser.
//!
//! Faults come from outside, so that the tested binaries are those that are deployed: the proxy may
//! not hook into a function, and a function does not know that it is there. It forwards every call
//! unchanged, to whatever answers as AWS does.

mod admission;
mod answer;
mod book;
mod caller;
mod connector;
mod fault;
mod operation;
mod server;

pub use admission::Admission;
pub use book::Call;
pub use fault::{Action, Fault, Hits, Matches, Moment, Occurrence};
pub use operation::Operation;
pub use server::Proxy;
