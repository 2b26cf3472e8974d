//! A consumer's answer: the records that the mapping must redeliver.

use serde::{Deserialize, Serialize};

/// The partial batch response for Kafka. It works only on a mapping with provisioned pollers and
/// `FunctionResponseTypes: [ReportBatchItemFailures]`. Without the flag the mapping ignores the
/// response and the named records are lost, so a test checks the template for it. (AWS Lambda
/// guide, kafka-retry-configurations; `aws_lambda_events` has no type for it.)
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// The records to redeliver. Empty if the whole batch is done.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// One record to redeliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Its coordinates.
    pub item_identifier: ItemIdentifier,
}

/// The coordinates of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemIdentifier {
    /// `<topic>-<partition>`, as in the batch.
    pub partition: String,
    /// Its offset.
    pub offset: i64,
}
