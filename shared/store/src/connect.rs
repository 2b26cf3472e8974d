//! The first connection to DynamoDB, made in the init phase.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::error::SdkError;
use runtime::chain;
use tokio::time::timeout;

use crate::{Key, Store};

impl Store {
    /// Connects to DynamoDB, within `within`. A table that is not reachable yet is a warning: the
    /// first invocation finds out.
    pub async fn connect(&self, within: Duration) {
        // An item that never exists. Every function that connects may read what begins like it.
        let key = Key {
            pk: "inbound#connect".to_owned(),
            sk: "-".to_owned(),
        };
        let get = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.into_item()))
            .customize();
        let once = aws_sdk_dynamodb::config::Builder::new().retry_config(RetryConfig::disabled());
        match timeout(within, get.config_override(once).send()).await {
            Ok(Ok(_) | Err(SdkError::ServiceError(_))) => tracing::debug!("connected to DynamoDB"),
            Ok(Err(error)) => {
                tracing::warn!(error = chain(&error), "DynamoDB is not reachable yet");
            }
            Err(_) => tracing::warn!(
                "DynamoDB is not reachable yet: it did not answer within {} s",
                within.as_secs()
            ),
        }
    }
}
