//! The last phase of a batch: the jobs of each entry are sent to the queue, ten entries in a call.
//! An entry without jobs is marked published instead; one with jobs is not, because its jobs show
//! that it was.

use std::{iter, time::SystemTime};

use futures::future::{join, join_all};
use queue::MOST_AT_ONCE;
use store::OutboxEntry;
use tokio::time::timeout;

use super::left;
use crate::{
    calls::Calls,
    effects::Effects,
    progress::{Fate, Progress, RecordInHand, Retry},
};

/// Sends the jobs of all entries, or marks them published, concurrently. The records share calls in
/// their order: what fails together then lies together in a partition. An entry that is known to be
/// published needs neither.
pub(super) async fn all(
    items: &mut [RecordInHand<'_>],
    effects: &impl Effects,
    calls: &Calls,
    until: SystemTime,
) {
    let (mut to_send, mut to_mark) = (Vec::new(), Vec::new());
    for item in items {
        let Some(entry) = item.entry() else { continue };
        if entry.published {
            item.progress = Progress::Over(Fate::Done);
        } else if entry.starts.is_empty() {
            to_mark.push(item);
        } else {
            to_send.push(item);
        }
    }
    let groups = to_send.chunks_mut(MOST_AT_ONCE);
    let groups = join_all(groups.map(|group| send(group, effects, calls, until)));
    let marks = to_mark.into_iter();
    let marks = join_all(marks.map(|item| mark(item, effects, calls, until)));
    join(groups, marks).await;
}

/// Sends the jobs of a group of records in one call.
async fn send(
    group: &mut [&mut RecordInHand<'_>],
    effects: &impl Effects,
    calls: &Calls,
    until: SystemTime,
) {
    let entries: Vec<&OutboxEntry> = group.iter().filter_map(|item| item.entry()).collect();
    let send = calls.make(effects.send(&entries));
    let sent = timeout(left(effects, until), send).await;
    let Ok(sent) = sent else {
        for item in group {
            item.progress = Progress::Over(Fate::Retry(Retry::NoTime("send")));
        }
        return;
    };
    for (item, sent) in iter::zip(group, sent) {
        let fate = match sent {
            Ok(()) => {
                item.span.happens("sent");
                Fate::Done
            }
            Err(error) => Fate::Retry(Retry::Send(error)),
        };
        item.progress = Progress::Over(fate);
    }
}

/// Marks the entry of a record published.
async fn mark(
    item: &mut RecordInHand<'_>,
    effects: &impl Effects,
    calls: &Calls,
    until: SystemTime,
) {
    let Some(entry) = item.entry() else { return };
    let mark = calls.make(effects.mark_published(entry));
    let fate = match timeout(left(effects, until), mark).await {
        Ok(Ok(())) => Fate::Done,
        Ok(Err(error)) => Fate::Retry(Retry::Mark(error)),
        Err(_) => Fate::Retry(Retry::NoTime("mark")),
    };
    item.progress = Progress::Over(fate);
}
