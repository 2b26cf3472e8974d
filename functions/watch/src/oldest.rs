//! How long the oldest of each kind of open work, and of the dead letters, has waited.

use std::time::Duration;

use contract::Time;
use store::{OldestOpen, WaitingDeadLetters};
use telemetry::{Reading, Waits};

use crate::{App, error::ReadingError};

/// Reads the ages of open work, and of the oldest message in the queue.
pub(crate) async fn read(app: &App, now: Time) -> Result<(), ReadingError> {
    let OldestOpen {
        queued,
        not_begun,
        at_vendor,
        in_line,
        voice,
        unpublished,
    } = app.store.oldest_open().await?;
    for (waits, oldest) in [
        (Waits::ForTheQueue, queued),
        (Waits::ToBegin, not_begun),
        (Waits::ForAVendor, at_vendor),
        (Waits::ForItsTurn, in_line),
    ] {
        app.emit(Reading::OldestJob {
            waits,
            age: age(oldest, now),
        });
    }
    app.emit(Reading::OldestVoice {
        age: age(voice, now),
    });
    app.emit(Reading::OldestUnpublished {
        age: age(unpublished, now),
    });
    // SQS tells no function how old a message is. A message that is put off is held back, and does
    // not wait.
    let has_messages = app.queue.depth().await?.waiting > 0;
    app.emit(Reading::OldestMessage {
        age: if has_messages {
            age(queued, now)
        } else {
            Duration::ZERO
        },
    });
    Ok(())
}

/// Reads how many dead letters wait, and for how long the oldest does.
pub(crate) async fn read_dead_letters(app: &App, now: Time) -> Result<(), ReadingError> {
    let WaitingDeadLetters { count, oldest } = app.store.waiting_dead_letters().await?;
    app.emit(Reading::DeadLetters {
        records: count,
        oldest: age(oldest, now),
    });
    Ok(())
}

/// How long before `now` something began; zero if there is nothing.
fn age(since: Option<Time>, now: Time) -> Duration {
    since.map_or(Duration::ZERO, |since| {
        Duration::from_millis(now.milliseconds_since(since))
    })
}
