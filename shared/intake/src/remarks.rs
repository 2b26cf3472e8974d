//! What is said of a record beside its fate: its event is older than what was known, so that it
//! changed no fact, or it is ahead of the studio's clock, so that it hides corrections until then.

use contract::{EventTime, Identifier, Time, Topic, printable};
use domain::OtherEvent;
use telemetry::Measured;

use crate::{batch::Record, record::ReadEvent};

/// From how many milliseconds on a time that is ahead is spoken of. Clocks that are set over the
/// network differ by less.
const WORTH_SAYING: u64 = 1000;

/// What is to be said of a record once it is done.
#[derive(Debug, Default)]
pub(crate) struct Remarks {
    /// Its event, if that is older than what was known.
    older: Option<Box<Older>>,
    /// By how many milliseconds the event's time was ahead when it came; 0 if it was not.
    ahead: u64,
}

/// An event that is older than what was known.
#[derive(Debug)]
struct Older {
    tenant: Identifier,
    source: String,
    id: String,
    time: EventTime,
    version: Option<u64>,
    than: OtherEvent,
}

impl Remarks {
    /// What is to be said of an event that comes at `now`.
    pub(crate) fn at_arrival(read: &ReadEvent, now: Time) -> Self {
        Self {
            older: None,
            ahead: read.inbound.time.in_milliseconds().milliseconds_since(now),
        }
    }

    /// The event turned out to be older than this one.
    pub(crate) fn is_older(&mut self, read: &ReadEvent, than: &OtherEvent) {
        let ReadEvent {
            inbound,
            description,
        } = read;
        self.older = Some(Box::new(Older {
            tenant: description.tenant.clone(),
            source: inbound.source.clone(),
            id: inbound.id.clone(),
            time: inbound.time,
            version: description.version,
            than: than.clone(),
        }));
    }

    /// Says in the log that the event of `record` is older, if it is. A redelivery says it again, so
    /// that it is said although the function died the first time.
    pub(crate) fn say_older(&self, record: &Record<'_>) {
        let Some(older) = &self.older else {
            return;
        };
        let (topic, partition, offset) = (&*record.topic, record.partition, record.offset);
        let than = &older.than;
        tracing::warn!(
            topic,
            partition,
            offset,
            tenant = printable(older.tenant.as_str()),
            source = printable(&older.source),
            event = printable(&older.id),
            time = %older.time,
            newer_source = printable(&than.source),
            newer_event = printable(&than.id),
            newer_time = %than.time,
            "event older than what was known: its facts are not taken in, because {}. If they are \
             right, send them again as a new event with a higher `version` or a later `time`",
            older.because()
        );
    }
}

impl Older {
    /// By what the other event is the newer one.
    fn because(&self) -> String {
        let than = &self.than;
        match (self.version, than.version) {
            (Some(version), Some(newer)) if version != newer => {
                return format!("its version {version} is below {newer}");
            }
            (None, Some(newer)) => {
                return format!("it has no version, and the newer event has version {newer}");
            }
            (Some(_) | None, _) => {}
        }
        if self.time == than.time {
            return "both happened at the same time, and the other's source and id come later in \
                    the alphabet"
                .to_owned();
        }
        let ahead = than.milliseconds_ahead();
        match ahead >= WORTH_SAYING {
            true => format!(
                "its time is before that of the newer event, which was {} s ahead of the studio's \
                 clock: check the clock of that event's producer",
                ahead / 1000
            ),
            false => "its time is before that of the newer event".to_owned(),
        }
    }
}

/// What is said of the events of a batch of `topic` that are done.
#[derive(Debug, Default)]
pub(crate) struct Times {
    older: usize,
    /// The events that are ahead, and by how many milliseconds the one that is furthest ahead is.
    ahead: usize,
    furthest: u64,
}

impl Times {
    /// Counts an event that is done.
    pub(crate) fn add(&mut self, remarks: &Remarks) {
        self.older += usize::from(remarks.older.is_some());
        if remarks.ahead >= WORTH_SAYING {
            self.ahead += 1;
            self.furthest = self.furthest.max(remarks.ahead);
        }
    }

    /// Says in the log, once for a batch, that events are ahead, if any is.
    pub(crate) fn say_ahead(&self, topic: Topic) {
        if self.ahead == 0 {
            return;
        }
        tracing::warn!(
            topic = topic.as_str(),
            events = self.ahead,
            seconds = self.furthest / 1000,
            "events taken whose `time` is ahead of the studio's clock: until then an event about \
             the same thing with a true time counts as older. Check the clock of their producer"
        );
    }

    /// Its metrics.
    pub(crate) fn measured(&self, topic: Topic) -> impl Iterator<Item = Measured<'static>> {
        let older = (self.older > 0).then_some(Measured::Older {
            topic,
            events: self.older,
        });
        let ahead = (self.ahead > 0).then_some(Measured::Ahead {
            topic,
            milliseconds: self.furthest,
        });
        older.into_iter().chain(ahead)
    }
}
