//! Dead letters, read from their entries in the table.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::DisplayErrorContext;
use aws_sdk_dynamodb::types::AttributeValue;

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The record's topic.
    pub topic: String,
    /// The record's partition.
    pub partition: i32,
    /// The record's offset.
    pub offset: i64,
    /// The cause, in a sentence that names the place.
    pub cause: String,
    /// The key of the whole record in the dead-letter bucket.
    pub object: String,
}

/// The table cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the table cannot be read: {0}")]
pub struct Error(String);

/// All dead letters, in no particular order.
pub async fn dead_letters(
    dynamodb: &aws_sdk_dynamodb::Client,
    table: &str,
) -> Result<Vec<DeadLetter>, Error> {
    let mut pages = dynamodb
        .scan()
        .table_name(table)
        .consistent_read(true)
        .filter_expression("begins_with(pk, :prefix) AND sk = :record")
        .expression_attribute_values(":prefix", AttributeValue::S("dead-letter#".to_owned()))
        .expression_attribute_values(":record", AttributeValue::S("record".to_owned()))
        .into_paginator()
        .items()
        .send();
    let mut found = Vec::new();
    while let Some(item) = pages.next().await {
        let item = item.map_err(|error| Error(DisplayErrorContext(error).to_string()))?;
        found.push(DeadLetter {
            topic: text(&item, "topic"),
            partition: number(&item, "partition"),
            offset: number(&item, "offset"),
            cause: text(&item, "cause"),
            object: text(&item, "object"),
        });
    }
    Ok(found)
}

fn text(item: &HashMap<String, AttributeValue>, name: &str) -> String {
    item.get(name)
        .and_then(|value| value.as_s().ok())
        .cloned()
        .unwrap_or_default()
}

fn number<N: std::str::FromStr + From<i8>>(
    item: &HashMap<String, AttributeValue>,
    name: &str,
) -> N {
    let value = item.get(name).and_then(|value| value.as_n().ok());
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| N::from(-1))
}
