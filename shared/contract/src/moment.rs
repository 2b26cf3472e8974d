//! Points in time as the contract writes them.

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    fmt::temporal::{DateTimePrinter, Pieces, PiecesOffset},
    tz::{Offset, TimeZone},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::Parsed;

/// A point in time with the UTC offset that its author wrote: RFC 3339,
/// `2026-02-14T18:30:00+05:30`.
///
/// The offset matters if an event names no time zone: then it is all that is known of the venue's
/// clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Moment {
    /// The instant.
    pub timestamp: Timestamp,
    /// The author's offset; zero for `Z`.
    pub offset: Offset,
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        let wrong = |source| MomentError {
            text: text.to_owned(),
            source,
        };
        let pieces = Pieces::parse(text).map_err(|error| wrong(Some(error)))?;
        let offset = match pieces.offset() {
            Some(PiecesOffset::Numeric(offset)) => offset.offset(),
            Some(_) => Offset::UTC,
            None => return Err(wrong(None)),
        };
        let time = pieces.time().ok_or_else(|| wrong(None))?;
        let timestamp = offset
            .to_timestamp(pieces.date().to_datetime(time))
            .map_err(|error| wrong(Some(error)))?;
        // jiff accepts more than RFC 3339 allows: years before 0, offsets with seconds or of more
        // than a day. Outbound events repeat the moment, so these are refused.
        let minutes = offset.seconds() / 60;
        let is_published = offset.to_datetime(timestamp).year() >= 0
            && offset.seconds() % 60 == 0
            && minutes.abs() < 24 * 60;
        if is_published {
            Ok(Self { timestamp, offset })
        } else {
            Err(wrong(None))
        }
    }
}

impl Moment {
    /// The text in the contract's format. Calls the printer directly, because `Display` writes its
    /// pieces one by one.
    fn to_text(self) -> String {
        const PRINTER: DateTimePrinter = DateTimePrinter::new();
        if self.offset == Offset::UTC {
            PRINTER.timestamp_to_string(&self.timestamp)
        } else {
            PRINTER.timestamp_with_offset_to_string(&self.timestamp, self.offset)
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Parsed(Self::from_str))
    }
}

/// Text that is not a [`Moment`].
#[derive(Debug, thiserror::Error)]
#[error(
    "`{text}` is not an RFC 3339 time with an offset, such as 2026-02-14T18:30:00+05:30 or 2026-02-14T13:00:00Z"
)]
pub struct MomentError {
    text: String,
    source: Option<jiff::Error>,
}

/// An IANA time zone, by its name: `Asia/Kolkata`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZoneName(TimeZone);

impl TimeZoneName {
    /// Finds the zone `name` in the compiled-in database.
    ///
    /// # Errors
    /// A [`TimeZoneNameError`] that repeats the name.
    pub fn parse(name: &str) -> Result<Self, TimeZoneNameError> {
        match TimeZone::get(name) {
            Ok(zone) if zone.iana_name().is_some() => Ok(Self(zone)),
            _ => Err(TimeZoneNameError(name.to_owned())),
        }
    }

    /// The zone.
    #[must_use]
    pub fn time_zone(&self) -> &TimeZone {
        &self.0
    }
}

impl Serialize for TimeZoneName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl<'de> Deserialize<'de> for TimeZoneName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Parsed(Self::parse))
    }
}

/// A name that is not an IANA time zone.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone of the IANA database, such as Asia/Kolkata")]
pub struct TimeZoneNameError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rfc_3339_times_are_moments() {
        for text in [
            "2026-02-14T18:30:00+05:30",
            "0000-01-01T00:00:00Z",
            "9999-12-30T22:00:00Z",
            "2026-02-14T18:30:00-23:59",
        ] {
            assert_eq!(text.parse::<Moment>().unwrap().to_string(), text);
        }
        for text in [
            "-000001-12-31T23:59:59Z",
            "-009999-01-02T01:59:59Z",
            "0000-01-01T00:00:00.5+00:00:30",
            "2026-02-14T18:30:00+24:00",
            "2026-02-14T18:30:00-25:59",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
