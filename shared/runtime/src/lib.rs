//! What every function needs at its start: environment variables, its log, the AWS SDK's
//! configuration, the certificates it trusts, the end of an invocation, and an error with its causes
//! as one line of a log.

mod aws;
mod deadline;
mod environment;
mod error_chain;
mod log;
mod roots;

pub use aws::{aws_config, https_connector};
pub use deadline::deadline;
pub use environment::{ConfigError, names, number, optional, variable};
pub use error_chain::chain;
pub use log::start_log;
pub use roots::{AMAZON_ROOTS, RootsError, parse as parse_roots};
