//! A lane: the records that wait to be written to one partition.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::oneshot;

use crate::{
    Error,
    records::{Unwritten, payload},
};

/// Where the broker stored a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The record's partition.
    pub partition: i32,
    /// The record's offset in the partition.
    pub offset: i64,
}

/// The records that wait to be written to one partition.
#[derive(Debug, Default)]
pub(crate) struct Lane(Mutex<Queue>);

/// The records, and whether they are being written.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) waiting: Vec<Pending>,
    /// Whether a task is writing this lane.
    pub(crate) busy: bool,
}

/// A record and the caller that waits for it.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) record: Unwritten,
    pub(crate) deadline: Instant,
    pub(crate) done: oneshot::Sender<Result<Published, Error>>,
}

impl Pending {
    pub(crate) fn size(&self) -> usize {
        payload(
            self.record.key.as_ref(),
            self.record.value.as_ref(),
            &self.record.headers,
        )
    }
}

impl Lane {
    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks the lane as free when it is dropped, which also covers a runtime that ends in the middle
/// of a write.
pub(crate) struct Busy(pub(crate) Arc<Lane>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.busy = false;
        queue.waiting.clear();
    }
}
