//! Connect: the first connections are made in the init phase, where a function has a whole
//! processor and no record waits for it.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_sdk_sfn::error::SdkError;
use tokio::{join, time::timeout};

use runtime::chain;

use crate::{Outbox, start};

/// How long the init phase waits for each. What cannot be reached by then is found by the first
/// invocation.
const WITHIN: Duration = Duration::from_secs(3);

impl Outbox {
    /// Connects to Kafka and DynamoDB, at once. What is unreachable is a warning: the function must
    /// come up all the same, and the first invocation finds out.
    pub async fn connect(&self) {
        join!(self.publisher.connect(WITHIN), self.store.connect(WITHIN));
    }

    /// As [`connect`](Self::connect), and to Step Functions.
    pub async fn connect_to_start(&self) {
        join!(self.connect(), self.connect_to_step_functions());
    }

    /// Asks how an execution is that is not there.
    async fn connect_to_step_functions(&self) {
        let describe = self.sfn.describe_execution();
        let describe = describe
            .execution_arn(start::execution_arn(&self.render_state_machine, "connect"))
            .customize();
        let once = aws_sdk_sfn::config::Builder::new().retry_config(RetryConfig::disabled());
        match timeout(WITHIN, describe.config_override(once).send()).await {
            Ok(Ok(_) | Err(SdkError::ServiceError(_))) => {
                tracing::debug!("connected to Step Functions");
            }
            Ok(Err(error)) => {
                tracing::warn!(error = chain(&error), "Step Functions is not reachable yet");
            }
            Err(_) => tracing::warn!(
                "Step Functions is not reachable yet: it did not answer within {} s",
                WITHIN.as_secs()
            ),
        }
    }
}
