//! Keeps a decision in DynamoDB, then tells Kafka and starts executions. The only crate that knows any of the three.
//!
//! Keep, tell, start, then acknowledge: whoever calls these in that order and returns success only after the last of them loses
//! nothing, whatever dies in between, because the next delivery finds the decision and goes on from it.

mod authentication;
mod config;
mod items;
mod keep;
mod set_aside;
mod start;
mod tell;

use aws_config::SdkConfig;
use events::Time;
use jobs::{Cause, Decision, Description, EntityState, Job, JobId};

pub use config::{Authentication, Config, ConfigError, aws_config_from_env};
pub use items::{ItemError, Kept};
pub use keep::KeepError;
pub use set_aside::{SetAside, SetAsideError};
pub use start::StartError;
pub use tell::{MESSAGE_TIMEOUT, TellError, chain};

use keep::Table;
use set_aside::Shelf;
use start::{Execution, Executions, Started};
use tell::Teller;

/// What is true, and who is told. One for each execution environment, made in its init phase.
pub struct Journal {
    table: Table,
    shelf: Shelf,
    executions: Executions,
    teller: Teller,
    deadline_seconds: u32,
}

/// What the sweep did with an overdue job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// Its execution goes on; it was left alone.
    Running,
    /// It was closed meanwhile.
    Closed,
    /// A new execution was started.
    Started,
}

impl Journal {
    /// A journal that writes where `config` says. Makes no call yet.
    #[must_use]
    pub fn new(config: Config, aws: &SdkConfig) -> Self {
        Self {
            table: Table { client: aws_sdk_dynamodb::Client::new(aws), name: config.table },
            shelf: Shelf { client: aws_sdk_s3::Client::new(aws), bucket: config.set_aside_bucket },
            executions: Executions {
                client: aws_sdk_sfn::Client::new(aws),
                state_machine: config.render_state_machine,
            },
            teller: Teller::new(config.bootstrap_servers, config.authentication),
            deadline_seconds: config.render_deadline_seconds,
        }
    }

    /// Connects to Kafka, in the init phase. An unreachable broker is a warning: the function must come up all the same.
    pub async fn connect(&self) {
        self.teller.connect().await;
    }

    /// Decides `cause`, which says `description`, and keeps the decision; or finds the decision kept before.
    ///
    /// # Errors
    /// A [`KeepError`]; nothing was kept then.
    pub async fn keep(&self, cause: &Cause, description: &Description, now: Time) -> Result<Kept, KeepError> {
        let deadline = now.plus_seconds(self.deadline_seconds);
        self.table.keep_cause(cause, description, now, deadline).await
    }

    /// Decides `step` of `job` and keeps the decision; or finds the one kept before. `None`: there is nothing to decide, and
    /// there was not before.
    ///
    /// # Errors
    /// A [`KeepError`]; nothing was kept then.
    pub async fn keep_step(
        &self,
        job: JobId,
        step: &str,
        now: Time,
        decide: impl Fn(Job, EntityState) -> Option<Decision>,
    ) -> Result<Option<Kept>, KeepError> {
        self.table.keep_step(job, step, now, decide).await
    }

    /// Tells Kafka what was kept, in the order given and pipelined, and waits for every acknowledgement. One result for each
    /// decision. A decision that was told before is not told again.
    pub async fn tell(&self, kept: &[&Kept]) -> Vec<Result<(), TellError>> {
        let lists: Vec<_> = kept.iter().map(|kept| if kept.told { &[][..] } else { &kept.events[..] }).collect();
        self.teller.tell(&lists).await
    }

    /// Notes that Kafka has a decision's events.
    ///
    /// # Errors
    /// A [`KeepError`]; the events are told again then, with the same bytes.
    pub async fn mark_told(&self, kept: &Kept) -> Result<(), KeepError> {
        if kept.told { Ok(()) } else { self.table.mark_told(kept).await }
    }

    /// Starts the execution of `job`. An execution of that name is success if it goes on or has closed the job; else the job is
    /// started again under the next name.
    ///
    /// # Errors
    /// A [`StartError`]; starting again is safe.
    pub async fn start(&self, job: JobId, now: Time) -> Result<(), StartError> {
        match self.executions.start(&job.to_string(), job).await? {
            Started::Now => Ok(()),
            Started::Before => self.resume(job, now).await.map(|_| ()),
        }
    }

    /// Makes sure that an open job has an execution that goes on.
    ///
    /// # Errors
    /// A [`StartError`]; doing it again is safe.
    pub async fn resume(&self, job: JobId, now: Time) -> Result<Resumed, StartError> {
        let failed = |source| StartError::Job { job, source };
        let before = self.table.job(job).await.map_err(failed)?;
        if before.is_closed() {
            return Ok(Resumed::Closed);
        }
        match self.executions.of(&before).await? {
            Execution::Running => return Ok(Resumed::Running),
            // Under its own name, so that a consumer that starts it at this moment starts the same one.
            Execution::Missing => {
                self.executions.start(&before.execution_name(), job).await?;
                return Ok(Resumed::Started);
            }
            Execution::Ended => {}
        }
        // The execution may have closed the job between the two looks.
        let job_now = self.table.job(job).await.map_err(failed)?;
        if job_now.is_closed() {
            return Ok(Resumed::Closed);
        }
        let deadline = now.plus_seconds(self.deadline_seconds);
        let restarted = self.table.save_job(job_now.restarted(deadline)).await.map_err(failed)?;
        self.executions.start(&restarted.execution_name(), job).await?;
        Ok(Resumed::Started)
    }

    /// Whether `job`'s latest execution goes on.
    ///
    /// # Errors
    /// A [`StartError`].
    pub async fn is_running(&self, job: &Job) -> Result<bool, StartError> {
        Ok(self.executions.of(job).await? == Execution::Running)
    }

    /// Tells and marks the decision that opened `job`, if that has not been done: a job's `created` comes before its execution.
    ///
    /// # Errors
    /// The [`TellCauseError`] of the half that failed.
    pub async fn tell_cause_of(&self, job: &Job) -> Result<(), TellCauseError> {
        let Some(kept) = self.table.decision(items::Key::cause(job.cause)).await? else { return Ok(()) };
        if !kept.told {
            self.tell(&[&kept]).await.into_iter().collect::<Result<(), _>>()?;
            self.table.mark_told(&kept).await?;
        }
        Ok(())
    }

    /// The job as it is.
    ///
    /// # Errors
    /// A [`KeepError`].
    pub async fn job(&self, job: JobId) -> Result<Job, KeepError> {
        self.table.job(job).await
    }

    /// Writes `job` back if nobody else wrote it since it was read; returns it as it now is.
    ///
    /// # Errors
    /// [`KeepError::Contended`] if somebody else did.
    pub async fn save_job(&self, job: Job) -> Result<Job, KeepError> {
        self.table.save_job(job).await
    }

    /// Open jobs whose deadline is before `now`.
    ///
    /// # Errors
    /// A [`KeepError`].
    pub async fn overdue_jobs(&self, now: Time, most_of_a_shard: i32) -> Result<Vec<JobId>, KeepError> {
        self.table.overdue_jobs(now, most_of_a_shard).await
    }

    /// Sets a record aside that can never succeed.
    ///
    /// # Errors
    /// A [`SetAsideError`]; doing it again is safe.
    pub async fn set_aside(&self, record: &SetAside, now: Time) -> Result<(), SetAsideError> {
        self.shelf.set_aside(&self.table, record, now).await
    }
}

/// Why the decision that opened a job could not be told.
#[derive(Debug, thiserror::Error)]
pub enum TellCauseError {
    /// It could not be read or marked.
    #[error("reading or marking the decision that opened the job")]
    Keep(#[from] KeepError),
    /// Kafka does not have it.
    #[error("telling the decision that opened the job")]
    Tell(#[from] TellError),
}
