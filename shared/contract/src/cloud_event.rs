//! The envelope of outbound events: CloudEvents 1.0, structured JSON, with the fields in the spec's
//! order.

use std::fmt;

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Topic, text::Parsed};

/// The `content-type` of every record the studio writes (CloudEvents' Kafka binding, structured
/// mode).
pub const STRUCTURED_CONTENT_TYPE: &str = "application/cloudevents+json; charset=UTF-8";

/// The tenant id reserved for smoke checks. It appears in no metric.
pub const SMOKE_TENANT: &str = "studio-smoke";

/// The `source` of every event the studio produces.
pub const SOURCE: &str = "studio-svc";

/// An outbound event, with the order and formats of the fields as in the spec's example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudEvent<D> {
    specversion: SpecVersion,
    /// The type, which is also the topic.
    #[serde(rename = "type")]
    pub topic: Topic,
    /// The producer: [`SOURCE`].
    pub source: String,
    /// `evt-<uuid>`: the same for every repetition of the same event.
    pub id: String,
    /// The time of the decision that caused it.
    pub time: Time,
    datacontenttype: JsonContentType,
    /// The tenant's id, as in the record's key.
    pub subject: String,
    /// The event's data.
    pub data: D,
}

impl<D> CloudEvent<D> {
    /// Makes an outbound event with `source` set to [`SOURCE`].
    #[must_use]
    pub fn new(topic: Topic, id: String, time: Time, subject: String, data: D) -> Self {
        Self {
            specversion: SpecVersion::V1,
            topic,
            source: SOURCE.to_owned(),
            id,
            time,
            datacontenttype: JsonContentType::Json,
            subject,
            data,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum SpecVersion {
    #[serde(rename = "1.0")]
    V1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum JsonContentType {
    #[serde(rename = "application/json")]
    Json,
}

/// A time in UTC, in whole milliseconds: `2026-02-28T12:00:00.000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Timestamp);

impl Time {
    /// Truncates `timestamp` to whole milliseconds, so that a written time reads back equal.
    #[must_use]
    pub fn new(timestamp: Timestamp) -> Self {
        Self(Timestamp::from_millisecond(timestamp.as_millisecond()).unwrap_or(timestamp))
    }

    /// The instant.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    /// Milliseconds from `earlier` to this time; 0 if `earlier` is the later one.
    #[must_use]
    pub fn milliseconds_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.as_millisecond() - earlier.0.as_millisecond()).unwrap_or(0)
    }

    /// This time plus `seconds`.
    #[must_use]
    pub fn plus_seconds(self, seconds: u32) -> Self {
        Self(
            self.0
                .checked_add(jiff::SignedDuration::from_secs(i64::from(seconds)))
                .unwrap_or(Timestamp::MAX),
        )
    }

    /// This time minus `seconds`.
    #[must_use]
    pub fn minus_seconds(self, seconds: u32) -> Self {
        Self(
            self.0
                .checked_sub(jiff::SignedDuration::from_secs(i64::from(seconds)))
                .unwrap_or(Timestamp::MIN),
        )
    }
}

impl Time {
    /// The text in the contract's format. Calls the printer directly, because `Display` writes its
    /// pieces one by one.
    fn to_text(self) -> String {
        const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
        PRINTER.timestamp_to_string(&self.0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Parsed(|text| text.parse().map(Self::new)))
    }
}
