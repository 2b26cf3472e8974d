//! The first connection to Step Functions, made in the init phase.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_sdk_sfn::error::SdkError;
use runtime::chain;
use tokio::time::timeout;

use crate::{Executions, execution_arn};

impl Executions {
    /// Asks how an execution is that is not there, within a time that the init phase can wait. What
    /// is unreachable is a warning: the first invocation finds out.
    pub async fn connect(&self, within: Duration) {
        let describe = self.sfn.describe_execution();
        let describe = describe
            .execution_arn(execution_arn(&self.config.render_state_machine, "connect"))
            .customize();
        let once = aws_sdk_sfn::config::Builder::new().retry_config(RetryConfig::disabled());
        match timeout(within, describe.config_override(once).send()).await {
            Ok(Ok(_) | Err(SdkError::ServiceError(_))) => {
                tracing::debug!("connected to Step Functions");
            }
            Ok(Err(error)) => {
                tracing::warn!(error = chain(&error), "Step Functions is not reachable yet");
            }
            Err(_) => tracing::warn!(
                "Step Functions is not reachable yet: it did not answer within {} s",
                within.as_secs()
            ),
        }
    }
}
