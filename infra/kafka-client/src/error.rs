//! The errors of this client, as finely divided as a caller needs to decide what to do.

use std::time::Duration;

use kafka_protocol::error::ResponseError;

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The list of brokers cannot be parsed.
    #[error("`{0}` is not a list of brokers: write host:port, and a comma between two")]
    Bootstrap(String),
    /// The broker answered with an error code.
    #[error("the broker refused to {doing}: {code} (Kafka's code {number}){}", .said.as_deref().map(|said| format!(": {said}")).unwrap_or_default(), number = .code.code())]
    Refused {
        /// What the client asked for: a verb and its object.
        doing: String,
        /// Kafka's error code. Kafka's class `Errors` documents its meaning.
        code: ResponseError,
        /// The broker's own message, if it sent one.
        said: Option<String>,
    },
    /// The client cannot reach the broker, or lost the connection to it.
    #[error(
        "the broker {address} cannot be reached, so look whether it runs and listens there: {reason}"
    )]
    Unreachable {
        /// The broker's address, as host:port.
        address: String,
        /// The operating system's error message.
        reason: String,
    },
    /// The broker did not answer in time.
    #[error(
        "the broker {address} did not answer within {after:?}, so look whether it hangs or is overloaded"
    )]
    TimedOut {
        /// The broker's address, as host:port.
        address: String,
        /// How long the client waited.
        after: Duration,
    },
    /// The cluster has no such topic.
    #[error("the cluster has no topic {0}: create it, or look how its name is spelled")]
    UnknownTopic(String),
    /// A record is larger than the broker accepts.
    #[error(
        "a record of {bytes} bytes is more than the broker takes for {topic}: make it smaller, or raise max.message.bytes of the topic"
    )]
    MessageTooLarge {
        /// The topic of the record.
        topic: String,
        /// The size of key, value and headers together.
        bytes: usize,
    },
    /// A broker's answer is not Kafka's protocol, or the broker and this client share no version of
    /// it.
    #[error(
        "the broker {address} does not speak the protocol as this client does, so look what listens there: {what}"
    )]
    Protocol {
        /// The broker's address, as host:port.
        address: String,
        /// What is wrong with the answer.
        what: String,
    },
    /// A batch cannot be read.
    #[error(
        "a batch in {topic}/{partition} at offset {offset} is damaged, so read it with another client to compare: {what}"
    )]
    Damaged {
        /// The batch's topic.
        topic: String,
        /// The batch's partition.
        partition: i32,
        /// The batch's first offset.
        offset: i64,
        /// What is wrong with the batch.
        what: String,
    },
    /// A batch is compressed with a codec that this client does not support.
    #[error(
        "a batch in {topic}/{partition} is compressed with {codec}, which this client cannot read: have its producer use none, gzip, snappy or lz4"
    )]
    Codec {
        /// The codec's name in Kafka's `CompressionType`, or its number.
        codec: String,
        /// The batch's topic.
        topic: String,
        /// The batch's partition.
        partition: i32,
    },
}

impl Error {
    /// Whether the same request can succeed later, without a change to anything.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            // Not every broker knows a new topic at once.
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::UnknownTopic(_) => true,
            Self::Refused { code, .. } => code.is_retriable(),
            Self::Bootstrap(_)
            | Self::MessageTooLarge { .. }
            | Self::Protocol { .. }
            | Self::Damaged { .. }
            | Self::Codec { .. } => false,
        }
    }

    /// Kafka's error code, if the broker sent one.
    #[must_use]
    pub fn code(&self) -> Option<ResponseError> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}

/// An error if `code` is one of Kafka's error codes.
pub(crate) fn check(code: i16, doing: impl FnOnce() -> String) -> Result<(), Error> {
    match ResponseError::try_from_code(code) {
        None => Ok(()),
        Some(code) => Err(Error::Refused {
            doing: doing(),
            code,
            said: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: ResponseError) -> Error {
        Error::Refused {
            doing: "write to orders/0".to_owned(),
            code,
            said: None,
        }
    }

    #[test]
    fn only_errors_that_may_pass_are_worth_a_retry() {
        assert!(refused(ResponseError::NotLeaderOrFollower).is_passing());
        assert!(
            Error::Unreachable {
                address: "a:1".to_owned(),
                reason: "refused".to_owned()
            }
            .is_passing()
        );
        assert!(!refused(ResponseError::TopicAuthorizationFailed).is_passing());
        assert!(
            !Error::MessageTooLarge {
                topic: "t".to_owned(),
                bytes: 1
            }
            .is_passing()
        );
    }

    #[test]
    fn a_refusal_names_the_request_and_the_code() {
        let message = refused(ResponseError::InvalidRequiredAcks).to_string();
        assert_eq!(
            message,
            "the broker refused to write to orders/0: InvalidRequiredAcks (Kafka's code 21)"
        );
    }
}
