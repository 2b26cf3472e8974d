//! Notes of trouble: why a job waits that is put off stands in its item, for an operator who asks.

use domain::JobId;
use futures::{StreamExt as _, stream};
use runtime::chain;
use store::MetTrouble;

use crate::effects::Effects;

/// The most jobs of a message that get a note. Nearly every message has fewer, and an outage is not
/// to cost a write for each of a hundred.
pub(crate) const MOST_OF_A_MESSAGE: usize = 16;

/// The number of notes that are written concurrently.
const AT_ONCE: usize = 8;

/// Writes the notes. One that is not written changes nothing but what an operator reads.
pub(crate) async fn note_all(effects: &impl Effects, notes: Vec<(JobId, MetTrouble)>) {
    let writes = notes.into_iter().map(|(job, trouble)| async move {
        if let Err(error) = effects.note_trouble(job, &trouble).await {
            tracing::debug!(%job, "its trouble is not noted: {}", chain(&error));
        }
    });
    stream::iter(writes)
        .buffer_unordered(AT_ONCE)
        .collect::<()>()
        .await;
}
