//! Setting a record aside: it stops its partition, and is to become a dead letter instead.

use contract::Topic;
use serde::{Deserialize, Serialize};

use crate::Reason;

/// The request to have a record become a dead letter, once its consumer cannot handle it. A record
/// that its consumer can handle is handled nevertheless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetAside {
    /// Its topic.
    pub topic: Topic,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Why, for the cause of the dead letter.
    pub reason: Reason,
    /// Whether to do it; otherwise the answer only says what the step would do.
    pub execute: bool,
}

/// The result of setting a record aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordSetAside {
    /// Its topic.
    pub topic: Topic,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// What the step did.
    pub fate: SetAsideFate,
}

/// What a step did to a record, or would do with `execute`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum SetAsideFate {
    /// The step would mark it.
    WouldBeSetAside,
    /// It is marked: its consumer makes a dead letter of it when the mapping delivers it next.
    SetAside,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_of_setting_a_record_aside_is_read_back() {
        for (fate, is) in [
            (SetAsideFate::WouldBeSetAside, "would-be-set-aside"),
            (SetAsideFate::SetAside, "set-aside"),
        ] {
            let result = RecordSetAside {
                topic: Topic::EventCreated,
                partition: 3,
                offset: 1234,
                fate,
            };
            let json = serde_json::to_value(&result).unwrap();
            assert_eq!(json["fate"]["is"], is);
            assert_eq!(
                serde_json::from_value::<RecordSetAside>(json).unwrap(),
                result
            );
        }
    }
}
