//! The mappings of the stack's queues. They can be held and released while the rest goes on.

use futures::future::join_all;
use queue_poller::{Error, QueueConnections, QueueMapping, QueuePoller, Report};
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use crate::clients::Clients;

/// The mappings of the stack's queues.
#[derive(Debug)]
pub struct Queues {
    /// The mappings of the deployed stack.
    pub mappings: Vec<QueueMapping>,
    connections: QueueConnections,
    reports: UnboundedSender<Report>,
    /// One for each mapping, or none while the queues are held.
    pollers: Mutex<Vec<QueuePoller>>,
}

impl Queues {
    /// The mappings, held.
    pub(crate) fn new(
        mappings: Vec<QueueMapping>,
        clients: &Clients,
        reports: UnboundedSender<Report>,
    ) -> Self {
        Self {
            mappings,
            connections: QueueConnections {
                sqs: clients.sqs.clone(),
                lambda: clients.lambda.clone(),
            },
            reports,
            pollers: Mutex::default(),
        }
    }

    /// Starts to invoke the functions with the queues' messages, if it has not begun.
    ///
    /// # Errors
    /// [`Error`] if a mapping is disabled, or its queue cannot be looked up.
    pub async fn release(&self) -> Result<(), Error> {
        let mut pollers = self.pollers.lock().await;
        if pollers.is_empty() {
            for mapping in &self.mappings {
                let (connections, reports) = (self.connections.clone(), self.reports.clone());
                pollers.push(QueuePoller::start(mapping.clone(), connections, reports).await?);
            }
        }
        Ok(())
    }

    /// Lets messages stay in the queues until [`release`](Self::release). Waits for the invocations
    /// in flight, and receives none of the messages that are sent afterwards.
    pub async fn hold(&self) {
        let mut pollers = self.pollers.lock().await;
        join_all(pollers.drain(..).map(QueuePoller::stop)).await;
    }
}
