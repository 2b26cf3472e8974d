//! Depth: how many messages are in the queue. The same request makes the first connection.

use std::{collections::HashMap, time::Duration};

use aws_config::retry::RetryConfig;
use aws_sdk_sqs::{
    error::{BoxError, SdkError},
    types::QueueAttributeName,
};
use runtime::chain;
use tokio::time::timeout;

use crate::RenderQueue;

/// How many messages are in the queue, as SQS estimates it: up to a minute behind the messages that
/// were sent and received last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Those that can be received.
    pub waiting: u64,
    /// Those that were received, and neither deleted nor given back.
    pub in_flight: u64,
    /// Those that are held back for their delay.
    pub delayed: u64,
}

impl Depth {
    /// Whether there is no message at all.
    #[must_use]
    pub fn is_empty(self) -> bool {
        let Self {
            waiting,
            in_flight,
            delayed,
        } = self;
        waiting == 0 && in_flight == 0 && delayed == 0
    }
}

/// Why the depth of the queue is not known. Asking again can succeed.
#[derive(Debug, thiserror::Error)]
pub enum DepthError {
    /// SQS did not answer.
    #[error("asking for the depth of the queue")]
    Call(#[source] BoxError),
    /// The answer has no number for this attribute.
    #[error("the queue's answer has no number for {0}")]
    Attribute(QueueAttributeName),
}

impl RenderQueue {
    /// How many messages are in the queue.
    ///
    /// # Errors
    /// A [`DepthError`].
    pub async fn depth(&self) -> Result<Depth, DepthError> {
        let ask = self
            .sqs
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesDelayed);
        let answer = ask.send().await;
        let answer = answer.map_err(|error| DepthError::Call(error.into()))?;
        of_attributes(&answer.attributes.unwrap_or_default())
    }

    /// Makes the first connection, within a time that the init phase can wait. A queue that is
    /// unreachable is a warning: the first invocation finds out.
    pub async fn connect(&self, within: Duration) {
        let ask = self
            .sqs
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(QueueAttributeName::QueueArn)
            .customize();
        let once = aws_sdk_sqs::config::Builder::new().retry_config(RetryConfig::disabled());
        match timeout(within, ask.config_override(once).send()).await {
            Ok(Ok(_) | Err(SdkError::ServiceError(_))) => {
                tracing::debug!("connected to the queue");
            }
            Ok(Err(error)) => {
                tracing::warn!(error = chain(&error), "the queue is not reachable yet");
            }
            Err(_) => tracing::warn!(
                "the queue is not reachable yet: it did not answer within {} s",
                within.as_secs()
            ),
        }
    }
}

/// The depth in the attributes of a queue.
fn of_attributes(attributes: &HashMap<QueueAttributeName, String>) -> Result<Depth, DepthError> {
    let number = |name: QueueAttributeName| {
        let number = attributes
            .get(&name)
            .and_then(|text| text.parse::<u64>().ok());
        number.ok_or(DepthError::Attribute(name))
    };
    Ok(Depth {
        waiting: number(QueueAttributeName::ApproximateNumberOfMessages)?,
        in_flight: number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)?,
        delayed: number(QueueAttributeName::ApproximateNumberOfMessagesDelayed)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(numbers: [&str; 3]) -> HashMap<QueueAttributeName, String> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let numbers = numbers.into_iter().map(str::to_owned);
        names.into_iter().zip(numbers).collect()
    }

    #[test]
    fn a_depth_has_the_number_of_each_attribute() {
        let depth = of_attributes(&attributes(["3", "20", "100"])).unwrap();
        let expected = Depth {
            waiting: 3,
            in_flight: 20,
            delayed: 100,
        };
        assert_eq!(depth, expected);
    }

    #[test]
    fn a_queue_is_empty_only_if_nothing_waits_is_in_flight_or_is_delayed() {
        let is_empty = |numbers| of_attributes(&attributes(numbers)).unwrap().is_empty();
        assert!(is_empty(["0", "0", "0"]));
        for one in [["1", "0", "0"], ["0", "1", "0"], ["0", "0", "1"]] {
            assert!(!is_empty(one), "{one:?}");
        }
    }

    #[test]
    fn an_answer_without_a_number_is_no_depth() {
        let mut attributes = attributes(["0", "0", "many"]);
        let error = of_attributes(&attributes).unwrap_err().to_string();
        assert!(error.ends_with("MessagesDelayed"), "{error}");
        attributes.clear();
        assert!(of_attributes(&attributes).is_err());
    }
}
