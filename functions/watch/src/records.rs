//! How old the oldest record of each topic is that its consumer has not taken.

use contract::Time;
use runtime::chain;
use telemetry::Reading;

use crate::{App, error::ReadingError};

/// Reads the ages of the oldest records that are not taken.
pub(crate) async fn read(app: &App, now: Time) -> Result<(), ReadingError> {
    let mut failed = Vec::new();
    let ages = app.topics.oldest_not_taken(&app.config.readers, now).await;
    for (topic, age) in ages {
        match age {
            Ok(age) => app.emit(Reading::OldestRecord { topic, age }),
            Err(error) => failed.push(format!("{topic}: {}", chain(&error))),
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(ReadingError::Records(failed.join("; "))),
    }
}
