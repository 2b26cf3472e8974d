//! Erase: nothing of a tenant's is left but that it was erased.

use std::time::{Duration, Instant};

use events::{Identifier, Time};
use jobs::{JobId, State};
use journal::{Cursor, Erased, Owned, erase_objects};

use crate::{
    Studio, cancel,
    step::{Reply, StepError},
    submit::LEASE_SECONDS,
    voice,
};

/// How long one step goes on, below the function's timeout: what is left then is the next one's.
const AT_MOST: Duration = Duration::from_secs(200);

/// How much is looked for at once.
const AT_ONCE: i32 = 25;

/// Erases all media of `tenant`, cancels what is being made, and blanks what the studio knows of it. Events from before are not handled any
/// more; one from after it, of a tenant that is still there, is as of a new one. As long as something may be on its way the answer is
/// `erasing`: ask again in a few minutes.
pub(crate) async fn erase_tenant(studio: &Studio, tenant: &Identifier, now: Time) -> Result<Reply, StepError> {
    let mut erased = Erased::default();
    let is_all = erase_all(studio, tenant, &mut erased, now).await;
    // What was done counts, whatever stopped it.
    studio.journal.note_erased(tenant, erased, now).await?;
    let Erased { jobs, voices, entities, decisions, records } = erased;
    Ok(match is_all? {
        true => Reply::Erased { jobs, voices, entities, decisions, records },
        false => Reply::Erasing { jobs, voices, entities, decisions, records },
    })
}

/// Whether nothing is left.
async fn erase_all(studio: &Studio, tenant: &Identifier, erased: &mut Erased, now: Time) -> Result<bool, StepError> {
    let begin = Instant::now();
    let mut is_all = true;
    let mut cursor = Cursor::default();
    while let Some((owned, next)) = studio.journal.owned_by(tenant, cursor, AT_ONCE).await? {
        for one in &owned {
            if begin.elapsed() > AT_MOST {
                return Ok(false);
            }
            if !erase_one(studio, tenant, one, now).await? {
                is_all = false;
                continue;
            }
            *match one {
                Owned::Job(_) => &mut erased.jobs,
                Owned::Voice(_) => &mut erased.voices,
                Owned::Entity(_) => &mut erased.entities,
                Owned::Decision(_) => &mut erased.decisions,
                Owned::SetAside(_) => &mut erased.records,
            } += 1;
        }
        cursor = next;
    }
    Ok(is_all)
}

/// Whether nothing of it is left.
async fn erase_one(studio: &Studio, tenant: &Identifier, one: &Owned, now: Time) -> Result<bool, StepError> {
    match one {
        Owned::Job(job) => return erase_job(studio, *job, now).await,
        Owned::Voice(voice) => return Ok(voice::erase(studio, *voice, tenant, now).await? == Reply::VoiceErased),
        Owned::Entity(entity) => studio.journal.erase_entity(*entity, now).await?,
        Owned::Decision(decision) => studio.journal.blank_decision(decision).await?,
        Owned::SetAside(record) => studio.journal.erase_set_aside(record, now).await?,
    }
    Ok(true)
}

/// Cancels a job if it is open, has its vendors erase what they have of it, deletes its files, and blanks what it shows. One that was
/// cancelled just now may still be made by an invocation that has not heard of it: that one is done once it must have ended.
async fn erase_job(studio: &Studio, id: JobId, now: Time) -> Result<bool, StepError> {
    cancel::cancel(studio, id, now).await?;
    let job = studio.journal.job(id).await?;
    let settled = match job.state {
        State::Erased { .. } => return Ok(true),
        State::Cancelled { at } => now >= at.plus_seconds(LEASE_SECONDS),
        State::Created | State::Submitted { .. } | State::Completed { .. } | State::Failed { .. } => true,
    };
    for attempt in &job.attempts {
        if let Some(ticket) = &attempt.ticket {
            studio.providers.erase(attempt.provider, ticket).await.map_err(StepError::Provider)?;
        }
    }
    delete_assets(studio, &job.folder()).await?;
    if settled {
        studio.journal.save_job(job.erased(now)).await?;
    }
    Ok(settled)
}

/// Deletes everything of ours whose key begins so, and every version of it; returns how many objects that was.
pub(crate) async fn delete_assets(studio: &Studio, prefix: &str) -> Result<usize, StepError> {
    let erase = erase_objects(&studio.s3, &studio.config.assets_bucket, prefix).await;
    erase.map_err(StepError::Delete)
}
