//! Why there is no stack.

use std::io;

use crate::{aws, bare, broker, deploy, kept, mappings};

/// Why there is no stack, or why a record was not published to it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port or a file was not available.
    #[error("the local stack could not be started")]
    Start(#[from] io::Error),
    /// The broker failed.
    #[error(transparent)]
    Broker(#[from] broker::Error),
    /// AWS's emulator failed.
    #[error(transparent)]
    Bare(#[from] bare::Error),
    /// The deployment failed.
    #[error(transparent)]
    Deploy(#[from] deploy::Error),
    /// The schedules cannot be stopped.
    #[error("the schedules of the stack cannot be stopped")]
    Schedules(#[from] aws::Error),
    /// The mappings cannot be read.
    #[error("the event source mappings of the stack cannot be read")]
    Mappings(#[from] mappings::Error),
    /// A mapping of a topic cannot be polled.
    #[error("an event source mapping of the stack cannot be polled")]
    Poller(#[from] poller::Error),
    /// A mapping of a queue cannot be polled.
    #[error("an event source mapping of the stack cannot be polled")]
    QueuePoller(#[from] queue_poller::Error),
    /// What was kept cannot be put back, or nothing can be kept.
    #[error(transparent)]
    Kept(#[from] kept::Error),
    /// The operator function failed.
    #[error("the operator function failed: {0}")]
    Operator(String),
    /// A record was not published.
    #[error("the record could not be published to {topic}")]
    Publish {
        /// The topic.
        topic: String,
        /// The client's error.
        #[source]
        source: kafka_client::Error,
    },
}
