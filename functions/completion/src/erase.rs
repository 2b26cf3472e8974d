//! Erase: nothing of a tenant's is left but that it was erased.

use std::time::{Duration, Instant};

use events::{Identifier, Time};
use jobs::{JobId, State};
use journal::{Erased, Owned};

use crate::{
    Studio, cancel,
    step::{Reply, StepError},
    voice,
};

/// How long one step goes on, below the function's timeout: what is left then is the next one's.
const AT_MOST: Duration = Duration::from_secs(200);

/// How much is looked for at once.
const AT_ONCE: i32 = 25;

/// Erases all media of `tenant`, cancels what is being made, and blanks what the studio knows of it. Events from before are not handled any
/// more; one from after it, of a tenant that is still there, is as of a new one. Until nothing is left the answer is `erasing`: ask again.
pub(crate) async fn erase_tenant(studio: &Studio, tenant: &Identifier, now: Time) -> Result<Reply, StepError> {
    let begin = Instant::now();
    let mut erased = Erased::default();
    let is_all = loop {
        let owned = studio.journal.owned_by(tenant, AT_ONCE).await?;
        if owned.is_empty() {
            break true;
        }
        for one in &owned {
            if begin.elapsed() > AT_MOST {
                break;
            }
            let done = erase_one(studio, tenant, one, now).await;
            if done.is_err() {
                // What was done counts, whatever stopped it.
                studio.journal.note_erased(tenant, erased, now).await?;
            }
            done?;
            *match one {
                Owned::Job(_) => &mut erased.jobs,
                Owned::Voice(_) => &mut erased.voices,
                Owned::Entity(_) => &mut erased.entities,
                Owned::Decision(_) => &mut erased.decisions,
                Owned::SetAside(_) => &mut erased.records,
            } += 1;
        }
        if begin.elapsed() > AT_MOST {
            break false;
        }
    };
    studio.journal.note_erased(tenant, erased, now).await?;
    let Erased { jobs, voices, entities, decisions, records } = erased;
    Ok(match is_all {
        true => Reply::Erased { jobs, voices, entities, decisions, records },
        false => Reply::Erasing { jobs, voices, entities, decisions, records },
    })
}

async fn erase_one(studio: &Studio, tenant: &Identifier, one: &Owned, now: Time) -> Result<(), StepError> {
    match one {
        Owned::Job(job) => erase_job(studio, *job, now).await,
        Owned::Voice(voice) => voice::erase(studio, *voice, tenant, now).await.map(drop),
        Owned::Entity(entity) => Ok(studio.journal.erase_entity(*entity, now).await?),
        Owned::Decision(decision) => Ok(studio.journal.blank_decision(decision).await?),
        Owned::SetAside(record) => Ok(studio.journal.erase_set_aside(record).await?),
    }
}

/// Cancels a job if it is open, has its vendors erase what they have of it, deletes its files, and blanks what it shows.
async fn erase_job(studio: &Studio, id: JobId, now: Time) -> Result<(), StepError> {
    cancel::cancel(studio, id, now).await?;
    let job = studio.journal.job(id).await?;
    if let State::Erased { .. } = job.state {
        return Ok(());
    }
    for attempt in &job.attempts {
        if let Some(ticket) = &attempt.ticket {
            studio.providers.erase(attempt.provider, ticket).await.map_err(StepError::Provider)?;
        }
    }
    delete_folder(studio, &job.folder()).await?;
    studio.journal.save_job(job.erased(now)).await?;
    Ok(())
}

/// Deletes everything in a folder of the assets' bucket; returns how much that was.
pub(crate) async fn delete_folder(studio: &Studio, folder: &str) -> Result<usize, StepError> {
    let bucket = &studio.config.assets_bucket;
    let list = studio.s3.list_objects_v2().bucket(bucket).prefix(folder).send().await;
    let list = list.map_err(|error| StepError::Delete(error.into()))?;
    // A folder has a handful of objects, far from a second page.
    let keys: Vec<&str> = list.contents().iter().filter_map(|object| object.key()).collect();
    for key in &keys {
        delete_object(studio, bucket, key).await?;
    }
    Ok(keys.len())
}

/// Deletes an object. One that is not there any more is fine.
pub(crate) async fn delete_object(studio: &Studio, bucket: &str, key: &str) -> Result<(), StepError> {
    let delete = studio.s3.delete_object().bucket(bucket).key(key).send().await;
    delete.map_err(|error| StepError::Delete(error.into()))?;
    Ok(())
}
