//! Jobs that have come to be late: open for longer than the service's objective allows. Each is
//! counted in the run after it came to be so. One that leaves its line, or is begun again by the
//! sweep, is counted again if it is then open for as long.

use contract::Time;
use domain::LONGEST_WAIT_SECONDS;
use store::Schedule;
use telemetry::Reading;
use tokio::try_join;

use crate::{App, error::ReadingError};

/// How far back the first run counts, in seconds: as far as to the run before.
const A_RUN: u32 = 60;

/// How far back a run counts after `watch` stood still, in seconds.
const AT_MOST: u32 = 60 * 60;

/// Counts the jobs that have come to be late since the last run.
pub(crate) async fn read(app: &App, now: Time) -> Result<(), ReadingError> {
    let since = begins(app.store.last_run(Schedule::Watch).await?, now);
    // By its deadline in the index, which is this long after the decision on it, or after it began
    // to wait for its turn.
    let deadlines = |after: u32| {
        let due = |at: Time| {
            at.minus_seconds(app.config.objective_seconds)
                .plus_seconds(after)
        };
        (due(since), due(now))
    };
    let (from, to) = deadlines(app.config.deadline_seconds);
    let (from_in_line, to_in_line) = deadlines(LONGEST_WAIT_SECONDS);
    let (open, in_line) = try_join!(
        app.store.count_due_between(from, to, false),
        app.store.count_due_between(from_in_line, to_in_line, true),
    )?;
    // Before the metric: a job is rather missed by a run that dies here than counted twice.
    app.store.note_run(Schedule::Watch, now).await?;
    app.emit(Reading::Late {
        jobs: open + in_line,
    });
    Ok(())
}

/// From when on a run at `now` counts, after one at `last`.
fn begins(last: Option<Time>, now: Time) -> Time {
    let last = last.unwrap_or(now.minus_seconds(A_RUN));
    last.clamp(now.minus_seconds(AT_MOST), now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_counts_from_the_last_one_on_and_at_most_for_an_hour() {
        let now = Time::new("2026-11-27T10:00:00Z".parse().unwrap());
        let before = |seconds| now.minus_seconds(seconds);
        assert_eq!(begins(Some(before(61)), now), before(61));
        assert_eq!(begins(None, now), before(60));
        assert_eq!(begins(Some(before(86_400)), now), before(3600));
        // The clock of the last run's sandbox was ahead.
        assert_eq!(begins(Some(now.plus_seconds(5)), now), now);
    }
}
