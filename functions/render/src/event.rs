//! An event of SQS's event source mapping, as Lambda sends it.
//!
//! `aws_lambda_events::SqsEvent` reads the same JSON, but leaves each attribute a text; a test
//! compares the two. An attribute that is absent or no number does not make a batch unreadable.

use domain::TenantKey;
use serde::Deserialize;

/// A batch of messages of one queue.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    /// The messages.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// A message as SQS delivers it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    /// Its id, by which the answer names it.
    pub message_id: String,
    /// What was sent.
    pub body: String,
    #[serde(default)]
    attributes: Attributes,
    /// The ARN of its queue.
    #[serde(rename = "eventSourceARN", default)]
    pub queue: String,
}

/// The attributes that SQS gives a message. Numbers are texts.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Attributes {
    approximate_receive_count: String,
    sent_timestamp: String,
    message_group_id: Option<String>,
}

impl Record {
    /// How often it was received, this time included.
    pub(crate) fn receives(&self) -> u32 {
        let count = self.attributes.approximate_receive_count.parse();
        count.unwrap_or(1)
    }

    /// When it was sent, in milliseconds since 1970.
    pub(crate) fn sent_at(&self) -> Option<i64> {
        self.attributes.sent_timestamp.parse().ok()
    }

    /// Its group, as text.
    pub(crate) fn group(&self) -> Option<&str> {
        self.attributes.message_group_id.as_deref()
    }

    /// The tenant that its group stands for.
    pub(crate) fn tenant(&self) -> Option<TenantKey> {
        self.group()?.parse().ok().map(TenantKey)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use aws_lambda_events::event::sqs::SqsEvent;

    use super::*;

    fn example() -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/lambda/");
        fs::read_to_string(format!("{folder}render-queue.json")).unwrap()
    }

    #[test]
    fn a_batch_reads_as_in_aws_lambda_events() {
        let ours: Event = serde_json::from_str(&example()).unwrap();
        let theirs: SqsEvent = serde_json::from_str(&example()).unwrap();
        assert_eq!(ours.records.len(), 2);
        assert_eq!(ours.records.len(), theirs.records.len());
        for (ours, theirs) in ours.records.iter().zip(theirs.records) {
            let attribute = |name: &str| theirs.attributes[name].clone();
            assert_eq!(Some(&ours.message_id), theirs.message_id.as_ref());
            assert_eq!(Some(&ours.body), theirs.body.as_ref());
            assert_eq!(Some(&ours.queue), theirs.event_source_arn.as_ref());
            let receives = ours.receives().to_string();
            assert_eq!(receives, attribute("ApproximateReceiveCount"));
            let sent_at = ours.sent_at().map(|at| at.to_string());
            assert_eq!(sent_at, Some(attribute("SentTimestamp")));
            assert_eq!(ours.group(), Some(&*attribute("MessageGroupId")));
            assert!(ours.tenant().is_some());
        }
    }

    #[test]
    fn a_message_without_attributes_is_read_as_received_once() {
        for attributes in ["", r#","attributes":{"ApproximateReceiveCount":"?"}"#] {
            let json = format!(r#"{{"Records":[{{"messageId":"m","body":"b"{attributes}}}]}}"#);
            let event: Event = serde_json::from_str(&json).unwrap();
            let record = &event.records[0];
            assert_eq!(record.receives(), 1);
            assert_eq!((record.sent_at(), record.tenant()), (None, None));
        }
        assert!(serde_json::from_str::<Event>("{}").is_err());
    }
}
