//! Counts how often the mappings delivered a batch or a message, from their reports.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use poller::{Report, What};
use tokio::sync::mpsc::UnboundedReceiver;

/// The deliveries that some mappings have reported.
#[derive(Debug, Default, Clone)]
pub struct Deliveries(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    all: AtomicU32,
    most: AtomicU32,
}

impl Deliveries {
    /// Counts the reports from now on.
    #[must_use]
    pub fn of(mut reports: UnboundedReceiver<Report>) -> Self {
        let deliveries = Self::default();
        let counted = deliveries.clone();
        tokio::spawn(async move {
            while let Some(report) = reports.recv().await {
                if let What::Invoked { attempt, .. } = report.what {
                    counted.0.all.fetch_add(1, Ordering::Relaxed);
                    counted.0.most.fetch_max(attempt, Ordering::Relaxed);
                }
            }
        });
        deliveries
    }

    /// The same for the mappings of queues: a delivery of a message is a receive.
    #[must_use]
    pub fn of_queues(mut reports: UnboundedReceiver<queue_poller::Report>) -> Self {
        let deliveries = Self::default();
        let counted = deliveries.clone();
        tokio::spawn(async move {
            while let Some(report) = reports.recv().await {
                if let queue_poller::What::Invoked { receives, .. } = report.what {
                    counted.0.all.fetch_add(1, Ordering::Relaxed);
                    counted.0.most.fetch_max(receives, Ordering::Relaxed);
                }
            }
        });
        deliveries
    }

    /// The number of deliveries of the batch that was delivered most often so far.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.0.most.load(Ordering::Relaxed)
    }

    /// The number of deliveries so far.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.all.load(Ordering::Relaxed)
    }
}
