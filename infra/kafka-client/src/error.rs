//! What can go wrong, as far as a caller decides on it.

use std::time::Duration;

use kafka_protocol::error::ResponseError;

/// Why Kafka did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The list of brokers is not one.
    #[error("`{0}` is not a list of brokers: write host:port, and a comma between two")]
    Bootstrap(String),
    /// The broker answered with an error code.
    #[error("the broker refused to {doing}: {code} (Kafka's code {number}){}", .said.as_deref().map(|said| format!(": {said}")).unwrap_or_default(), number = .code.code())]
    Refused {
        /// What was asked of it: a verb and its object.
        doing: String,
        /// Kafka's code for the reason; its meaning is in Kafka's class `Errors`.
        code: ResponseError,
        /// What the broker says of it in words.
        said: Option<String>,
    },
    /// The broker cannot be reached, or the connection to it was lost.
    #[error(
        "the broker {address} cannot be reached, so look whether it runs and listens there: {reason}"
    )]
    Unreachable {
        /// Its address, as host:port.
        address: String,
        /// What the operating system says.
        reason: String,
    },
    /// The broker took too long.
    #[error(
        "the broker {address} did not answer within {after:?}, so look whether it hangs or is overloaded"
    )]
    TimedOut {
        /// Its address, as host:port.
        address: String,
        /// How long it had.
        after: Duration,
    },
    /// The cluster has no such topic.
    #[error("the cluster has no topic {0}: create it, or look how its name is spelled")]
    UnknownTopic(String),
    /// A record is larger than the broker takes.
    #[error(
        "a record of {bytes} bytes is more than the broker takes for {topic}: make it smaller, or raise max.message.bytes of the topic"
    )]
    MessageTooLarge {
        /// The topic it was meant for.
        topic: String,
        /// Key, value and headers together.
        bytes: usize,
    },
    /// What a broker says is not Kafka's protocol, or not a version of it that both know.
    #[error(
        "the broker {address} does not speak the protocol as this client does, so look what listens there: {what}"
    )]
    Protocol {
        /// Its address, as host:port.
        address: String,
        /// What is wrong with it.
        what: String,
    },
    /// A batch cannot be read.
    #[error(
        "a batch in {topic}/{partition} at offset {offset} is damaged, so read it with another client to compare: {what}"
    )]
    Damaged {
        /// Its topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Its first offset.
        offset: i64,
        /// What is wrong with it.
        what: String,
    },
    /// A batch is compressed by a codec that this client does not have.
    #[error(
        "a batch in {topic}/{partition} is compressed with {codec}, which this client cannot read: have its producer use none, gzip, snappy or lz4"
    )]
    Codec {
        /// The codec, as Kafka's `CompressionType` names it, or its number.
        codec: String,
        /// The batch's topic.
        topic: String,
        /// The batch's partition.
        partition: i32,
    },
}

impl Error {
    /// Whether trying again, without a change to anything, can help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            // A topic that was just made is not known to each broker yet.
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::UnknownTopic(_) => true,
            Self::Refused { code, .. } => code.is_retriable(),
            Self::Bootstrap(_)
            | Self::MessageTooLarge { .. }
            | Self::Protocol { .. }
            | Self::Damaged { .. }
            | Self::Codec { .. } => false,
        }
    }

    /// Kafka's code, where the broker gave one.
    #[must_use]
    pub fn code(&self) -> Option<ResponseError> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}

/// An error of Kafka's, if `code` is one.
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
    fn what_passes_is_tried_again_and_what_does_not_is_not() {
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
    fn a_refusal_says_what_was_asked_and_the_code() {
        let message = refused(ResponseError::InvalidRequiredAcks).to_string();
        assert_eq!(
            message,
            "the broker refused to write to orders/0: InvalidRequiredAcks (Kafka's code 21)"
        );
    }
}
