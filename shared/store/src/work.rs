//! Jobs and voice models: one item each, written by one writer at a time.

use std::collections::BTreeSet;

use contract::Identifier;
use domain::{Job, JobId, VoiceModel, VoiceModelId, Work, WorkId};
use serde::de::DeserializeOwned;

use crate::{Key, Store, StoreError, items};

impl Store {
    /// The job as it is, read consistently.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and others.
    pub async fn job(&self, job: JobId) -> Result<Job, StoreError> {
        self.read_work(WorkId::Job(job)).await
    }

    /// The voice model as it is, read consistently.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and others.
    pub async fn voice(&self, voice: VoiceModelId) -> Result<VoiceModel, StoreError> {
        self.read_work(WorkId::Voice(voice)).await
    }

    /// The job of `tenant`, read consistently. A job of another tenant is not found.
    ///
    /// # Errors
    /// As [`job`](Self::job).
    pub async fn job_of(&self, tenant: &Identifier, job: JobId) -> Result<Job, StoreError> {
        owned_by(tenant, self.job(job).await?)
    }

    /// The voice model of `tenant`, read consistently. A model of another tenant is not found:
    /// callers choose the ids of voice models.
    ///
    /// # Errors
    /// As [`voice`](Self::voice).
    pub async fn voice_of(
        &self,
        tenant: &Identifier,
        voice: VoiceModelId,
    ) -> Result<VoiceModel, StoreError> {
        owned_by(tenant, self.voice(voice).await?)
    }

    /// Those of `jobs` that are closed, read consistently. One that is gone, or that this version
    /// of the code cannot read, is not among them.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn closed(&self, jobs: BTreeSet<JobId>) -> Result<BTreeSet<JobId>, StoreError> {
        let key = |job: JobId| Key::work(WorkId::Job(job));
        let found = self.read_each(jobs.iter().copied().map(key).collect());
        let found = found.await?;
        let is_closed = |job: &JobId| {
            let state = found.get(&key(*job)).map(items::state::<Job>);
            state.is_some_and(|job| job.is_ok_and(|job| job.is_closed()))
        };
        Ok(jobs.into_iter().filter(is_closed).collect())
    }

    /// `work` as it is now, read consistently.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn reload<W: Work>(&self, work: &W) -> Result<W, StoreError> {
        self.read_work(work.id()).await
    }

    async fn read_work<W: DeserializeOwned>(&self, id: WorkId) -> Result<W, StoreError> {
        let item = self
            .read(Key::work(id))
            .await?
            .ok_or(StoreError::NotFound(id))?;
        Ok(items::state(&item)?)
    }

    /// Whether there is a voice model of that id.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn has_voice(&self, voice: VoiceModelId) -> Result<bool, StoreError> {
        Ok(self.read(Key::work(WorkId::Voice(voice))).await?.is_some())
    }

    /// Writes `work` back if no other writer changed it since it was read, and returns it as it is
    /// now. If the answer to a write was lost and the SDK repeated it, the second finds the first:
    /// an attempt's token belongs to one invocation alone.
    ///
    /// # Errors
    /// [`StoreError::Contended`] if another writer changed it.
    pub async fn save<W: Work>(&self, work: W) -> Result<W, StoreError> {
        let before = work.version();
        let work = work.with_version(before + 1);
        self.put_if(items::work_item(&work), before, &work).await?;
        Ok(work)
    }
}

fn owned_by<W: Work>(tenant: &Identifier, work: W) -> Result<W, StoreError> {
    if work.tenant() == tenant {
        Ok(work)
    } else {
        Err(StoreError::NotFound(work.id()))
    }
}
