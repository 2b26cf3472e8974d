//! How often the mappings delivered a batch, as they report it.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use local::mapping::{Report, What};
use tokio::sync::mpsc::UnboundedReceiver;

/// What the mappings report, counted while they do.
#[derive(Debug, Default, Clone)]
pub struct Deliveries(Arc<AtomicU32>);

impl Deliveries {
    /// Counts what is reported from now on.
    #[must_use]
    pub fn of(mut reports: UnboundedReceiver<Report>) -> Self {
        let deliveries = Self::default();
        let counted = deliveries.clone();
        tokio::spawn(async move {
            while let Some(report) = reports.recv().await {
                if let What::Invoked { attempt, .. } = report.what {
                    counted.0.fetch_max(attempt, Ordering::Relaxed);
                }
            }
        });
        deliveries
    }

    /// How often the batch was delivered, so far, that was delivered most often.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}
