//! Delivery: what gets a dead letter again. A record goes to the consumer of its topic, a message
//! back to its queue.

use contract::Topic;
use dead_letters::DeadLetter;
use intake::Redelivery;
use operations::DeadLetterSource;
use runtime::chain;
use uuid::Uuid;

use crate::{
    Operator,
    invoke::{CONSUMER_AT_MOST, LARGEST_PAYLOAD, invoke},
};

/// A dead letter on its way, and what gets it.
pub(crate) enum Delivery<'a> {
    /// A record, for a consumer.
    Record {
        consumer: &'a str,
        redelivery: Redelivery,
    },
    /// A message, for the queue of what is to be rendered.
    Message {
        body: &'a str,
        group: Option<&'a str>,
    },
}

impl<'a> Delivery<'a> {
    /// The delivery of a dead letter, or why there is none.
    pub(crate) fn of(operator: &'a Operator, letter: &'a DeadLetter) -> Result<Self, String> {
        match letter.topic.parse::<DeadLetterSource>() {
            Ok(DeadLetterSource::RenderQueue) => message(letter),
            Ok(DeadLetterSource::Topic(topic)) => record(operator, topic, letter),
            Err(_) => Err(no_consumer(&letter.topic)),
        }
    }

    /// What gets it.
    pub(crate) fn to(&self) -> &str {
        match self {
            Self::Record { consumer, .. } => consumer,
            Self::Message { .. } => DeadLetterSource::RenderQueue.as_str(),
        }
    }

    /// The id under which it may come back, if that is not the id of its dead letter. A record that
    /// has become readable gets one.
    pub(crate) fn new_id(&self, id: Uuid) -> Option<Uuid> {
        match self {
            Self::Record { redelivery, .. } => Some(redelivery.id).filter(|new| *new != id),
            Self::Message { .. } => None,
        }
    }

    /// Delivers it; the error says why it is not done with.
    pub(crate) async fn deliver(self, operator: &Operator) -> Result<(), String> {
        match self {
            Self::Record {
                consumer,
                redelivery,
            } => consume(operator, consumer, redelivery.payload).await,
            Self::Message { body, group } => {
                let sent = operator.outbox.queue().send_again(body, group).await;
                sent.map_err(|error| chain(&error))
            }
        }
    }
}

fn no_consumer(topic: &str) -> String {
    format!("no function consumes {topic}")
}

/// The delivery of a record of `topic`.
fn record<'a>(
    operator: &'a Operator,
    topic: Topic,
    letter: &DeadLetter,
) -> Result<Delivery<'a>, String> {
    let consumer = operator.config.consumers.get(&topic);
    let consumer = consumer.ok_or_else(|| no_consumer(topic.as_str()))?;
    let redelivery = intake::redelivery(letter).map_err(|error| chain(&error))?;
    match redelivery.payload.len() {
        0..=LARGEST_PAYLOAD => Ok(Delivery::Record {
            consumer,
            redelivery,
        }),
        bytes => Err(format!(
            "as a batch it has {bytes} bytes; a function takes at most {LARGEST_PAYLOAD}"
        )),
    }
}

/// The delivery of a message. Its group is in a header.
fn message(letter: &DeadLetter) -> Result<Delivery<'_>, String> {
    let body = letter.value.as_deref().and_then(text);
    let body = body.ok_or("its content is not the text of a message")?;
    let group = letter
        .headers
        .iter()
        .find(|(name, _)| name == "message-group");
    let group = group.and_then(|(_, group)| group.as_deref().and_then(text));
    Ok(Delivery::Message { body, group })
}

fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}

/// Invokes a consumer with a record.
async fn consume(operator: &Operator, consumer: &str, payload: String) -> Result<(), String> {
    let answer = invoke(&operator.lambda, consumer, payload, CONSUMER_AT_MOST).await;
    match answer.map(|answer| intake::is_done(&answer)) {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(format!(
            "{consumer} cannot handle it now; the log of {consumer} says why"
        )),
        Ok(Err(error)) => Err(format!(
            "the answer of {consumer} is not that of a consumer: {error}"
        )),
        Err(error) => Err(chain(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(value: Option<&[u8]>, headers: &[(&str, &str)]) -> DeadLetter {
        let header = |(name, value): &(&str, &str)| {
            let value = value.as_bytes().to_vec();
            ((*name).to_owned(), Some(value))
        };
        DeadLetter {
            topic: "render-queue".to_owned(),
            partition: 0,
            offset: 0,
            timestamp: None,
            key: None,
            value: value.map(<[u8]>::to_vec),
            headers: headers.iter().map(header).collect(),
            unread: None,
            cause: "the message is of version 2".to_owned(),
        }
    }

    #[test]
    fn a_message_goes_back_to_the_queue_as_it_is_and_in_its_group() {
        let headers = [("message-id", "1"), ("message-group", "a-tenant")];
        let letter = letter(Some(br#"{"v":2}"#), &headers);
        let delivery = message(&letter).unwrap();
        assert_eq!(delivery.to(), "render-queue");
        assert_eq!(delivery.new_id(Uuid::nil()), None);
        let Delivery::Message { body, group } = delivery else {
            panic!("it is a message")
        };
        assert_eq!((body, group), (r#"{"v":2}"#, Some("a-tenant")));
    }

    #[test]
    fn a_message_needs_no_group_but_a_text() {
        let of = |value: Option<&[u8]>| message(&letter(value, &[])).map(|_| ());
        assert_eq!(of(Some(&b"{}"[..])), Ok(()));
        assert!(of(None).is_err() && of(Some(&b"\xff"[..])).is_err());
    }
}
