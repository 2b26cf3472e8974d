//! The executions of long jobs and of voice models: started, resumed and looked at, one at a time
//! for each. The only crate that knows Step Functions.

mod config;
mod go_on;
mod start;

use aws_config::SdkConfig;
use domain::WorkId;

pub use config::Config;
pub use go_on::GoOnError;
pub use start::{Execution, Resumed, StartError};

/// The state machines. A clone costs little: it shares the connections.
#[derive(Debug, Clone)]
pub struct Executions {
    sfn: aws_sdk_sfn::Client,
    config: Config,
}

impl Executions {
    /// The executions of the state machines that `config` names. Makes no call yet.
    #[must_use]
    pub fn new(config: Config, aws: &SdkConfig) -> Self {
        Self {
            sfn: aws_sdk_sfn::Client::new(aws),
            config,
        }
    }

    fn state_machine(&self, id: WorkId) -> &str {
        match id {
            WorkId::Job(_) => &self.config.render_state_machine,
            WorkId::Voice(_) => &self.config.voice_state_machine,
        }
    }
}

/// The ARN of the execution `name` of a state machine.
fn execution_arn(state_machine: &str, name: &str) -> String {
    format!(
        "{}:{name}",
        state_machine.replacen(":stateMachine:", ":execution:", 1)
    )
}
