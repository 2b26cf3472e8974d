//! Dead letters: how an operator selects them, what the table says of each, and the result of each
//! step.

use std::num::NonZeroU32;

use contract::{Identifier, Time};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::DeadLetterSource;

/// Selects dead letters that wait for an operator. An absent field matches every dead letter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    /// Only records of this topic, or messages of the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<DeadLetterSource>,
    /// Only records of this tenant, as named by the record's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Identifier>,
    /// Only records whose cause contains this text, in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Only records first seen at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Only records first seen before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// The dead letters that a redrive or a discard applies to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// The dead letters with these ids, in this order.
    Ids(Vec<Uuid>),
    /// Every waiting dead letter that matches.
    Matching(Filter),
}

/// The request for a page of the dead letters that wait for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListDeadLetters {
    /// Selects them.
    #[serde(default)]
    pub filter: Filter,
    /// The position at which the previous page ended.
    #[serde(default)]
    pub after: Option<String>,
    /// The most entries of a page.
    pub most: u32,
}

/// The request to count the dead letters that wait for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountDeadLetters {
    /// Selects them.
    #[serde(default)]
    pub filter: Filter,
    /// The position at which the previous part ended.
    #[serde(default)]
    pub after: Option<String>,
}

/// The request to invoke the consumers with dead letters again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Redrive {
    /// The dead letters.
    pub which: Which,
    /// The position at which the previous page ended.
    #[serde(default)]
    pub after: Option<String>,
    /// Whether to do it; otherwise the answer only says what the step would do.
    pub execute: bool,
    /// The rate, and how often a record may come back.
    #[serde(default)]
    pub pace: Pace,
}

/// The request to delete dead letters for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Discard {
    /// The dead letters.
    pub which: Which,
    /// The position at which the previous page ended.
    #[serde(default)]
    pub after: Option<String>,
    /// Whether to do it; otherwise the answer only says what the step would do.
    pub execute: bool,
}

/// How fast a redrive sends records to their consumers, and how often it tries each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pace {
    /// Records per second, at most.
    pub per_second: NonZeroU32,
    /// A redrive skips a record that was dead-lettered at least this often, because it comes back
    /// each time.
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

/// The table's entry for a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterSummary {
    /// Its id, derived from the record and its coordinates.
    pub id: Uuid,
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// The tenant, if the record's key names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The cause of the latest dead letter, in one sentence.
    pub cause: String,
    /// When it was first dead-lettered.
    pub first_seen: Time,
    /// When it was last dead-lettered.
    pub last_seen: Time,
    /// How often it was dead-lettered: once, and once more for each redrive that it came back from.
    pub count: u64,
    /// How it was resolved; absent while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<HowResolved>,
}

/// How and when a dead letter was resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HowResolved {
    /// `redriven`, `discarded` or `erased`.
    pub how: String,
    /// When it was resolved.
    pub at: Time,
}

/// The result of gathering the on-failure envelopes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gathered {
    /// Envelopes whose records became dead letters in this run.
    pub envelopes: usize,
    /// New dead letters in this run. A record that an earlier run gathered from the same envelope
    /// is not counted.
    pub records: usize,
    /// Envelopes that the function cannot read. It leaves them where they are.
    pub unread: Vec<UnreadEnvelope>,
    /// Whether envelopes are left because time ran out.
    pub more: bool,
}

/// An envelope that the function cannot read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnreadEnvelope {
    /// Its key in the dead-letter bucket.
    pub key: String,
    /// Why it cannot be read.
    pub why: String,
}

/// A page of the dead letters that wait for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// The dead letters.
    pub entries: Vec<DeadLetterSummary>,
    /// The position of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The result of gathering before the list; absent if gathering failed, and on later pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gathered: Option<Gathered>,
}

/// A dead letter with its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// The table's entry.
    pub entry: DeadLetterSummary,
    /// The URL of its object, `s3://…`; the object may already be deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The record as the consumer received it; absent once it is resolved, and if it is too large
    /// for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<RecordContent>,
}

/// A record as the consumer received it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordContent {
    /// Its timestamp, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// Its key.
    pub key: Option<RecordBytes>,
    /// Its headers, in order.
    pub headers: Vec<(String, Option<RecordBytes>)>,
    /// Its value.
    pub value: Option<RecordBytes>,
    /// The record's JSON as the mapping sent it, if it could not be decoded further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

/// Bytes, shown as text if they are UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordBytes {
    /// UTF-8 text.
    Text(String),
    /// Any other bytes, in Base64.
    Base64(String),
}

/// The result of a redrive or a discard for one page of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handled {
    /// Each record with its fate.
    pub records: Vec<(DeadLetterSummary, RecordFate)>,
    /// Ids that the table does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<Uuid>,
    /// Why the run stopped early: the cause is probably not a single record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// The position of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What a step did to a record, or would do with `execute`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum RecordFate {
    /// The step would send it to this consumer.
    WouldBeRedriven {
        /// The consumer's name.
        to: String,
    },
    /// The step would delete it.
    WouldBeDiscarded,
    /// The consumer is done with it and has published what follows from it.
    Redriven {
        /// The consumer's name.
        to: String,
    },
    /// The step deleted it.
    Discarded,
    /// The consumer dead-lettered it again.
    CameBack {
        /// Why the consumer dead-lettered it.
        cause: String,
        /// How often it has been dead-lettered, this time included.
        count: u64,
        /// Its new id, if it has one: the record could not be decoded before, and now it can.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        now: Option<Uuid>,
    },
    /// The step could not handle it now; it waits as before.
    NotYet {
        /// Why, as far as the operator function knows.
        why: String,
    },
    /// The step skipped it.
    Stays {
        /// Why it was skipped.
        why: String,
    },
    /// It was already resolved.
    WasResolved,
}

impl RecordFate {
    /// The name of the variant in JSON. It leaves out causes, because they quote a sender's data.
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

    /// Whether the record still waits for an operator after a step that should have resolved it.
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
    fn a_fates_name_is_its_tag_in_json() {
        let why = "why".to_owned();
        for fate in [
            RecordFate::WouldBeRedriven { to: why.clone() },
            RecordFate::WouldBeDiscarded,
            RecordFate::Redriven { to: why.clone() },
            RecordFate::Discarded,
            RecordFate::CameBack {
                cause: why.clone(),
                count: 2,
                now: None,
            },
            RecordFate::NotYet { why: why.clone() },
            RecordFate::Stays { why },
            RecordFate::WasResolved,
        ] {
            assert_eq!(serde_json::to_value(&fate).unwrap()["is"], fate.as_str());
        }
    }

    #[test]
    fn a_step_is_read_from_hand_written_json() {
        let step = json!({
            "step": "redrive",
            "which": { "matching": { "topic": "eventzr.event.created.v1", "since": "2026-11-27T12:00:00+05:30" } },
            "execute": true,
            "pace": { "perSecond": 2 },
        });
        let read: Step = serde_json::from_value(step).unwrap();
        let Step::Redrive(Redrive {
            which: Which::Matching(filter),
            execute: true,
            pace,
            after: None,
        }) = &read
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
            Step::ListDeadLetters(ListDeadLetters {
                filter: Filter::default(),
                after: None,
                most: 10
            })
        );
        assert_eq!(
            serde_json::from_value::<Step>(json!({ "step": "gather" })).unwrap(),
            Step::Gather
        );
    }
}
