//! What the sweep is told, so that no end depends on a message alone once something has gone wrong:
//! it publishes the ends that Kafka may not have, in case their message is lost, and leaves those
//! that Kafka has by now.
//!
//! A function that is killed tells it nothing. Then the end's message comes again.

use std::{cell::Cell, time::Duration};

use domain::JobId;
use futures::{StreamExt as _, stream};
use runtime::chain;
use store::StoreError;
use tokio::time::timeout;

use crate::{batch::Batch, effects::Effects};

/// The number of calls that are made concurrently.
const AT_ONCE: usize = 8;

impl<E: Effects> Batch<'_, E> {
    /// Leaves to the sweep the ends that may be committed and that Kafka may not have, and marks
    /// those that Kafka has and the sweep would publish. What it does not get to `within` this time is
    /// left to the messages alone, or published once more than needed.
    pub(crate) async fn tell_sweep(&self, within: Duration) {
        // Boxed as all that is awaited at length: see `work_on`.
        let told = timeout(within, Box::pin(self.leave_and_mark())).await;
        if told.is_err() {
            tracing::warn!("the sweep was not told of all ends: no time was left");
        }
    }

    /// Once the table turns out to be away, no other call is tried.
    async fn leave_and_mark(&self) {
        let (effects, now) = (self.effects, self.now());
        let is_away = &Cell::new(false);
        let job = |id: JobId| self.inputs.jobs.get(&id)?.as_ref().ok();
        let ends = self.progress.unpublished();
        let ends: Vec<_> = ends
            .filter_map(|(id, is_withheld)| Some((job(id)?, is_withheld)))
            .collect();
        let leaves = ends.into_iter().map(|(job, is_withheld)| async move {
            if !is_away.get() {
                note(effects.leave_to_sweep(job, is_withheld, now).await, is_away);
            }
        });
        stream::iter(leaves).buffered(AT_ONCE).collect::<()>().await;
        let marks = self.progress.unmarked().iter().map(|end| async move {
            if !is_away.get() {
                note(effects.mark_published(end).await, is_away);
            }
        });
        stream::iter(marks).buffered(AT_ONCE).collect::<()>().await;
    }
}

/// Notes whether the table `is_away`. The message has all ends published nevertheless.
fn note(told: Result<(), StoreError>, is_away: &Cell<bool>) {
    if let Err(error) = told {
        tracing::warn!("the sweep was not told of an end: {}", chain(&error));
        is_away.set(true);
    }
}
