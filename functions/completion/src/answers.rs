//! Saves what a provider answered. Only the invocation that got an answer knows it, so it outlasts
//! trouble at DynamoDB for a while.

use std::time::{Duration, Instant};

use domain::Job;
use store::{Rounds, StoreError};

use crate::{App, put_down::put_down, step::StepError, usage::spent};

/// How long a save is tried again. The longest request to a provider, this, and putting the answer
/// down are below the function's timeout together.
const AT_MOST: Duration = Duration::from_secs(60);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why an answer is not saved.
#[derive(Debug)]
pub(crate) enum Unsaved {
    /// Another writer changed the job. What the answer cost is counted.
    Contended,
    /// The table does not take it, and it is put down in the bucket: the step that is taken again
    /// learns it from there.
    PutDown(StoreError),
    /// Neither takes it, or the table never will.
    Lost(StoreError),
}

impl From<Unsaved> for StepError {
    fn from(unsaved: Unsaved) -> Self {
        match unsaved {
            Unsaved::Contended => Self::Store(StoreError::Contended),
            Unsaved::PutDown(error) | Unsaved::Lost(error) => Self::Store(error),
        }
    }
}

/// Writes `job`, which holds a provider's answer. Repeating the write is safe: it finds itself. If
/// another writer closed the attempt meanwhile, its cost is counted nevertheless. If the table does
/// not take it for a minute, the answer is put down in the bucket.
pub(crate) async fn save_answer(app: &App, job: Job) -> Result<Job, Unsaved> {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(250);
    loop {
        match app.store.save(job.clone()).await {
            Ok(job) => return Ok(job),
            Err(StoreError::Write(error)) if begin.elapsed() < AT_MOST => {
                tracing::warn!(job = %job.id, "an answer is not saved yet: {}", runtime::chain(&*error));
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(StoreError::Contended) => {
                if let Err(error) = charge(app, &job).await {
                    tracing::error!(job = %job.id, "what an answer cost is not counted: {}", runtime::chain(&error));
                }
                return Err(Unsaved::Contended);
            }
            Err(error @ StoreError::Write(_)) => {
                return Err(match put_down(app, &job).await {
                    true => Unsaved::PutDown(error),
                    false => Unsaved::Lost(error),
                });
            }
            Err(error) => return Err(Unsaved::Lost(error)),
        }
    }
}

/// Counts what the last attempt of `job` cost, after another writer closed that attempt without
/// knowing the answer: the job was cancelled or failed meanwhile, say.
async fn charge(app: &App, job: &Job) -> Result<(), StoreError> {
    let Some(last) = job.attempts.last() else {
        return Ok(());
    };
    let credits = last.credits();
    if credits == 0 {
        return Ok(());
    }
    let mut rounds = Rounds::default();
    loop {
        rounds.next().await?;
        let Some(charged) = app.store.job(job.id).await?.charged(last.token, credits) else {
            return Ok(());
        };
        match app.store.save(charged).await {
            Ok(_) => {
                spent(app, last.asked, credits).await;
                return Ok(());
            }
            Err(StoreError::Contended) => {}
            Err(error) => return Err(error),
        }
    }
}
