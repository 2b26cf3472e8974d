//! Kafka, as the functions need it: a producer whose every record is acknowledged before an
//! invocation ends, MSK's IAM authentication, and the topics that the studio writes.

mod authentication;
mod config;
mod error;
mod producer;
mod publish;
mod topics;

pub use config::{Authentication, Config};
pub use error::{PublishError, Unpublishable};
pub use producer::MESSAGE_TIMEOUT;
pub use publish::Publisher;
pub use topics::{ConnectionError, Ensured, Reader, TopicSettings, Topics, TopicsError};
