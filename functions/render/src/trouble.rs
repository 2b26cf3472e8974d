//! Why a job of a message waits: trouble that passes.

use std::sync::Arc;

use drawing::{FetchError, PutError};
use executions::StartError;
use kafka::Unpublishable;
use outbox::PublishEntryError;
use store::StoreError;
use work::CloseError;

/// Why a job is neither closed nor handed on in this invocation. Its message is put off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("no time is left for it in this invocation")]
    NoTime,
    #[error("it was not done by the end of the time that it had")]
    Slow,
    #[error("an earlier job of the batch met trouble that would meet this one, too")]
    Follows,
    #[error("one of the jobs of its message killed the function; each gets a message of its own")]
    Apart,
    #[error(
        "this version of the code cannot read the job, its entity or its end ({0}); deploy the version that wrote it"
    )]
    Unreadable(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Logo(Arc<FetchError>),
    #[error(transparent)]
    Put(#[from] PutError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Close(#[from] CloseError),
    #[error(transparent)]
    Publish(#[from] PublishEntryError),
}

impl Trouble {
    /// Whether it would meet every other execution that is to be started: Step Functions is away.
    pub(crate) fn is_outage_of_executions(&self) -> bool {
        matches!(self, Self::Start(error) if error.is_outage())
    }

    /// Whether it would meet every other message of the batch: a service that all of them need is
    /// away. Each of them would wait for it just as long.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Store(error) => match error {
                StoreError::Write(_) | StoreError::Read(_) => true,
                StoreError::Contended
                | StoreError::Refused(_)
                | StoreError::Item(_)
                | StoreError::NotFound(_) => false,
            },
            Self::Publish(PublishEntryError::Publish(error)) => match error.scope() {
                Unpublishable::AnyEvent => true,
                Unpublishable::ThisEvent | Unpublishable::AnotherEvent => false,
            },
            // Of a notice, Kafka has the end, and other messages do without the queue of notices.
            Self::Publish(PublishEntryError::Store(_) | PublishEntryError::Notice(_)) => false,
            Self::Put(_) | Self::Slow => true,
            // A logo is the tenant's own object, and it may be at fault: encrypted with a key of its
            // own, for one. If S3 is away, the upload of a picture finds out.
            Self::Logo(_)
            // Step Functions starts what is long; pictures do not need it.
            | Self::Start(_)
            | Self::Close(_)
            | Self::Unreadable(_)
            | Self::NoTime
            | Self::Follows
            | Self::Apart => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use kafka::PublishError;

    use super::*;

    #[test]
    fn a_notice_that_is_not_queued_keeps_no_other_message_waiting() {
        let notice = PublishEntryError::Notice(queue::SendError::NotAnswered);
        assert!(!Trouble::Publish(notice).is_outage());
        let kafka_is_away = PublishEntryError::Publish(PublishError::Closed);
        assert!(Trouble::Publish(kafka_is_away).is_outage());
    }
}
