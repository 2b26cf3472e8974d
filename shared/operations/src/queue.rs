//! The queue of what is to be rendered: how much of it waits, and for how long.

use serde::{Deserialize, Serialize};

/// How full the queue is. The counts are those of SQS, which estimates them and may be a minute
/// behind. A message has the jobs of one decision: one or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Queued {
    /// The messages that wait for their turn.
    pub waiting: u64,
    /// The messages that a function has in hand, or had when it died.
    pub in_flight: u64,
    /// The messages that were put off.
    pub delayed: u64,
    /// How long ago the picture was asked for that has waited for longest, in seconds; absent if
    /// none waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_seconds: Option<u64>,
    /// The messages in the dead-letter queue: their function died several times.
    pub dead: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_about_the_queue_is_read_back_with_and_without_a_job_that_waits() {
        let empty = Queued {
            waiting: 0,
            in_flight: 0,
            delayed: 0,
            oldest_seconds: None,
            dead: 0,
        };
        let full = Queued {
            waiting: 1200,
            in_flight: 260,
            delayed: 3,
            oldest_seconds: Some(840),
            dead: 1,
        };
        let none = json!({ "waiting": 0, "inFlight": 0, "delayed": 0, "dead": 0 });
        let some = json!({
            "waiting": 1200, "inFlight": 260, "delayed": 3, "oldestSeconds": 840, "dead": 1,
        });
        for (queued, json) in [(empty, none), (full, some)] {
            assert_eq!(serde_json::to_value(queued).unwrap(), json);
            assert_eq!(serde_json::from_value::<Queued>(json).unwrap(), queued);
        }
    }
}
