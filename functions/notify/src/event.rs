//! An event of SQS's event source mapping, as Lambda sends it, and the partial batch response. The
//! response works only on a mapping with `FunctionResponseTypes: [ReportBatchItemFailures]`. Source:
//! "Handling errors for an SQS event source in Lambda" in the Lambda guide.

use serde::{Deserialize, Serialize};

/// A batch of messages of the queue of notices.
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
}

/// The answer to a batch.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchResponse {
    /// The messages that come again. Empty if the whole batch is done.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// One message that comes again.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchItemFailure {
    /// Its id.
    pub item_identifier: String,
}

#[cfg(test)]
mod tests {
    use std::fs;

    use aws_lambda_events::event::sqs::SqsEvent;

    use super::*;

    #[test]
    fn a_batch_reads_as_in_aws_lambda_events() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/lambda/");
        let example = fs::read_to_string(format!("{folder}notices.json")).unwrap();
        let ours: Event = serde_json::from_str(&example).unwrap();
        let theirs: SqsEvent = serde_json::from_str(&example).unwrap();
        assert_eq!(ours.records.len(), 1);
        for (ours, theirs) in ours.records.iter().zip(theirs.records) {
            assert_eq!(Some(&ours.message_id), theirs.message_id.as_ref());
            assert_eq!(Some(&ours.body), theirs.body.as_ref());
            assert!(queue::Notice::read(&ours.body).is_ok());
        }
        assert!(serde_json::from_str::<Event>("{}").is_err());
    }
}
