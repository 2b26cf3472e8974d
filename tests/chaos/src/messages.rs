//! The messages of the queue, from outside: what the functions have sent, how many wait, and what
//! the storm does to them.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::types::AttributeValue;
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

/// The messages that the functions have sent so far.
#[must_use]
pub fn all(stack: &Stack) -> Vec<Posted> {
    let calls = stack.proxy.calls();
    calls.iter().flat_map(posted).collect()
}

/// Sends some of the messages again that the functions have sent, and returns how many.
pub async fn send_again(stack: &Stack, most: usize, chance: &mut Chance) -> Result<usize, Error> {
    let mut every = all(stack);
    chance.shuffle(&mut every);
    every.truncate(most);
    for posted in &every {
        send(stack, &posted.body, &posted.group).await?;
    }
    Ok(every.len())
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

/// What was lost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lost {
    /// The messages.
    pub messages: usize,
    /// Those of them that named a job whose end was left to the sweep.
    pub with_ends: usize,
}

/// Which messages to lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Any.
    Any,
    /// Those that name a job whose end was left to the sweep.
    WithEnds,
}

/// Holds the queue until some messages are lost, or for a while.
///
/// SQS loses no message. What is lost here is lost on its way to the queue. A message is spared if it
/// may be all that knows of an end: `render` was killed between the commit of that end and its
/// publication, and so the sweep does not know of it either.
pub async fn lose_some(stack: &Stack, which: Which) -> Result<Lost, Error> {
    stack.queues.hold().await;
    let lost = lose(stack, which).await;
    let released = stack.queues.release().await;
    released.map_err(local::stack::Error::from)?;
    lost
}

async fn lose(stack: &Stack, which: Which) -> Result<Lost, Error> {
    let (sqs, url) = (&stack.clients.sqs, &stack.outputs.render_queue_url);
    let until = Instant::now() + PATIENCE;
    let mut lost = Lost::default();
    while lost.messages == 0 && Instant::now() < until {
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
        for message in received.messages() {
            let Some(has_ends) = may_be_lost(stack, message).await? else {
                continue;
            };
            if which == Which::WithEnds && !has_ends {
                continue;
            }
            let delete = sqs.delete_message().queue_url(url);
            let handle = message.receipt_handle().unwrap_or_default();
            let deleted = delete.receipt_handle(handle).send().await;
            deleted.map_err(|error| Error::Aws {
                doing: "losing a message",
                reason: DisplayErrorContext(error).to_string(),
            })?;
            lost.messages += 1;
            lost.with_ends += usize::from(has_ends);
        }
    }
    Ok(lost)
}

/// Whether a received message names a job whose end was left to the sweep; `None` if it may not be
/// lost.
async fn may_be_lost(stack: &Stack, message: &Message) -> Result<Option<bool>, Error> {
    let body: Value = serde_json::from_str(message.body().unwrap_or_default()).unwrap_or_default();
    if body["v"] != 1 {
        return Ok(None);
    }
    if is_new(message, &body) {
        return Ok(Some(false));
    }
    let mut has_ends = false;
    for job in body["jobs"].as_array().into_iter().flatten() {
        let key = format!("job#{}", job.as_str().unwrap_or_default());
        let job = item(stack, &key, "state").await?;
        match known(job.as_ref(), item(stack, &key, "end").await?.as_ref()) {
            Known::Sweep => has_ends = true,
            Known::Table => {}
            Known::Message => return Ok(None),
        }
    }
    Ok(Some(has_ends))
}

/// Whether nothing came of a message: nothing has received it, and it was not put off.
fn is_new(message: &Message, body: &Value) -> bool {
    let receives = message.attributes().and_then(|attributes| {
        attributes.get(&MessageSystemAttributeName::ApproximateReceiveCount)
    });
    receives.is_some_and(|receives| receives == "1") && body["tries"] == 0
}

/// What knows, besides a message, what is left to do for a job.
#[derive(Debug, PartialEq, Eq)]
enum Known {
    /// The table: the job is open, or its end is marked published.
    Table,
    /// The sweep: it publishes the job's end.
    Sweep,
    /// Nothing else.
    Message,
}

type Item = HashMap<String, AttributeValue>;

fn known(job: Option<&Item>, end: Option<&Item>) -> Known {
    let is_open = |item: Option<&Item>| item.is_some_and(|item| item.contains_key("open"));
    let is_marked = |end: &Item| end.get("published") == Some(&AttributeValue::Bool(true));
    if is_open(job) || end.is_some_and(is_marked) {
        Known::Table
    } else if is_open(end) {
        Known::Sweep
    } else {
        Known::Message
    }
}

async fn item(stack: &Stack, pk: &str, sk: &str) -> Result<Option<Item>, Error> {
    let get = stack.clients.dynamodb.get_item();
    let get = get.table_name(&stack.outputs.table_name);
    let get = get
        .key("pk", AttributeValue::S(pk.to_owned()))
        .key("sk", AttributeValue::S(sk.to_owned()));
    let got = get.consistent_read(true).send().await;
    let got = got.map_err(|error| Error::Aws {
        doing: "looking at what a message names",
        reason: DisplayErrorContext(error).to_string(),
    })?;
    Ok(got.item)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(receives: &str) -> Message {
        let attribute = MessageSystemAttributeName::ApproximateReceiveCount;
        Message::builder().attributes(attribute, receives).build()
    }

    #[test]
    fn a_message_is_new_until_it_is_received_or_put_off() {
        let body = |tries| json!({ "v": 1, "jobs": ["job-1"], "tries": tries });
        assert!(is_new(&message("1"), &body(0)));
        assert!(!is_new(&message("2"), &body(0)));
        assert!(!is_new(&message("1"), &body(1)));
    }

    #[test]
    fn a_message_is_spared_if_it_alone_knows_of_an_end() {
        let item = |open: bool, published: bool| {
            let published = ("published".to_owned(), AttributeValue::Bool(published));
            let open = open.then(|| ("open".to_owned(), AttributeValue::S("0".to_owned())));
            Item::from_iter([published].into_iter().chain(open))
        };
        let (open, closed) = (item(true, false), item(false, false));
        assert_eq!(known(Some(&open), None), Known::Table);
        let marked = item(false, true);
        assert_eq!(known(Some(&closed), Some(&marked)), Known::Table);
        let left = item(true, false);
        assert_eq!(known(Some(&closed), Some(&left)), Known::Sweep);
        let alone = item(false, false);
        assert_eq!(known(Some(&closed), Some(&alone)), Known::Message);
        assert_eq!(known(None, None), Known::Message);
    }
}
