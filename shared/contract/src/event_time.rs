//! The time of an inbound event.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Time, text::Parsed};

/// When an inbound event happened, as precisely as its producer wrote it. Unlike [`Time`] it is not
/// cut to milliseconds, because it orders events that may be less than a millisecond apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime(Timestamp);

impl EventTime {
    /// The time at `timestamp`.
    #[must_use]
    pub fn new(timestamp: Timestamp) -> Self {
        Self(timestamp)
    }

    /// The same time, cut to milliseconds: for all but the order of events.
    #[must_use]
    pub fn in_milliseconds(self) -> Time {
        Time::new(self.0)
    }
}

impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for EventTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EventTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Parsed(|text| text.parse().map(Self)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_of_an_event_time_is_read_and_stored() {
        for text in ["2026-11-20T09:00:00.123456789Z", "2026-11-20T09:00:00Z"] {
            let time = EventTime::new(text.parse().unwrap());
            let json = serde_json::to_string(&time).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<EventTime>(&json).unwrap(), time);
        }
    }

    #[test]
    fn an_event_time_in_milliseconds_is_cut() {
        let time = EventTime::new("2026-11-20T09:00:00.1239Z".parse().unwrap());
        assert_eq!(
            time.in_milliseconds().to_string(),
            "2026-11-20T09:00:00.123Z"
        );
    }
}
