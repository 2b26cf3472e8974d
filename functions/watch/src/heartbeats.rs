//! When the work of each schedule was last done. What does it notes so in the table.

use std::time::Duration;

use contract::Time;
use store::Schedule;
use telemetry::Reading;

use crate::{App, error::ReadingError};

/// The age of what was never done: older than any alarm lets it be.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads how long ago the sweep and the gathering were last done.
pub(crate) async fn read(app: &App, now: Time) -> Result<(), ReadingError> {
    for schedule in [Schedule::Sweep, Schedule::Gather] {
        let last = app.store.last_run(schedule).await?;
        app.emit(Reading::Heartbeat {
            schedule: schedule.as_str(),
            age: last.map_or(NEVER, |at| {
                Duration::from_millis(now.milliseconds_since(at))
            }),
        });
    }
    Ok(())
}
