//! The render queue of a test's stack from outside: it is held and released, counted, emptied and
//! sent to.

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, QueueAttributeName};

use crate::harness::Studio;

impl Studio {
    /// Lets messages stay in the queue until it is released. Waits for the invocations in flight.
    pub async fn hold_the_queue(&self) {
        self.stack.queues.hold().await;
    }

    /// Lets the queue's messages be delivered, also if the mappings do not poll.
    pub async fn release_the_queue(&self) {
        self.stack.queues.release().await.unwrap();
    }

    /// How many messages the queue has: those that wait, are in flight, or are delayed.
    pub async fn queue_depth(&self) -> u64 {
        self.depth_of(&self.stack.outputs.render_queue_url).await
    }

    /// Whether neither the queue nor its dead-letter queue has a message.
    pub async fn queue_is_empty(&self) -> bool {
        let dead = &self.stack.outputs.dead_letter_queue_url;
        // In this order, because messages go from the one to the other.
        self.queue_depth().await == 0 && self.depth_of(dead).await == 0
    }

    async fn depth_of(&self, queue: &str) -> u64 {
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let get = self.stack.clients.sqs.get_queue_attributes();
        let get = get
            .queue_url(queue)
            .set_attribute_names(Some(counts.to_vec()));
        let got = get.send().await.unwrap();
        let attributes = got.attributes().unwrap();
        let count = |name: &QueueAttributeName| attributes[name].parse::<u64>().unwrap();
        counts.iter().map(count).sum()
    }

    /// Sends a message, whatever it says, as a function does.
    pub async fn send_message(&self, body: &str, group: &str) {
        let send = self.stack.clients.sqs.send_message();
        let send = send.queue_url(&self.stack.outputs.render_queue_url);
        let send = send.message_body(body).message_group_id(group);
        send.send().await.unwrap();
    }

    /// Takes every message that can be received out of the queue, and returns their bodies. The
    /// messages are lost, unless the test sends them again.
    pub async fn receive_messages(&self) -> Vec<String> {
        let (sqs, queue) = (
            &self.stack.clients.sqs,
            &self.stack.outputs.render_queue_url,
        );
        let mut bodies = Vec::new();
        loop {
            let receive = sqs.receive_message().queue_url(queue);
            let received = receive.max_number_of_messages(10).send().await.unwrap();
            if received.messages().is_empty() {
                return bodies;
            }
            let mut delete = sqs.delete_message_batch().queue_url(queue);
            for (number, message) in received.messages().iter().enumerate() {
                bodies.push(message.body().unwrap().to_owned());
                let entry = DeleteMessageBatchRequestEntry::builder()
                    .id(number.to_string())
                    .receipt_handle(message.receipt_handle().unwrap());
                delete = delete.entries(entry.build().unwrap());
            }
            let deleted = delete.send().await.unwrap();
            assert!(deleted.failed().is_empty(), "{:?}", deleted.failed());
        }
    }
}
