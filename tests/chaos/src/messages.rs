//! The messages of the queue, from outside: what the functions have sent, how many wait, and what
//! the storm does to them.

use std::time::{Duration, Instant};

use aws_sdk_sqs::{
    error::DisplayErrorContext,
    types::{Message, MessageSystemAttributeName, QueueAttributeName},
};
use fault_proxy::Call;
use local::stack::Stack;
use serde_json::{Value, json};

use crate::{Error, chance::Chance};

/// A message that a function asked the queue to take, whatever came of it.
#[derive(Debug, Clone)]
pub struct Posted {
    /// Its body.
    pub body: String,
    /// Its group, which stands for its tenant.
    group: String,
}

impl Posted {
    /// The jobs that it names.
    #[must_use]
    pub fn jobs(&self) -> Vec<String> {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let jobs = body["jobs"].as_array().into_iter().flatten();
        jobs.filter_map(|job| Some(job.as_str()?.to_owned()))
            .collect()
    }
}

/// Has the proxy keep what the functions send.
pub fn keep(stack: &Stack) {
    stack.proxy.keep_bodies("sqs", "SendMessageBatch");
}

/// The messages of a call, if it sends some.
#[must_use]
pub fn posted(call: &Call) -> Vec<Posted> {
    if call.operation.to_string() != "sqs SendMessageBatch" {
        return Vec::new();
    }
    let request: Value =
        serde_json::from_str(call.body.as_deref().unwrap_or_default()).unwrap_or_default();
    let entries = request["Entries"].as_array().into_iter().flatten();
    let posted = entries.filter_map(|entry| {
        Some(Posted {
            body: entry["MessageBody"].as_str()?.to_owned(),
            group: entry["MessageGroupId"].as_str()?.to_owned(),
        })
    });
    posted.collect()
}

/// How many messages are in the queue and in its dead-letter queue: those that wait, those that a
/// function has, and those that are put off.
pub async fn depth(stack: &Stack) -> Result<u64, Error> {
    let outputs = &stack.outputs;
    let mut depth = 0;
    for url in [&outputs.render_queue_url, &outputs.dead_letter_queue_url] {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let look = stack.clients.sqs.get_queue_attributes().queue_url(url);
        let look = look.set_attribute_names(Some(names.to_vec()));
        let looked = look.send().await.map_err(|error| Error::Aws {
            doing: "looking at the queue",
            reason: DisplayErrorContext(error).to_string(),
        })?;
        for name in &names {
            let attributes = looked.attributes();
            let count = attributes.and_then(|all| all.get(name)?.parse::<u64>().ok());
            // An attribute that is missing must not look like an empty queue.
            depth += count.unwrap_or(1);
        }
    }
    Ok(depth)
}

/// Sends some of the messages again that the functions have sent, and returns how many.
pub async fn send_again(stack: &Stack, most: usize, chance: &mut Chance) -> Result<usize, Error> {
    let calls = stack.proxy.calls();
    let mut all: Vec<Posted> = calls.iter().flat_map(posted).collect();
    chance.shuffle(&mut all);
    all.truncate(most);
    for posted in &all {
        send(stack, &posted.body, &posted.group).await?;
    }
    Ok(all.len())
}

/// Sends a message of a version that is still to come, and returns its body.
pub async fn send_newer(stack: &Stack, chance: &mut Chance) -> Result<String, Error> {
    let number = chance.bits();
    let body = json!({ "v": 2, "of": format!("the storm, number {number}") }).to_string();
    send(stack, &body, &format!("group-{number}")).await?;
    Ok(body)
}

async fn send(stack: &Stack, body: &str, group: &str) -> Result<(), Error> {
    let send = stack.clients.sqs.send_message();
    let send = send.queue_url(&stack.outputs.render_queue_url);
    let sent = send.message_body(body).message_group_id(group).send().await;
    sent.map(drop).map_err(|error| Error::Aws {
        doing: "sending a message of the storm",
        reason: DisplayErrorContext(error).to_string(),
    })
}

/// How long to wait for messages to lose.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a received message is hidden that is not lost, in seconds.
const HIDDEN: i32 = 5;

/// Holds the queue until there are messages in it that may be lost, deletes some, and returns how
/// many.
///
/// SQS loses no message. What is lost here is lost on its way to the queue: a message that nothing
/// has received, and that is not put off, because that one may carry ends which are not published
/// yet.
pub async fn lose_some(stack: &Stack) -> Result<usize, Error> {
    stack.queues.hold().await;
    let lost = lose(stack).await;
    let released = stack.queues.release().await;
    released.map_err(local::stack::Error::from)?;
    lost
}

async fn lose(stack: &Stack) -> Result<usize, Error> {
    let (sqs, url) = (&stack.clients.sqs, &stack.outputs.render_queue_url);
    let until = Instant::now() + PATIENCE;
    let mut lost = 0;
    while lost == 0 && Instant::now() < until {
        let receive = sqs
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10)
            .wait_time_seconds(2)
            .visibility_timeout(HIDDEN)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let received = receive.send().await.map_err(|error| Error::Aws {
            doing: "receiving messages to lose",
            reason: DisplayErrorContext(error).to_string(),
        })?;
        for message in received.messages().iter().filter(|one| may_be_lost(one)) {
            let delete = sqs.delete_message().queue_url(url);
            let handle = message.receipt_handle().unwrap_or_default();
            let deleted = delete.receipt_handle(handle).send().await;
            deleted.map_err(|error| Error::Aws {
                doing: "losing a message",
                reason: DisplayErrorContext(error).to_string(),
            })?;
            lost += 1;
        }
    }
    Ok(lost)
}

fn may_be_lost(message: &Message) -> bool {
    let receives = message.attributes().and_then(|attributes| {
        attributes.get(&MessageSystemAttributeName::ApproximateReceiveCount)
    });
    let body: Value = serde_json::from_str(message.body().unwrap_or_default()).unwrap_or_default();
    receives.is_some_and(|receives| receives == "1") && body["v"] == 1 && body["tries"] == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(receives: &str, body: Value) -> Message {
        let attribute = MessageSystemAttributeName::ApproximateReceiveCount;
        Message::builder()
            .attributes(attribute, receives)
            .body(body.to_string())
            .build()
    }

    #[test]
    fn only_a_message_that_nothing_came_of_may_be_lost() {
        let body = |version, tries| json!({ "v": version, "jobs": ["job-1"], "tries": tries });
        assert!(may_be_lost(&message("1", body(1, 0))));
        assert!(!may_be_lost(&message("2", body(1, 0))));
        assert!(!may_be_lost(&message("1", body(1, 1))));
        assert!(!may_be_lost(&message("1", body(2, 0))));
    }
}
