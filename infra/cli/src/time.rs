//! Times as a person writes them: an age, a day, or a full timestamp.

use contract::Time;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// The text is not a time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write how long ago it was (30m, 6h, 2d), a day in UTC (2026-11-27), or a time with its offset (2026-11-27T09:30:00Z)"
)]
pub struct TimeError;

/// The time that `text` means at `now`.
pub fn time(text: &str, now: Timestamp) -> Result<Time, TimeError> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(Time::new(timestamp));
    }
    if let Ok(day) = text.parse::<Date>() {
        let midnight = TimeZone::UTC
            .to_timestamp(day.at(0, 0, 0, 0))
            .map_err(|_| TimeError)?;
        return Ok(Time::new(midnight));
    }
    let (count, unit) = text
        .split_at_checked(text.len().wrapping_sub(1))
        .ok_or(TimeError)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(TimeError),
    };
    let count: i64 = count
        .parse()
        .ok()
        .filter(|count| (0..=100_000).contains(count))
        .ok_or(TimeError)?;
    let ago = SignedDuration::from_secs(count * seconds);
    now.checked_sub(ago).map(Time::new).map_err(|_| TimeError)
}

/// As [`time`], with the current time.
pub fn time_of_now(text: &str) -> Result<Time, TimeError> {
    time(text, Timestamp::now())
}

/// A time as tables show it, in UTC: `2026-11-27 09:30:00`.
pub fn shown(time: Time) -> String {
    time.timestamp().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_an_age_a_day_or_a_full_timestamp() {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("30m", "2026-11-27T11:30:00.000Z"),
            ("6h", "2026-11-27T06:00:00.000Z"),
            ("2d", "2026-11-25T12:00:00.000Z"),
            ("2026-11-20", "2026-11-20T00:00:00.000Z"),
            ("2026-11-20T09:00:00+05:30", "2026-11-20T03:30:00.000Z"),
        ] {
            assert_eq!(time(text, now).unwrap().to_string(), expected, "{text}");
        }
        for wrong in [
            "",
            "h",
            "-1h",
            "yesterday",
            "2026-13-01",
            "12:00",
            "9999999999d",
            "é",
        ] {
            assert_eq!(time(wrong, now), Err(TimeError), "{wrong}");
        }
    }
}
