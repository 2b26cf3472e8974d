//! A Kafka client without C code, for development only: the local stack, its poller and the tests
//! use it. librdkafka sometimes crashes when a consumer closes while its coordinator goes away
//! (librdkafka issue 5347), and such a crash ends a whole test run.
//!
//! [`Cluster`] sends single requests and publishes. [`Reader`] reads topics without a consumer
//! group. [`Member`] reads one topic as a member of a group. [`Tap`] listens to other producers'
//! connections.

mod assign;
mod cluster;
mod connection;
mod error;
mod fetch;
mod group;
mod lane;
mod partitioner;
mod publish;
mod reader;
mod records;
mod tap;
mod task;

pub use cluster::{At, Cluster};
pub use error::Error;
pub use group::{Committer, Event, Member, Options, Reset};
pub use kafka_protocol::error::ResponseError;
pub use lane::Published;
pub use partitioner::partition_of;
pub use publish::Message;
pub use reader::{From, Reader};
pub use records::{Record, Timestamp};
pub use tap::{Sent, Tap, Tapped};
