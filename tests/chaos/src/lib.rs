//! A storm of faults on the real stack, driven by a seed, and an audit of the result.
//!
//! `workload` generates the events and their expected outcome, and `poison` the records that can
//! never succeed. `storm` kills, cuts, refuses, repeats and loses, from outside. `run` does all of it at
//! once, and waits until nothing is in flight. `audit` then reads Kafka, the table and the buckets
//! independently of the studio's code, and compares them with the expectations.

mod audit;
mod chance;
mod deliveries;
mod groups;
mod lines;
mod messages;
mod packed;
mod poison;
mod publication;
mod run;
mod settle;
mod storm;
mod upgrade;
mod watch;
mod workload;

pub use audit::{Audit, Row};
pub use chance::Chance;
pub use run::{Plan, run};
pub use upgrade::Upgrade;
pub use workload::Size;

/// Why a run has no result. A result with faults is not an error: it is an [`Audit`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stack failed.
    #[error(transparent)]
    Stack(#[from] local::stack::Error),
    /// The checkout, or an example in it, cannot be read.
    #[error("reading the checkout")]
    Checkout(#[from] std::io::Error),
    /// The stack was started without a line to the broker that can be cut.
    #[error(
        "the functions have no line of their own to the broker: it has to be Apache Kafka, with `line`"
    )]
    NoLine,
    /// The audit failed to read Kafka.
    #[error("{doing}")]
    Kafka {
        /// The step that failed.
        doing: &'static str,
        /// The cause.
        #[source]
        source: kafka_client::Error,
    },
    /// The consumer of the produced topics stopped during the storm.
    #[error("the consumer of what the studio produces stopped reading")]
    WatchEnded,
    /// A record that the broker counts did not arrive.
    #[error(
        "after {read} of {count} records of the consumed topics no more came within {within:?}"
    )]
    Missing {
        /// How many arrived.
        read: i64,
        /// How many there are.
        count: i64,
        /// How long the audit waited for the next one.
        within: std::time::Duration,
    },
    /// The audit failed to read from AWS.
    #[error("{doing}: {reason}")]
    Aws {
        /// The step that failed.
        doing: &'static str,
        /// The error.
        reason: String,
    },
}
