//! A storm on the real stack, from a seed, and an audit of what is left of it.
//!
//! `workload` says what is published and what has to come of it, `poison` what can never succeed;
//! `storm` kills, cuts, refuses and repeats, from outside; `run` lets all of it happen at once, and
//! waits until nothing is on its way any more; `audit` then looks at Kafka, the table and the
//! buckets as a stranger would, and holds what it finds against what was expected.

mod audit;
mod chance;
mod deliveries;
mod groups;
mod poison;
mod publication;
mod run;
mod settle;
mod storm;
mod watch;
mod workload;

pub use audit::{Audit, Row};
pub use chance::Chance;
pub use run::{Plan, run};
pub use workload::Size;

/// Why a run has no result. A result that is not as it should be is none of these: it is an
/// [`Audit`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stack.
    #[error(transparent)]
    Stack(#[from] local::stack::Error),
    /// The checkout, or an example in it.
    #[error("reading the checkout")]
    Checkout(#[from] std::io::Error),
    /// The stack was started without a line that can be cut.
    #[error(
        "the functions have no line of their own to the broker: it has to be Apache Kafka, with `line`"
    )]
    NoLine,
    /// Kafka, as whoever audits it reads it.
    #[error("{doing}")]
    Kafka {
        /// What was done.
        doing: &'static str,
        /// Why not.
        #[source]
        source: kafka_client::Error,
    },
    /// A record that the broker counts does not come.
    #[error(
        "after {read} of {count} records of the consumed topics no more came within {within:?}"
    )]
    Missing {
        /// How many came.
        read: i64,
        /// How many there are.
        count: i64,
        /// How long the next one had.
        within: std::time::Duration,
    },
    /// AWS, as whoever audits it reads it.
    #[error("{doing}: {reason}")]
    Aws {
        /// What was done.
        doing: &'static str,
        /// What it answered.
        reason: String,
    },
}
