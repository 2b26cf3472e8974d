//! Start: a job or a voice model gets an execution, and one at a time.

use aws_sdk_sfn::{
    error::{BoxError, SdkError},
    operation::{describe_execution::DescribeExecutionError, start_execution::StartExecutionError},
    types::ExecutionStatus,
};
use contract::Time;
use domain::{JobId, Work, WorkId};
use store::{Store, StoreError};

use crate::{Executions, execution_arn};

/// Why a job was not started. Starting it again is safe.
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
    /// Step Functions did not return the state of an execution.
    #[error("reading the state of the execution {name}")]
    Describe {
        /// The execution's name.
        name: String,
        /// What Step Functions said.
        source: BoxError,
    },
    /// What is to be restarted could not be read or written on the way.
    #[error("restarting {id}")]
    Restart {
        /// The job or voice model.
        id: WorkId,
        /// What went wrong.
        source: StoreError,
    },
}

impl StartError {
    /// Whether it would meet every other execution, too: Step Functions is away, or refuses the
    /// function. The names and inputs are the studio's own, so it never refuses one alone.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Start { .. } | Self::Describe { .. } => true,
            Self::Restart { .. } => false,
        }
    }
}

/// What [`Executions::resume`] found or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// Its execution is running, or it waits for its turn without one; it was left alone.
    Running,
    /// It is closed.
    Closed,
    /// Its execution was started or restarted.
    Started,
}

/// The state of the latest execution of a job or a voice model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// It is running.
    Running,
    /// It ended, however it did.
    Ended,
    /// It was never started.
    Missing,
}

impl Executions {
    /// Starts the execution of `job`. If there is one of that name, now or within 90 days, that is
    /// fine if it is running or has closed the job; otherwise the job is restarted under the next
    /// name, and the sweep looks after it from `deadline` on.
    ///
    /// # Errors
    /// A [`StartError`].
    pub async fn start(&self, store: &Store, job: JobId, deadline: Time) -> Result<(), StartError> {
        let id = WorkId::Job(job);
        if self.begin(id, &job.to_string()).await? == NameTaken::Yes {
            let failed = |source| StartError::Restart { id, source };
            let job = store.job(job).await.map_err(failed)?;
            self.resume(store, job, deadline).await?;
        }
        Ok(())
    }

    /// Makes sure that open work, a job or a voice model as it was just read from `store`, has an
    /// execution that is running. If it is restarted, the sweep looks after it from `deadline` on.
    ///
    /// # Errors
    /// A [`StartError`].
    pub async fn resume<W: Work>(
        &self,
        store: &Store,
        work: W,
        deadline: Time,
    ) -> Result<Resumed, StartError> {
        let id = work.id();
        let failed = |source| StartError::Restart { id, source };
        if work.is_closed() {
            return Ok(Resumed::Closed);
        }
        // What gives it a slot starts its execution.
        if work.is_in_line() {
            return Ok(Resumed::Running);
        }
        match self.state_of(&work).await? {
            Execution::Running => return Ok(Resumed::Running),
            // Under the name that it was to have, so that two callers at the same moment start the
            // same execution.
            Execution::Missing => {
                self.begin(id, &work.execution_name()).await?;
                return Ok(Resumed::Started);
            }
            Execution::Ended => {}
        }
        // Between the two reads the execution may have closed the work or left it to wait for its
        // turn, and another caller may have restarted it.
        let latest = store.reload(&work).await.map_err(failed)?;
        if latest.is_closed() {
            return Ok(Resumed::Closed);
        }
        if latest.execution_name() != work.execution_name() || latest.is_in_line() {
            return Ok(Resumed::Running);
        }
        let restarted = latest.restarted(deadline);
        let restarted = store.save(restarted).await.map_err(failed)?;
        self.begin(id, &restarted.execution_name()).await?;
        Ok(Resumed::Started)
    }

    /// The state of the latest execution of `work`.
    ///
    /// # Errors
    /// A [`StartError`].
    pub async fn state_of<W: Work>(&self, work: &W) -> Result<Execution, StartError> {
        let name = work.execution_name();
        let arn = execution_arn(self.state_machine(work.id()), &name);
        match self
            .sfn
            .describe_execution()
            .execution_arn(arn)
            .send()
            .await
        {
            Ok(execution) => match execution.status() {
                ExecutionStatus::Running | ExecutionStatus::PendingRedrive => {
                    Ok(Execution::Running)
                }
                _ => Ok(Execution::Ended),
            },
            Err(SdkError::ServiceError(error))
                if matches!(
                    error.err(),
                    DescribeExecutionError::ExecutionDoesNotExist(_)
                ) =>
            {
                Ok(Execution::Missing)
            }
            Err(error) => Err(StartError::Describe {
                name,
                source: error.into(),
            }),
        }
    }

    /// Starts the execution `name` of a job or a voice model, unless there is one. The input is the
    /// id alone: the same bytes each time.
    async fn begin(&self, id: WorkId, name: &str) -> Result<NameTaken, StartError> {
        let input = match id {
            WorkId::Job(job) => format!(r#"{{"jobId":"{job}"}}"#),
            WorkId::Voice(voice) => format!(r#"{{"voiceModelId":"{voice}"}}"#),
        };
        let start = self
            .sfn
            .start_execution()
            .state_machine_arn(self.state_machine(id))
            .name(name)
            .input(input);
        match start.send().await {
            Ok(_) => Ok(NameTaken::No),
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), StartExecutionError::ExecutionAlreadyExists(_)) =>
            {
                Ok(NameTaken::Yes)
            }
            Err(error) => Err(StartError::Start {
                name: name.to_owned(),
                source: error.into(),
            }),
        }
    }
}

/// Whether there was an execution of the name before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NameTaken {
    Yes,
    No,
}
