//! Erase: removes everything of a tenant; only the fact of its erasure remains.

use std::time::{Duration, Instant};

use contract::{Identifier, Time};
use domain::{JobId, State};
use store::{Cursor, Erased, Owned};

use crate::{
    App,
    assets::delete_assets,
    leases::LEASE_SECONDS,
    step::{Reply, StepError},
    steps::{cancel, voice},
};

/// The longest run of one step, below the function's timeout; the next step does the rest.
const AT_MOST: Duration = Duration::from_secs(200);

/// The number of items read at once.
const AT_ONCE: i32 = 25;

/// Erases all media of `tenant`, cancels its open jobs, and blanks the stored facts about it.
/// Events from before the erasure are ignored from now on. If the tenant still exists, a later
/// event is handled like one of a new tenant. The reply is `erasing` while requests may still be in
/// flight: repeat the step in a few minutes.
pub(crate) async fn erase_tenant(
    app: &App,
    tenant: &Identifier,
    now: Time,
) -> Result<Reply, StepError> {
    let mut erased = Erased::default();
    let is_all = erase_all(app, tenant, &mut erased, now).await;
    // The counts are stored even if the run failed.
    app.store.note_erased(tenant, erased, now).await?;
    let Erased {
        jobs,
        voices,
        entities,
        decisions,
        records,
    } = erased;
    Ok(match is_all? {
        true => Reply::Erased {
            jobs,
            voices,
            entities,
            decisions,
            records,
        },
        false => Reply::Erasing {
            jobs,
            voices,
            entities,
            decisions,
            records,
        },
    })
}

/// Erases all that the tenant owns; `false` if something is left.
async fn erase_all(
    app: &App,
    tenant: &Identifier,
    erased: &mut Erased,
    now: Time,
) -> Result<bool, StepError> {
    let begin = Instant::now();
    let mut is_all = true;
    let mut cursor = Cursor::default();
    while let Some((owned, next)) = app.store.owned_by(tenant, cursor, AT_ONCE).await? {
        for one in &owned {
            if begin.elapsed() > AT_MOST {
                return Ok(false);
            }
            if !erase_one(app, tenant, one, now).await? {
                is_all = false;
                continue;
            }
            *match one {
                Owned::Job(_) => &mut erased.jobs,
                Owned::Voice(_) => &mut erased.voices,
                Owned::Entity(_) => &mut erased.entities,
                Owned::Decision(_) => &mut erased.decisions,
                Owned::DeadLetter(_) => &mut erased.records,
            } += 1;
        }
        cursor = next;
    }
    Ok(is_all)
}

/// Erases one item; `false` if it is not fully erased yet.
async fn erase_one(
    app: &App,
    tenant: &Identifier,
    one: &Owned,
    now: Time,
) -> Result<bool, StepError> {
    match one {
        Owned::Job(job) => return erase_job(app, *job, now).await,
        Owned::Voice(voice) => {
            return Ok(voice::erase(app, *voice, tenant, now).await? == Reply::VoiceErased);
        }
        Owned::Entity(entity) => app.store.erase_entity(*entity, now).await?,
        Owned::Decision(decision) => app.store.blank_decision(decision).await?,
        Owned::DeadLetter(record) => app.dead_letters.erase(record, now).await?,
    }
    Ok(true)
}

/// Cancels the job if it is open, erases the vendors' copies, deletes its files, and blanks its
/// facts. If the job was cancelled just now, an invocation that has not noticed may still make its
/// asset, so the job counts as erased only after that invocation must have ended.
async fn erase_job(app: &App, id: JobId, now: Time) -> Result<bool, StepError> {
    cancel::cancel(app, id, now).await?;
    let job = app.store.job(id).await?;
    let settled = match job.state {
        State::Erased { .. } => return Ok(true),
        State::Cancelled { at } => now >= at.plus_seconds(LEASE_SECONDS),
        State::Created
        | State::Submitted { .. }
        | State::Completed { .. }
        | State::Failed { .. } => true,
    };
    for attempt in &job.attempts {
        if let Some(ticket) = &attempt.ticket {
            app.providers
                .erase(attempt.provider, ticket)
                .await
                .map_err(StepError::Provider)?;
        }
    }
    delete_assets(app, &job.folder()).await?;
    if settled {
        app.store.save_job(job.erased(now)).await?;
    }
    Ok(settled)
}
