//! The pollers of a stack that something else than [`Stack`](crate::stack::Stack) deployed.

use poller::{Poller, Report};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::bare::Bare;
use crate::broker::RunningBroker;
use crate::mappings::{Mappings, read_mappings};
use crate::queues::Queues;
use crate::stack::{Error, poll};

/// The pollers of a stack's mappings, in place of AWS's. Dropping this stops them.
#[derive(Debug)]
pub struct Polling {
    _pollers: Vec<Poller>,
    _queues: Queues,
    // What they report is not read.
    _reports: UnboundedReceiver<Report>,
    _queue_reports: UnboundedReceiver<queue_poller::Report>,
}

impl Polling {
    /// Polls the topics and queues of a deployed stack, and invokes its functions.
    ///
    /// # Errors
    /// An [`Error`] if the mappings cannot be read or polled.
    pub async fn start(bare: &Bare, stack: &str, broker: &RunningBroker) -> Result<Self, Error> {
        let clients = bare.clients();
        let Mappings { topics, queues } =
            read_mappings(&clients.aws, &clients.lambda, stack).await?;
        let (sender, reports) = mpsc::unbounded_channel();
        let (queue_sender, queue_reports) = mpsc::unbounded_channel();
        let queues = Queues::new(queues, &clients, queue_sender);
        queues.release().await?;
        Ok(Self {
            _pollers: poll(&topics, broker, &clients, &sender)?,
            _queues: queues,
            _reports: reports,
            _queue_reports: queue_reports,
        })
    }
}
