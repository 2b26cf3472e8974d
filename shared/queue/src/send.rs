//! Send: up to ten messages in one call, and what became of each.

use std::{error::Error, sync::Arc, time::Duration};

use aws_sdk_sqs::{
    Client,
    error::{BoxError, BuildError},
    operation::send_message_batch::SendMessageBatchOutput,
    types::SendMessageBatchRequestEntry,
};
use futures::future::join_all;

use crate::{Outgoing, RenderQueue, groups};

/// The longest delay that SQS takes.
const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// Why a message may not be in the queue. Sending it again is safe and can succeed: of a message
/// that comes twice, the second finds the jobs closed.
///
/// A refusal that SQS calls the sender's fault is one of these, too: it is a defect of this code,
/// and no record is to be lost for that.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SendError {
    /// SQS did not take this message of the call.
    #[error("the queue refused the message: {code} (sender's fault: {sender_fault}): {message}")]
    Refused {
        /// SQS's code of the error.
        code: String,
        /// Whether SQS says that the message is at fault.
        sender_fault: bool,
        /// What SQS says about it; may be empty.
        message: String,
    },
    /// The answer to the call says nothing of this message.
    #[error("the queue's answer says nothing of the message")]
    NotAnswered,
    /// The call for several messages failed, or its answer was lost.
    #[error("sending messages to the queue")]
    Call(#[source] Arc<dyn Error + Send + Sync>),
}

impl RenderQueue {
    /// Sends a group of at most ten messages, as [`groups`](crate::groups()) makes them, in one call.
    /// One result for each message, in the order given.
    pub async fn send(&self, group: &[Outgoing]) -> Vec<Result<(), SendError>> {
        if group.is_empty() {
            return Vec::new();
        }
        let entries = group.iter().enumerate().map(entry).collect();
        send_entries(&self.sqs, &self.url, entries, group.len()).await
    }

    /// Sends any number of messages, in groups, all of them at once. One result for each message, in
    /// the order given.
    pub async fn send_all(&self, outgoing: Vec<Outgoing>) -> Vec<Result<(), SendError>> {
        let groups = groups(outgoing).into_iter();
        let sent = join_all(groups.map(|group| async move { self.send(&group).await })).await;
        sent.into_iter().flatten().collect()
    }
}

/// Sends the `count` messages of one call to the queue at `url`. One result for each, in the order
/// given.
pub(crate) async fn send_entries(
    sqs: &Client,
    url: &str,
    entries: Result<Vec<SendMessageBatchRequestEntry>, BuildError>,
    count: usize,
) -> Vec<Result<(), SendError>> {
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => return failed(error.into(), count),
    };
    let send = sqs.send_message_batch().queue_url(url);
    match send.set_entries(Some(entries)).send().await {
        Ok(answer) => results(&answer, count),
        Err(error) => failed(error.into(), count),
    }
}

/// A message as SQS takes it. Its id in the call is its place in the group.
fn entry((place, one): (usize, &Outgoing)) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let delay = one.delay.min(LONGEST_DELAY).as_secs();
    SendMessageBatchRequestEntry::builder()
        .id(place.to_string())
        .message_body(one.message.to_json())
        .message_group_id(one.tenant.to_string())
        .delay_seconds(i32::try_from(delay).expect("it is at most 900"))
        .build()
}

/// What `answer` says of each of `count` messages. Only one that it calls successful is sent.
fn results(answer: &SendMessageBatchOutput, count: usize) -> Vec<Result<(), SendError>> {
    let mut results = vec![Err(SendError::NotAnswered); count];
    let mut note = |id: &str, result| {
        let place: Option<usize> = id.parse().ok();
        if let Some(noted) = place.and_then(|place| results.get_mut(place)) {
            *noted = result;
        }
    };
    for sent in answer.successful() {
        note(sent.id(), Ok(()));
    }
    for refused in answer.failed() {
        let error = SendError::Refused {
            code: refused.code().to_owned(),
            sender_fault: refused.sender_fault(),
            message: refused.message().unwrap_or_default().to_owned(),
        };
        note(refused.id(), Err(error));
    }
    results
}

/// The results of `count` messages whose call failed.
fn failed(error: BoxError, count: usize) -> Vec<Result<(), SendError>> {
    vec![Err(SendError::Call(Arc::from(error))); count]
}

#[cfg(test)]
mod tests;
