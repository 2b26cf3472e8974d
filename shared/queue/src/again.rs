//! Again: a message that could not be read is sent once more, as it is. The code that reads it then
//! may be another version's.

use std::sync::Arc;

use aws_sdk_sqs::error::BoxError;

use crate::{RenderQueue, SendError};

impl RenderQueue {
    /// Sends a message with the body of an earlier one, in the group of that one, if it had any.
    ///
    /// # Errors
    /// A [`SendError`]; doing it again is safe.
    pub async fn send_again(&self, body: &str, group: Option<&str>) -> Result<(), SendError> {
        let send = self.sqs.send_message().queue_url(&self.url);
        let send = send
            .message_body(body)
            .set_message_group_id(group.map(str::to_owned));
        let sent = send.send().await;
        sent.map_err(|error| SendError::Call(Arc::from(BoxError::from(error))))?;
        Ok(())
    }
}
