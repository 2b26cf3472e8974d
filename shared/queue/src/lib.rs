//! The queue of what is to be rendered: its messages, how they are sent, and how many wait; and
//! beside it the queue of notices of failed jobs (`notices.rs`). The only crate that knows SQS.
//!
//! Each queue is a fair one: each message names its tenant as its group, so that the backlog of one
//! tenant does not hold up the others. Source: "Amazon SQS fair queues" in the SQS developer guide.

mod again;
mod config;
mod depth;
mod groups;
mod message;
mod notices;
mod send;

use aws_config::SdkConfig;

pub use config::Config;
pub use depth::{Depth, DepthError};
pub use groups::{MOST_AT_ONCE, groups};
pub use message::{Message, NotRead, Outgoing, VERSION};
pub use notices::{Notice, NoticeQueue};
pub use send::SendError;

/// The queue of what is to be rendered. A clone costs little: it shares the connections.
#[derive(Debug, Clone)]
pub struct RenderQueue {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

impl RenderQueue {
    /// The queue that `config` names. Makes no call yet.
    #[must_use]
    pub fn new(config: Config, aws: &SdkConfig) -> Self {
        Self {
            sqs: aws_sdk_sqs::Client::new(aws),
            url: config.url,
        }
    }
}
