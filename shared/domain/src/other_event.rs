//! The other one of two events about one thing.

use contract::{EventTime, Time};
use serde::{Deserialize, Serialize};

use crate::Stamp;

/// The other one of two events of one topic about one entity, the older of which came last.
///
/// An outbox entry names the newer one ([`Decision::older_than`](crate::Decision::older_than)), and
/// the entity's snapshot the older one ([`TopicSnapshot::last_older`](crate::TopicSnapshot)), so that
/// each of them leads to the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherEvent {
    /// Its source.
    pub source: String,
    /// Its id.
    pub id: String,
    /// When it happened, by its producer's clock.
    pub time: EventTime,
    /// The entity's version in it, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// When the older of the two was decided on, by the studio's clock.
    pub at: Time,
}

impl OtherEvent {
    /// The event that has this stamp, of two of which the older was decided on at `at`.
    pub(crate) fn of(stamp: &Stamp, at: Time) -> Self {
        Self {
            source: stamp.source().to_owned(),
            id: stamp.id().to_owned(),
            time: stamp.time(),
            version: stamp.version(),
            at,
        }
    }

    /// By how many milliseconds its time was ahead of the studio's clock when the older event came;
    /// 0 if it was not. An event that is ahead hides each correction with a true time until then.
    #[must_use]
    pub fn milliseconds_ahead(&self) -> u64 {
        self.time.in_milliseconds().milliseconds_since(self.at)
    }
}
