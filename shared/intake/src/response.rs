//! What a consumer answers: which records the mapping is to deliver again.

use serde::{Deserialize, Serialize};

/// The partial batch response for Kafka. It works only on a mapping with provisioned pollers and
/// `FunctionResponseTypes: [ReportBatchItemFailures]`; without the flag it is ignored and what it
/// names is lost, so a test holds the template to it. (AWS Lambda guide,
/// kafka-retry-configurations; `aws_lambda_events` has no type for it.)
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// The records to deliver again. Empty: the whole batch is done.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// One record to deliver again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Which one.
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
