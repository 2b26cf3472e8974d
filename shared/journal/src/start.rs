//! Start: a job gets its execution, once.

use aws_sdk_sfn::{
    Client,
    error::{BoxError, SdkError},
    operation::{describe_execution::DescribeExecutionError, start_execution::StartExecutionError},
    types::ExecutionStatus,
};
use jobs::{Job, JobId};

/// Why a job was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Step Functions did not start it.
    #[error("starting the execution {name}")]
    Start {
        /// The execution's name.
        name: String,
        /// What Step Functions said.
        source: BoxError,
    },
    /// Step Functions did not say how an execution is.
    #[error("asking how the execution {name} is")]
    Describe {
        /// The execution's name.
        name: String,
        /// What Step Functions said.
        source: BoxError,
    },
    /// The job could not be read or written on the way.
    #[error("starting the job {job} again")]
    Job {
        /// The job.
        job: JobId,
        /// What went wrong.
        source: crate::KeepError,
    },
}

/// What became of a request to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Started {
    /// It runs, by this call.
    Now,
    /// There is, or was within 90 days, an execution of this name.
    Before,
}

/// How an execution is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Execution {
    /// It goes on.
    Running,
    /// It ended, however it did.
    Ended,
    /// It was never started.
    Missing,
}

/// The journal's half that is the state machine.
#[derive(Debug, Clone)]
pub(crate) struct Executions {
    pub client: Client,
    pub state_machine: String,
}

impl Executions {
    /// Starts the execution `name` of `job`. The input is the job's id alone, so that it is the same bytes each time.
    pub(crate) async fn start(&self, name: &str, job: JobId) -> Result<Started, StartError> {
        let start = self
            .client
            .start_execution()
            .state_machine_arn(&self.state_machine)
            .name(name)
            .input(format!(r#"{{"jobId":"{job}"}}"#));
        match start.send().await {
            Ok(_) => Ok(Started::Now),
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), StartExecutionError::ExecutionAlreadyExists(_)) =>
            {
                Ok(Started::Before)
            }
            Err(error) => Err(StartError::Start { name: name.to_owned(), source: error.into() }),
        }
    }

    /// How `job`'s latest execution is.
    pub(crate) async fn of(&self, job: &Job) -> Result<Execution, StartError> {
        let name = job.execution_name();
        let arn = format!("{}:{name}", self.state_machine.replacen(":stateMachine:", ":execution:", 1));
        match self.client.describe_execution().execution_arn(arn).send().await {
            Ok(execution) => match execution.status() {
                ExecutionStatus::Running | ExecutionStatus::PendingRedrive => Ok(Execution::Running),
                _ => Ok(Execution::Ended),
            },
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), DescribeExecutionError::ExecutionDoesNotExist(_)) =>
            {
                Ok(Execution::Missing)
            }
            Err(error) => Err(StartError::Describe { name, source: error.into() }),
        }
    }
}
