//! Start: a job gets an execution, and one at a time.

use aws_sdk_sfn::{
    error::{BoxError, SdkError},
    operation::{describe_execution::DescribeExecutionError, start_execution::StartExecutionError},
    types::ExecutionStatus,
};
use contract::Time;
use domain::{Job, JobId};
use uuid::Uuid;

use kafka::PublishError;
use store::{OutboxEntry, StoreError};

use crate::Outbox;

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
    /// Step Functions did not say how an execution is.
    #[error("asking how the execution {name} is")]
    Describe {
        /// The execution's name.
        name: String,
        /// What Step Functions said.
        source: BoxError,
    },
    /// What is to be started again could not be read or written on the way.
    #[error("starting {id} again")]
    Again {
        /// The job's id, or the voice model's.
        id: Uuid,
        /// What went wrong.
        source: StoreError,
    },
}

/// Why a decision is not published, started and marked.
#[derive(Debug, thiserror::Error)]
pub enum PublishAndStartError {
    /// Kafka may not have it.
    #[error("publishing an outbox entry")]
    Publish(#[from] PublishError),
    /// Its jobs may not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It is not marked published.
    #[error("marking an outbox entry published")]
    Mark(#[from] StoreError),
}

/// What was found, or done, when a job was to have an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// Its execution goes on; it was left alone.
    Running,
    /// It is closed.
    Closed,
    /// Its execution was started, or started again.
    Started,
}

/// How a job's latest execution is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// It goes on.
    Running,
    /// It ended, however it did.
    Ended,
    /// It was never started.
    Missing,
}

impl Outbox {
    /// Starts the execution of `job`. If there is one of that name, now or within 90 days, that is
    /// fine if it goes on or has closed the job; else the job is started again under the next name.
    ///
    /// # Errors
    /// A [`StartError`].
    pub async fn start(&self, job: JobId, now: Time) -> Result<(), StartError> {
        if self.begin_render(&job.to_string(), job).await? == NameTaken::Yes {
            self.resume(job, now).await?;
        }
        Ok(())
    }

    /// Publishes what was committed and starts its jobs, then marks it published: for a decision
    /// that comes alone.
    ///
    /// # Errors
    /// A [`PublishAndStartError`]; doing it again is safe.
    pub async fn publish_and_start(
        &self,
        entry: &OutboxEntry,
        now: Time,
    ) -> Result<(), PublishAndStartError> {
        self.publish(&[entry])
            .await
            .into_iter()
            .collect::<Result<(), PublishError>>()?;
        for job in &entry.starts {
            self.start(*job, now).await?;
        }
        self.store.mark_published(entry).await?;
        Ok(())
    }

    /// Makes sure that an open job has an execution that goes on.
    ///
    /// # Errors
    /// A [`StartError`].
    pub async fn resume(&self, job: JobId, now: Time) -> Result<Resumed, StartError> {
        let failed = |source| StartError::Again { id: job.0, source };
        let before = self.store.job(job).await.map_err(failed)?;
        if before.is_closed() {
            return Ok(Resumed::Closed);
        }
        match self.execution_of(&before).await? {
            Execution::Running => return Ok(Resumed::Running),
            // Under the name it was to have, so that whoever starts it at this moment starts the
            // same one.
            Execution::Missing => {
                self.begin_render(&before.execution_name(), job).await?;
                return Ok(Resumed::Started);
            }
            Execution::Ended => {}
        }
        // The execution may have closed the job between the two looks, and somebody else may have
        // started it again.
        let job_now = self.store.job(job).await.map_err(failed)?;
        if job_now.is_closed() {
            return Ok(Resumed::Closed);
        }
        if job_now.restarts != before.restarts {
            return Ok(Resumed::Running);
        }
        let deadline = self.deadline(now);
        let restarted = self
            .store
            .save_job(job_now.restarted(deadline))
            .await
            .map_err(failed)?;
        self.begin_render(&restarted.execution_name(), job).await?;
        Ok(Resumed::Started)
    }

    /// How `job`'s latest execution is.
    ///
    /// # Errors
    /// A [`StartError`].
    pub async fn execution_of(&self, job: &Job) -> Result<Execution, StartError> {
        self.execution(&self.render_state_machine, &job.execution_name())
            .await
    }

    /// How the execution `name` of a state machine is.
    pub(crate) async fn execution(
        &self,
        state_machine: &str,
        name: &str,
    ) -> Result<Execution, StartError> {
        match self
            .sfn
            .describe_execution()
            .execution_arn(execution_arn(state_machine, name))
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
                name: name.to_owned(),
                source: error.into(),
            }),
        }
    }

    /// Starts the execution `name` of `job`, unless there is one. The input is the job's id alone:
    /// the same bytes each time.
    async fn begin_render(&self, name: &str, job: JobId) -> Result<NameTaken, StartError> {
        self.begin(
            &self.render_state_machine,
            name,
            format!(r#"{{"jobId":"{job}"}}"#),
        )
        .await
    }

    /// Starts the execution `name` of a state machine, unless there is one.
    pub(crate) async fn begin(
        &self,
        state_machine: &str,
        name: &str,
        input: String,
    ) -> Result<NameTaken, StartError> {
        let start = self
            .sfn
            .start_execution()
            .state_machine_arn(state_machine)
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
pub(crate) enum NameTaken {
    Yes,
    No,
}

/// The ARN of the execution `name` of a state machine.
pub(crate) fn execution_arn(state_machine: &str, name: &str) -> String {
    format!(
        "{}:{name}",
        state_machine.replacen(":stateMachine:", ":execution:", 1)
    )
}
