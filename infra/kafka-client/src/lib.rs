//! A Kafka client without C, for what is only for development: the local stack, its poller, the
//! tests. librdkafka crashes now and then where a consumer closes while its coordinator goes away
//! (librdkafka issue 5347), and a crash of theirs ends a whole test run.
//!
//! [`Cluster`] asks and publishes, [`Reader`] reads topics in no group, [`Member`] reads one in a
//! group.

mod assign;
mod cluster;
mod connection;
mod error;
mod fetch;
mod group;
mod partitioner;
mod publish;
mod reader;
mod records;
mod task;

pub use cluster::{At, Cluster};
pub use error::Error;
pub use group::{Committer, Event, Member, Options, Reset};
pub use kafka_protocol::error::ResponseError;
pub use partitioner::partition_of;
pub use publish::{Message, Published};
pub use reader::{From, Reader};
pub use records::{Record, Timestamp};
