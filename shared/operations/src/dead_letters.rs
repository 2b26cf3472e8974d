//! Dead letters: which of them, what is known of each, and what became of it.

use std::num::NonZeroU32;

use contract::{Identifier, Time, Topic};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which of the records that wait. What is not said does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    /// Of this topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
    /// Of this tenant, as far as the record's key says whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Identifier>,
    /// With this text in the cause, in whatever case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// First seen then or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// First seen before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// Which records something is done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// These, in this order.
    Ids(Vec<Uuid>),
    /// All of those that wait.
    Matching(Filter),
}

/// How fast records are given to their consumers, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pace {
    /// Records a second at most.
    pub per_second: NonZeroU32,
    /// One that was dead-lettered so often stays: it comes back each time.
    pub guard: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            per_second: NonZeroU32::MIN.saturating_add(9),
            guard: 5,
        }
    }
}

/// What the table says of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its id: the same for the same record at the same place.
    pub id: Uuid,
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Whose it is, where its key says that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Why it was last dead-lettered, in one sentence.
    pub cause: String,
    /// When it was first dead-lettered.
    pub first_seen: Time,
    /// When it was last dead-lettered.
    pub last_seen: Time,
    /// How often it was.
    pub count: u64,
    /// What became of it; absent as long as it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Resolved>,
}

/// What became of a record, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolved {
    /// `redriven`, `discarded` or `erased`.
    pub how: String,
    /// When.
    pub at: Time,
}

/// What came of gathering the on-failure envelopes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gathered {
    /// Envelopes whose records become dead letters now.
    pub envelopes: usize,
    /// Records that become dead letters because of that; one that was so before, for the same
    /// envelope, is not counted.
    pub records: usize,
    /// Envelopes that cannot be read. They stay where they are.
    pub unread: Vec<Unread>,
    /// Whether there was no time for all of them.
    pub more: bool,
}

/// An envelope that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    /// Its key in the bucket for dead letters.
    pub key: String,
    /// Why not.
    pub why: String,
}

/// A page of the records that wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// The records.
    pub entries: Vec<Entry>,
    /// Where to go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// What was gathered before; absent if that failed, and on later pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gathered: Option<Gathered>,
}

/// A record with its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// What the table says of it.
    pub entry: Entry,
    /// Where its object is, or was: `s3://…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The record as it came; absent once it is resolved, and where it is too large to be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
}

/// A record as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// Its timestamp, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its headers, in order.
    pub headers: Vec<(String, Option<Bytes>)>,
    /// Its value.
    pub value: Option<Bytes>,
    /// Its JSON as the mapping sent it, where it could not be read further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

/// Bytes as a person reads them, if they are text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bytes {
    /// They are UTF-8.
    Text(String),
    /// They are not.
    Base64(String),
}

/// What became of a page of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handled {
    /// Each of them.
    pub records: Vec<(Entry, Fate)>,
    /// Ids for which there is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<Uuid>,
    /// Why it ended before the end: the trouble is not one record's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Where to go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What becomes of a record, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Fate {
    /// It would be given to this function.
    WouldBeRedriven {
        /// The consumer's name.
        to: String,
    },
    /// It would be deleted.
    WouldBeDiscarded,
    /// This function is done with it: what follows from it is published.
    Redriven {
        /// The consumer's name.
        to: String,
    },
    /// It is deleted.
    Discarded,
    /// It was dead-lettered again.
    CameBack {
        /// Why.
        cause: String,
        /// How often it was by now.
        count: u64,
        /// Its id, if that is another: it could not be read before, and now it can.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        now: Option<Uuid>,
    },
    /// Its consumer could not handle it now; it waits as before.
    NotYet {
        /// Why, as far as that is known here.
        why: String,
    },
    /// It is left alone.
    Stays {
        /// Why.
        why: String,
    },
    /// It was resolved before.
    WasResolved,
}

impl Fate {
    /// What it is, as JSON has it: without causes, which quote what somebody sent.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::WouldBeRedriven { .. } => "would-be-redriven",
            Self::WouldBeDiscarded => "would-be-discarded",
            Self::Redriven { .. } => "redriven",
            Self::Discarded => "discarded",
            Self::CameBack { .. } => "came-back",
            Self::NotYet { .. } => "not-yet",
            Self::Stays { .. } => "stays",
            Self::WasResolved => "was-resolved",
        }
    }

    /// Whether the record waits for somebody all the same, though something was to be done about
    /// it.
    #[must_use]
    pub fn is_left(&self) -> bool {
        match self {
            Self::CameBack { .. } | Self::NotYet { .. } | Self::Stays { .. } => true,
            Self::WouldBeRedriven { .. }
            | Self::WouldBeDiscarded
            | Self::Redriven { .. }
            | Self::Discarded
            | Self::WasResolved => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::Step;

    use super::*;

    #[test]
    fn a_fate_is_called_what_it_is_in_json() {
        let why = "why".to_owned();
        for fate in [
            Fate::WouldBeRedriven { to: why.clone() },
            Fate::WouldBeDiscarded,
            Fate::Redriven { to: why.clone() },
            Fate::Discarded,
            Fate::CameBack {
                cause: why.clone(),
                count: 2,
                now: None,
            },
            Fate::NotYet { why: why.clone() },
            Fate::Stays { why },
            Fate::WasResolved,
        ] {
            assert_eq!(serde_json::to_value(&fate).unwrap()["is"], fate.as_str());
        }
    }

    #[test]
    fn a_step_is_written_as_an_operator_would_write_it_by_hand() {
        let step = json!({
            "step": "redrive",
            "which": { "matching": { "topic": "eventzr.event.created.v1", "since": "2026-11-27T12:00:00+05:30" } },
            "execute": true,
            "pace": { "perSecond": 2 },
        });
        let read: Step = serde_json::from_value(step).unwrap();
        let Step::Redrive {
            which: Which::Matching(filter),
            execute: true,
            pace,
            after: None,
        } = &read
        else {
            panic!("{read:?}")
        };
        assert_eq!(
            filter.since.unwrap().to_string(),
            "2026-11-27T06:30:00.000Z"
        );
        assert_eq!((pace.per_second.get(), pace.guard), (2, 5));
        assert_eq!(
            serde_json::from_value::<Step>(serde_json::to_value(&read).unwrap()).unwrap(),
            read
        );

        let list: Step =
            serde_json::from_value(json!({ "step": "list-dead-letters", "most": 10 })).unwrap();
        assert_eq!(
            list,
            Step::ListDeadLetters {
                filter: Filter::default(),
                after: None,
                most: 10
            }
        );
        assert_eq!(
            serde_json::from_value::<Step>(json!({ "step": "gather" })).unwrap(),
            Step::Gather
        );
    }
}
