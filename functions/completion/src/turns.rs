//! Turns: a slot that becomes free at a provider goes to whose turn it is.
//!
//! What waits stands in the provider's line and does nothing. The step that releases a lease gives
//! the slot to the next in the line, and so does a job that has just joined the line. The sweep finds
//! a wake-up that was lost, and a lease whose holder died. Waking twice is harmless, because the
//! lease is what counts.

use std::time::{Duration, Instant};

use contract::Time;
use domain::{Caps, Job, LEASE_SECONDS, ProviderId, VoiceModelId, Waiter, Work as _, WorkId};
use executions::StartError;
use store::StoreError;
use work::release;

use crate::App;

/// How long a step begins to give out slots, beside what it is for. The sweep gives out the rest.
const AT_MOST: Duration = Duration::from_secs(10);

/// The most that one call wakes or finds gone: more than there may be slots.
const MOST: usize = 1000;

/// Why a slot may still be free.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TurnError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Releases the lease of `holder`, and gives the slot to whose turn it is.
pub(crate) async fn release_to_next(app: &App, provider: ProviderId, holder: WorkId) {
    release(&app.store, provider, holder).await;
    give_out_for_a_while(app, provider).await;
}

/// Releases the leases of `job`, which is closed, at each provider that may be asked for such a job,
/// and gives the slots to whose turn it is. Of a job that was woken and has asked no provider yet,
/// only its execution's lease says at which it has a slot.
pub(crate) async fn release_all_to_next(app: &App, job: &Job) {
    for provider in app.outbox.routing().of(job.asset) {
        release_to_next(app, *provider, job.id()).await;
    }
}

/// Gives out the free slots of `provider`. What it does not get to is left to the sweep.
pub(crate) async fn give_out_for_a_while(app: &App, provider: ProviderId) {
    // Boxed, because an optimized build computes the layout of all that is awaited in one piece, and
    // many steps await this.
    if let Err(error) = Box::pin(give_out(app, provider, AT_MOST)).await {
        tracing::warn!(%provider, "free slots are left to the sweep: {}", runtime::chain(&error));
    }
}

/// Gives each free slot of `provider` to whose turn it is, and begins with none after `at_most`.
/// Returns how many were given.
pub(crate) async fn give_out(
    app: &App,
    provider: ProviderId,
    at_most: Duration,
) -> Result<usize, TurnError> {
    let Some(caps) = app.config.providers.caps(provider) else {
        return Ok(0);
    };
    let mut given = 0;
    let begun = Instant::now();
    for _ in 0..MOST {
        // Only between two turns. A job whose turn is dropped halfway has a slot, and waits for it
        // until the lease runs out and the next sweep comes: up to eleven minutes.
        if begun.elapsed() > at_most {
            tracing::warn!(%provider, "free slots are left to the sweep: it took too long");
            break;
        }
        let now = crate::now();
        let limits = app.store.limits(provider).await?.current(now);
        let Some(waiter) = app.store.whose_turn(provider, &limits, caps).await? else {
            break;
        };
        given += usize::from(give(app, provider, &waiter, caps, now).await?);
    }
    Ok(given)
}

/// Gives a slot to `waiter`; `false` if it does not wait any more, or if another was faster.
async fn give(
    app: &App,
    provider: ProviderId,
    waiter: &Waiter,
    caps: Caps,
    now: Time,
) -> Result<bool, TurnError> {
    match waiter.work {
        WorkId::Voice(id) => give_to_voice(app, provider, (id, waiter), caps, now).await,
        WorkId::Job(id) => {
            match found(app.store.job(id).await)? {
                Some(job) if job.waits_for() == Some(provider) => {
                    return wake(app, provider, job, caps, now).await;
                }
                Some(job) => app.store.leave_line_until_again(provider, &job).await?,
                None => app.store.leave_line(provider, waiter).await?,
            }
            Ok(false)
        }
    }
}

/// Gives a slot to a waiting job and starts its execution. If this dies on the way, the lease runs
/// out, and the job either stands in the line still or is found by the sweep at its new deadline.
async fn wake(
    app: &App,
    provider: ProviderId,
    job: Job,
    caps: Caps,
    now: Time,
) -> Result<bool, TurnError> {
    let until = now.plus_seconds(LEASE_SECONDS);
    if !app
        .store
        .give_turn(provider, &job, caps, now, until)
        .await?
    {
        return Ok(false);
    }
    let (id, deadline) = (job.id, app.outbox.deadline(now));
    let job = match app.store.save(job.noting_turn(now).woken(deadline)).await {
        Ok(job) => job,
        // It was cancelled, it left an execution and waits anew, or another woke it and it has the
        // lease now. What waits and has a lease is passed over.
        Err(StoreError::Contended) => {
            let job = app.store.job(id).await?;
            if job.is_closed() || job.is_in_line() {
                release(&app.store, provider, WorkId::Job(id)).await;
            }
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    app.store.leave_line_until_again(provider, &job).await?;
    if let Err(error) = app.executions.resume(&app.store, job, deadline).await {
        release(&app.store, provider, WorkId::Job(id)).await;
        return Err(error.into());
    }
    tracing::info!(job = %id, %provider, "it is its turn");
    Ok(true)
}

/// Gives a slot to a voice model. Its execution looks for it every few seconds.
async fn give_to_voice(
    app: &App,
    provider: ProviderId,
    (id, waiter): (VoiceModelId, &Waiter),
    caps: Caps,
    now: Time,
) -> Result<bool, TurnError> {
    let model = found(app.store.voice(id).await)?.filter(|model| !model.is_closed());
    if let Some(model) = &model {
        let until = now.plus_seconds(LEASE_SECONDS);
        let store = &app.store;
        if !store.give_turn(provider, model, caps, now, until).await? {
            return Ok(false);
        }
    }
    app.store.leave_line(provider, waiter).await?;
    Ok(model.is_some())
}

/// What was read; `None` if it is not there any more.
fn found<W>(read: Result<W, StoreError>) -> Result<Option<W>, StoreError> {
    match read {
        Ok(work) => Ok(Some(work)),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
