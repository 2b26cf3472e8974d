//! Background tasks, the pauses between their retries, and their reports of outages.

use std::{
    collections::BTreeSet,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::mpsc, task::JoinHandle};

/// A task that is aborted when this handle is dropped. The drop does not wait until the task has
/// ended.
#[derive(Debug)]
pub(crate) struct Task(JoinHandle<()>);

impl Task {
    pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.is_finished()
    }

    pub(crate) fn stop(&self) {
        self.0.abort();
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The pause after this number of failed tries in a row: 50 ms, doubled each time up to 500 ms.
pub(crate) fn pause_after(tries: u32) -> Duration {
    Duration::from_millis(50 << tries.saturating_sub(1).min(4)).min(Duration::from_millis(500))
}

/// The parts that can fail independently while a broker is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Group,
    Start,
    Topics,
    Fetch,
}

/// Reports an outage once: it sends the first failure, and nothing more until every source has
/// recovered.
#[derive(Debug, Clone)]
pub(crate) struct Outages {
    failing: Arc<Mutex<BTreeSet<Source>>>,
    told: mpsc::UnboundedSender<String>,
}

impl Outages {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<String>) {
        let (told, hears) = mpsc::unbounded_channel();
        (
            Self {
                failing: Arc::default(),
                told,
            },
            hears,
        )
    }

    pub(crate) fn fails(&self, source: Source, why: impl ToString) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let first = failing.is_empty();
        if failing.insert(source) && first {
            // A reader reports no outages and has dropped the receiver, so the send may fail.
            let _ = self.told.send(why.to_string());
        }
    }

    pub(crate) fn is_well(&self, source: Source) {
        self.failing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_second() {
        let pauses: Vec<u128> = (1..=6)
            .map(|tries| pause_after(tries).as_millis())
            .collect();
        assert_eq!(pauses, [50, 100, 200, 400, 500, 500]);
        assert_eq!(pause_after(u32::MAX).as_millis(), 500);
    }

    #[test]
    fn an_outage_is_reported_once_until_every_source_recovers() {
        let (outages, mut told) = Outages::new();
        outages.fails(Source::Fetch, "one");
        outages.fails(Source::Fetch, "two");
        outages.fails(Source::Group, "three");
        outages.is_well(Source::Fetch);
        outages.fails(Source::Fetch, "four");
        assert_eq!(told.try_recv().ok().as_deref(), Some("one"));
        assert!(told.try_recv().is_err());
        outages.is_well(Source::Fetch);
        outages.is_well(Source::Group);
        outages.fails(Source::Group, "five");
        assert_eq!(told.try_recv().ok().as_deref(), Some("five"));
    }
}
