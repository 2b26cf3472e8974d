//! Saves what a provider answered. Only the invocation that got an answer knows it, so it outlasts
//! trouble at DynamoDB for a while.

use std::time::{Duration, Instant};

use domain::{Job, Outcome};
use store::{Rounds, StoreError};
use work::spent;

use crate::App;

/// How long a save is tried again. The longest request to a provider and this are below the
/// function's timeout together.
const AT_MOST: Duration = Duration::from_secs(75);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Writes `job`, which holds a provider's answer. Repeating the write is safe: it finds itself. If
/// another writer closed the attempt meanwhile, its cost is counted nevertheless.
pub(crate) async fn save_answer(app: &App, job: Job) -> Result<Job, StoreError> {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(250);
    loop {
        match app.store.save(job.clone()).await {
            Err(StoreError::Write(error)) if begin.elapsed() < AT_MOST => {
                tracing::warn!(job = %job.id, %error, "an answer is not saved yet");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(StoreError::Contended) => {
                if let Err(error) = charge(app, &job).await {
                    tracing::error!(job = %job.id, "what an answer cost is not counted: {}", runtime::chain(&error));
                }
                return Err(StoreError::Contended);
            }
            saved => return saved,
        }
    }
}

/// Counts what the last attempt of `job` cost, after another writer closed that attempt without
/// knowing the answer: the job was cancelled or failed meanwhile, say.
async fn charge(app: &App, job: &Job) -> Result<(), StoreError> {
    let Some(last) = job.attempts.last() else {
        return Ok(());
    };
    let credits = last.outcome.as_ref().map_or(0, Outcome::credits);
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
                spent(&app.telemetry, last.asked, credits);
                return Ok(());
            }
            Err(StoreError::Contended) => {}
            Err(error) => return Err(error),
        }
    }
}
