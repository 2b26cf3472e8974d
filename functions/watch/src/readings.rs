//! All readings of a run. One that fails keeps no other from its metrics.

use std::time::Duration;

use contract::Time;
use runtime::chain;
use serde::Serialize;
use telemetry::Reading;
use tokio::time::timeout;

use crate::{App, error::ReadingError, heartbeats, late, mappings, oldest, records};

/// The longest time for a reading: all of them fit into a run, and a run into a minute.
const AT_MOST: Duration = Duration::from_secs(25);

/// The answer: which readings failed. The log says why.
#[derive(Debug, Serialize)]
pub(crate) struct Watched {
    failed: Vec<&'static str>,
}

/// Reads everything at `now`, and emits it. A reading that fails emits nothing, and the alarms take
/// missing data for the worst.
pub(crate) async fn read(app: &App, now: Time) -> Watched {
    let read = tokio::join!(
        of("open work", oldest::read(app, now)),
        of("dead letters", oldest::read_dead_letters(app, now)),
        of("late assets", late::read(app, now)),
        of("mappings", mappings::read(app)),
        of("records", records::read(app, now)),
        of("heartbeats", heartbeats::read(app, now)),
    );
    let failed = [read.0, read.1, read.2, read.3, read.4, read.5];
    let failed: Vec<_> = failed.into_iter().flatten().collect();
    app.emit(Reading::Done {
        failed: failed.len(),
    });
    Watched { failed }
}

/// Its name, if the reading `what` failed.
async fn of(
    what: &'static str,
    reading: impl Future<Output = Result<(), ReadingError>>,
) -> Option<&'static str> {
    let why = match timeout(AT_MOST, reading).await {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => chain(&error),
        Err(_) => format!("there was no answer within {} s", AT_MOST.as_secs()),
    };
    tracing::error!("{what} are not read, so their metrics are missing: {why}");
    Some(what)
}
