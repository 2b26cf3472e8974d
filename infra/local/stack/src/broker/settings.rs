//! How a broker is started, whichever it is.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// The number of partitions per topic. It is large enough that one invocation gets records from
/// several partitions.
pub const PARTITIONS: i32 = 4;

/// How to start a broker.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port. `None` chooses a free one.
    pub port: Option<u16>,
    /// The folder with Apache Kafka's `pom.xml`.
    pub pom: PathBuf,
    /// The folder of the installed Apache Kafka, which is kept between runs.
    pub installed: PathBuf,
    /// Whether the functions reach Apache Kafka through a [`Line`] of their own, which can be
    /// slowed down and cut.
    pub line: bool,
    /// Whether Apache Kafka has another listener that authenticates its clients as MSK does.
    pub iam: Option<Iam>,
}

/// The validator of the tokens.
#[derive(Debug, Clone)]
pub struct Iam {
    /// The Java source that runs Apache Kafka and checks the tokens.
    pub source: PathBuf,
    /// The validator's properties file, with the known credentials. The validator reads it for each
    /// token.
    pub known: PathBuf,
}

/// A port on this machine.
pub(super) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
