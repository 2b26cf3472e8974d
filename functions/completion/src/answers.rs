//! Saves what a provider answered. Only the invocation that got an answer knows it, so it outlasts
//! trouble at DynamoDB for a while.

use std::time::{Duration, Instant};

use domain::{Attempt, Job, ProviderId};
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
                charge_last(app, &job, job.attempts.last().map_or(0, Attempt::credits)).await;
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

/// Counts `credits` that the last attempt of `job` cost, after another writer closed that attempt
/// without knowing them: the job was cancelled or failed meanwhile, say. They are counted once,
/// however often this is called.
pub(crate) async fn charge_last(app: &App, job: &Job, credits: u64) {
    let Some(last) = job.attempts.last().filter(|_| credits > 0) else {
        return;
    };
    if let Err(error) = charge(app, job, last, credits).await {
        tracing::error!(
            job = %job.id, credits,
            "what an answer cost is not counted: {}", runtime::chain(&error)
        );
    }
}

async fn charge(
    app: &App,
    job: &Job,
    last: &Attempt<ProviderId>,
    credits: u64,
) -> Result<(), StoreError> {
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
