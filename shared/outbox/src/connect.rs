//! Connect: the first connections are made in the init phase, where a function has a whole
//! processor and no record waits for it.

use std::time::Duration;

use tokio::join;

use crate::Outbox;

/// How long the init phase waits for each. What cannot be reached by then is found by the first
/// invocation.
const WITHIN: Duration = Duration::from_secs(3);

impl Outbox {
    /// Connects to Kafka and DynamoDB, at once. What is unreachable is a warning: the function must
    /// come up all the same, and the first invocation finds out.
    pub async fn connect(&self) {
        join!(self.publisher.connect(WITHIN), self.store.connect(WITHIN));
    }

    /// As [`connect`](Self::connect), and to the queue.
    pub async fn connect_to_send(&self) {
        join!(self.connect(), self.queue.connect(WITHIN));
    }
}
