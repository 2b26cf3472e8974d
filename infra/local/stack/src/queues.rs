//! The mappings of the stack's queues, each polled while it is enabled. They can be held and
//! released while the rest goes on.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use queue_poller::{Error, QueueConnections, QueueMapping, QueuePoller, Report};
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use crate::clients::Clients;
use crate::mappings::States;

/// The mappings of the stack's queues.
#[derive(Debug)]
pub struct Queues {
    /// The mappings of the deployed stack.
    pub mappings: Vec<QueueMapping>,
    connections: QueueConnections,
    reports: UnboundedSender<Report>,
    polled: Mutex<Polled>,
}

/// Which mappings poll.
#[derive(Debug)]
struct Polled {
    /// Whether none polls, in any state.
    held: bool,
    /// The ids of the enabled mappings.
    enabled: BTreeSet<String>,
    /// The pollers of the mappings that poll, by the mapping's id.
    pollers: BTreeMap<String, QueuePoller>,
}

impl Queues {
    /// The mappings, held.
    pub(crate) fn new(
        mappings: Vec<QueueMapping>,
        clients: &Clients,
        reports: UnboundedSender<Report>,
    ) -> Self {
        let enabled = mappings.iter().filter(|mapping| mapping.enabled);
        Self {
            polled: Mutex::new(Polled {
                held: true,
                enabled: enabled.map(|mapping| mapping.uuid.clone()).collect(),
                pollers: BTreeMap::new(),
            }),
            mappings,
            connections: QueueConnections {
                sqs: clients.sqs.clone(),
                lambda: clients.lambda.clone(),
            },
            reports,
        }
    }

    /// Starts to invoke the functions with the queues' messages, if it has not begun. A mapping that
    /// is disabled starts when it is enabled.
    ///
    /// # Errors
    /// [`Error`] if a queue cannot be looked up.
    pub async fn release(&self) -> Result<(), Error> {
        let mut polled = self.polled.lock().await;
        polled.held = false;
        self.start(&mut polled).await
    }

    /// Lets messages stay in the queues until [`release`](Self::release). Waits for the invocations
    /// in flight, and receives none of the messages that are sent afterwards.
    pub async fn hold(&self) {
        let mut polled = self.polled.lock().await;
        polled.held = true;
        let pollers = std::mem::take(&mut polled.pollers);
        join_all(pollers.into_values().map(QueuePoller::stop)).await;
    }

    /// Polls each mapping whose state says so, and no other, unless they are held. Waits for the
    /// invocations in flight of those that stop.
    ///
    /// # Errors
    /// [`Error`] if a queue cannot be looked up.
    pub(crate) async fn follow(&self, states: &States) -> Result<(), Error> {
        let mut polled = self.polled.lock().await;
        let mut ended = Vec::new();
        for QueueMapping { uuid, .. } in &self.mappings {
            if states.has_polling(uuid, polled.enabled.contains(uuid)) {
                polled.enabled.insert(uuid.clone());
            } else {
                polled.enabled.remove(uuid);
                ended.extend(polled.pollers.remove(uuid));
            }
        }
        join_all(ended.into_iter().map(QueuePoller::stop)).await;
        self.start(&mut polled).await
    }

    /// Polls the enabled mappings that do not poll yet, unless they are held.
    async fn start(&self, polled: &mut Polled) -> Result<(), Error> {
        let starting = self.mappings.iter().filter(|mapping| {
            !polled.held
                && polled.enabled.contains(&mapping.uuid)
                && !polled.pollers.contains_key(&mapping.uuid)
        });
        let starting: Vec<QueueMapping> = starting.cloned().collect();
        for mapping in starting {
            let uuid = mapping.uuid.clone();
            let enabled = QueueMapping {
                enabled: true,
                ..mapping
            };
            let (connections, reports) = (self.connections.clone(), self.reports.clone());
            let poller = QueuePoller::start(enabled, connections, reports).await?;
            polled.pollers.insert(uuid, poller);
        }
        Ok(())
    }
}
