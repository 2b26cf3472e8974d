//! Why an event is not published.

use std::{io, sync::Arc};

use contract::Topic;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Why Kafka may not have an event. Each of these is worth a retry: the bytes are committed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PublishError {
    /// The producer could not be created.
    #[error("creating a Kafka producer")]
    Producer(#[source] KafkaError),
    /// The thread that polls for delivery reports could not be started.
    #[error("starting the thread that polls for delivery reports")]
    Thread(#[source] Arc<io::Error>),
    /// librdkafka did not take it.
    #[error("handing an event of the topic {topic} to librdkafka")]
    Enqueue {
        /// The topic of the event.
        topic: Topic,
        /// Why.
        source: KafkaError,
    },
    /// The brokers did not acknowledge it in time, or refused it.
    #[error("waiting for Kafka to acknowledge an event of the topic {topic}")]
    Delivery {
        /// The topic of the event.
        topic: Topic,
        /// Why.
        source: KafkaError,
    },
    /// The producer was closed before the acknowledgement came.
    #[error("waiting for Kafka to acknowledge an event: the producer was closed")]
    Closed,
    /// The brokers refuse the function's token: its role lacks `kafka-cluster:Connect`, the token
    /// has expired by their clock, or its signature is wrong.
    #[error(
        "the brokers refused the function's IAM token; check that its role allows \
         kafka-cluster:Connect to this cluster and that its clock is right: {0}"
    )]
    Refused(String),
    /// No token could be signed.
    #[error("the function could not sign an IAM token for the brokers: {0}")]
    NoToken(String),
}

/// What an error says of the events beside the one that was not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpublishable {
    /// The brokers refuse this event, or its topic. They may take others.
    ThisEvent,
    /// This event was purged, because another one that was handed over at the same time failed.
    /// Nothing is known of this one.
    AnotherEvent,
    /// No event can be published at the moment.
    AnyEvent,
}

impl PublishError {
    /// Whether the brokers may take other events.
    #[must_use]
    pub fn scope(&self) -> Unpublishable {
        let (Self::Enqueue { source, .. } | Self::Delivery { source, .. }) = self else {
            return Unpublishable::AnyEvent;
        };
        match source.rdkafka_error_code() {
            Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) => {
                Unpublishable::AnotherEvent
            }
            Some(
                RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidMessageSize
                | RDKafkaErrorCode::InvalidMessage
                | RDKafkaErrorCode::InvalidRecord
                | RDKafkaErrorCode::PolicyViolation
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::InvalidTopic
                | RDKafkaErrorCode::TopicAuthorizationFailed,
            ) => Unpublishable::ThisEvent,
            // librdkafka has some two hundred codes: the brokers, the network, the credentials.
            Some(_) | None => Unpublishable::AnyEvent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_is_not_published_names_its_topic_and_the_reason() {
        let source = KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge);
        let error = PublishError::Delivery {
            topic: Topic::RenderJobCompleted,
            source,
        };
        let said = runtime::chain(&error);
        let topic = "an event of the topic eventzr.studio.render-job.completed.v1: ";
        assert!(said.contains(topic), "{said}");
        assert_eq!(error.scope(), Unpublishable::ThisEvent);
    }
}
