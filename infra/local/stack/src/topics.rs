//! The mappings of the stack's topics, each polled while it is enabled.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use poller::{Connections, Error, Mapping, Poller, Report};
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use crate::mappings::States;

/// The mappings of the stack's topics.
#[derive(Debug)]
pub(crate) struct Topics {
    mappings: Vec<Mapping>,
    connections: Connections,
    reports: UnboundedSender<Report>,
    /// The pollers of the mappings that poll, by the mapping's id.
    pollers: Mutex<BTreeMap<String, Poller>>,
}

impl Topics {
    /// The mappings, of which none polls yet.
    pub(crate) fn new(
        mappings: Vec<Mapping>,
        connections: Connections,
        reports: UnboundedSender<Report>,
    ) -> Self {
        Self {
            mappings,
            connections,
            reports,
            pollers: Mutex::default(),
        }
    }

    /// Polls the mappings that the template enables.
    ///
    /// # Errors
    /// [`Error`] if a mapping cannot be polled.
    pub(crate) async fn start(&self) -> Result<(), Error> {
        self.have_polling(|mapping, _| mapping.enabled).await
    }

    /// Polls each mapping whose state says so, and no other. Waits for the work in flight of those
    /// that stop.
    ///
    /// # Errors
    /// [`Error`] if a mapping cannot be polled.
    pub(crate) async fn follow(&self, states: &States) -> Result<(), Error> {
        self.have_polling(|mapping, polls| states.has_polling(&mapping.uuid, polls))
            .await
    }

    /// Polls the mappings of which `wanted` is true, given whether they poll now.
    async fn have_polling(&self, wanted: impl Fn(&Mapping, bool) -> bool) -> Result<(), Error> {
        let mut pollers = self.pollers.lock().await;
        let mut ended = Vec::new();
        for mapping in &self.mappings {
            let polls = pollers.contains_key(&mapping.uuid);
            match (polls, wanted(mapping, polls)) {
                (false, true) => {
                    let enabled = Mapping {
                        enabled: true,
                        ..mapping.clone()
                    };
                    let (connections, reports) = (self.connections.clone(), self.reports.clone());
                    let poller = Poller::start(enabled, connections, reports)?;
                    pollers.insert(mapping.uuid.clone(), poller);
                }
                (true, false) => ended.extend(pollers.remove(&mapping.uuid)),
                (true, true) | (false, false) => {}
            }
        }
        join_all(ended.into_iter().map(Poller::stop)).await;
        Ok(())
    }

    /// The ids of the mappings that poll.
    pub(crate) async fn polled(&self) -> BTreeSet<String> {
        self.pollers.lock().await.keys().cloned().collect()
    }

    /// Stops polling. Waits for the work in flight.
    pub(crate) async fn stop(&self) {
        let pollers = std::mem::take(&mut *self.pollers.lock().await);
        join_all(pollers.into_values().map(Poller::stop)).await;
    }
}
