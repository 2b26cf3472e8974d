//! The poller's calls of SQS.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageSystemAttributeName, QueueAttributeName,
};
use poller::chain;

use crate::error::Error;

/// How long a receive waits for a first message, in seconds. Lambda waits longer (20 s); a poller
/// that is stopped waits for its receive.
const RECEIVE_WAITS: i32 = 1;

/// How long a received message is hidden at first, in seconds: for longer than a function may run
/// (15 minutes).
///
/// AWS refuses a mapping whose queue has a shorter visibility timeout than its function may take, so
/// no message comes again while its invocation runs. A queue on this machine may have a visibility
/// timeout of seconds, so that tests need not wait for minutes. Its messages stay hidden until their
/// invocation has ended, and from then on for the queue's own timeout.
pub(crate) const WHILE_INVOKED: i32 = 960;

/// A queue.
#[derive(Debug)]
pub(crate) struct Queue {
    sqs: Client,
    url: String,
    /// The queue's visibility timeout.
    pub visibility: Duration,
}

impl Queue {
    /// Looks up the queue of an ARN.
    pub(crate) async fn look_up(sqs: Client, arn: &str) -> Result<Self, Error> {
        let failed = |reason: String| Error::Queue {
            queue: arn.to_owned(),
            reason,
        };
        // arn:<partition>:sqs:<region>:<account>:<name>
        let mut parts = arn.split(':').skip(4);
        let (account, name) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        let found = sqs
            .get_queue_url()
            .queue_owner_aws_account_id(account)
            .queue_name(name)
            .send()
            .await;
        let found = found.map_err(|error| failed(chain(&error)))?;
        let url = found.queue_url().unwrap_or_default().to_owned();
        let attributes = sqs
            .get_queue_attributes()
            .queue_url(&url)
            .attribute_names(QueueAttributeName::VisibilityTimeout)
            .send()
            .await;
        let attributes = attributes.map_err(|error| failed(chain(&error)))?;
        let seconds = attributes
            .attributes()
            .and_then(|all| all.get(&QueueAttributeName::VisibilityTimeout))
            .and_then(|seconds| seconds.parse().ok())
            .ok_or_else(|| failed("it has no visibility timeout".to_owned()))?;
        Ok(Self {
            sqs,
            url,
            visibility: Duration::from_secs(seconds),
        })
    }

    /// The next messages, at most `most`. Empty if none comes for a while.
    pub(crate) async fn receive(&self, most: u8) -> Result<Vec<Message>, String> {
        let received = self
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(most.into())
            .wait_time_seconds(RECEIVE_WAITS)
            .visibility_timeout(WHILE_INVOKED)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await;
        let received = received.map_err(|error| format!("receive: {}", chain(&error)))?;
        Ok(received.messages.unwrap_or_default())
    }

    /// Deletes messages. If this fails, any of them may still be there.
    pub(crate) async fn delete(&self, messages: &[&Message]) -> Result<(), String> {
        if messages.is_empty() {
            return Ok(());
        }
        let entry = |(index, message): (usize, &&Message)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(message.receipt_handle().unwrap_or_default())
                .build()
        };
        let entries: Result<Vec<_>, BuildError> = messages.iter().enumerate().map(entry).collect();
        let entries = entries.map_err(|error| format!("delete: {error}"))?;
        let deleted = self
            .sqs
            .delete_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .send()
            .await;
        let deleted = deleted.map_err(|error| format!("delete: {}", chain(&error)))?;
        match deleted.failed() {
            [] => Ok(()),
            [first, ..] => Err(format!(
                "delete: {} of {} messages: {}",
                deleted.failed().len(),
                messages.len(),
                first.code()
            )),
        }
    }

    /// Lets messages be received again after a time. One that was deleted stays deleted.
    pub(crate) async fn show(&self, messages: &[&Message], after: Duration) -> Result<(), String> {
        let seconds = i32::try_from(after.as_secs()).unwrap_or(i32::MAX);
        let entry = |(index, message): (usize, &&Message)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(message.receipt_handle().unwrap_or_default())
                .visibility_timeout(seconds)
                .build()
        };
        let entries: Result<Vec<_>, BuildError> = messages.iter().enumerate().map(entry).collect();
        let entries = entries.map_err(|error| format!("change visibility: {error}"))?;
        let shown = self
            .sqs
            .change_message_visibility_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .send()
            .await;
        // An entry fails if its message is gone.
        shown
            .map(|_| ())
            .map_err(|error| format!("change visibility: {}", chain(&error)))
    }
}
