//! Erase: nothing of a tenant's is left but that it was erased.

use std::time::{Duration, Instant};

use contract::{Identifier, Time};
use domain::{JobId, State};
use journal::{Cursor, Erased, Owned, erase_objects};

use crate::{
    App, cancel,
    step::{Reply, StepError},
    submit::LEASE_SECONDS,
    voice,
};

/// How long one step goes on, below the function's timeout: what is left then is the next one's.
const AT_MOST: Duration = Duration::from_secs(200);

/// How much is looked for at once.
const AT_ONCE: i32 = 25;

/// Erases all media of `tenant`, cancels what is being made, and blanks what the studio knows of
/// it. Events from before are not handled any more; one from after it, of a tenant that is still
/// there, is as of a new one. As long as something may be on its way the answer is `erasing`: ask
/// again in a few minutes.
pub(crate) async fn erase_tenant(
    app: &App,
    tenant: &Identifier,
    now: Time,
) -> Result<Reply, StepError> {
    let mut erased = Erased::default();
    let is_all = erase_all(app, tenant, &mut erased, now).await;
    // What was done counts, whatever stopped it.
    app.journal.note_erased(tenant, erased, now).await?;
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

/// Whether nothing is left.
async fn erase_all(
    app: &App,
    tenant: &Identifier,
    erased: &mut Erased,
    now: Time,
) -> Result<bool, StepError> {
    let begin = Instant::now();
    let mut is_all = true;
    let mut cursor = Cursor::default();
    while let Some((owned, next)) = app.journal.owned_by(tenant, cursor, AT_ONCE).await? {
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

/// Whether nothing of it is left.
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
        Owned::Entity(entity) => app.journal.erase_entity(*entity, now).await?,
        Owned::Decision(decision) => app.journal.blank_decision(decision).await?,
        Owned::DeadLetter(record) => app.journal.erase_dead_letter(record, now).await?,
    }
    Ok(true)
}

/// Cancels a job if it is open, has its vendors erase what they have of it, deletes its files, and
/// blanks what it shows. One that was cancelled just now may still be made by an invocation that
/// has not heard of it: that one is done once it must have ended.
async fn erase_job(app: &App, id: JobId, now: Time) -> Result<bool, StepError> {
    cancel::cancel(app, id, now).await?;
    let job = app.journal.job(id).await?;
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
        app.journal.save_job(job.erased(now)).await?;
    }
    Ok(settled)
}

/// Deletes everything of ours whose key begins so, and every version of it; returns how many
/// objects that was.
pub(crate) async fn delete_assets(app: &App, prefix: &str) -> Result<usize, StepError> {
    let erase = erase_objects(&app.s3, &app.config.assets_bucket, prefix).await;
    erase.map_err(StepError::Delete)
}
