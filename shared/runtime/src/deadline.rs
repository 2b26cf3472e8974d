//! The end of an invocation.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The end of the invocation that began at `now`, as Lambda has `written` it. `cargo lambda watch`
/// sends the length of the invocation instead, which reads as a time a few minutes after the start
/// of 1970.
#[must_use]
pub fn deadline(written: SystemTime, now: SystemTime) -> SystemTime {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    match written.duration_since(UNIX_EPOCH) {
        Ok(length) if length < DAY => now + length,
        _ => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_within_a_day_of_1970_is_a_duration() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let ten_minutes = Duration::from_secs(600);
        assert_eq!(deadline(UNIX_EPOCH + ten_minutes, now), now + ten_minutes);
        assert_eq!(deadline(now + ten_minutes, now), now + ten_minutes);
        let day = Duration::from_secs(86_400);
        let almost = day - Duration::from_millis(1);
        assert_eq!(deadline(UNIX_EPOCH + almost, now), now + almost);
        assert_eq!(deadline(UNIX_EPOCH + day, now), UNIX_EPOCH + day);
    }
}
