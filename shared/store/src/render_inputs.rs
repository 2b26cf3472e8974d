//! What the messages of a batch are drawn from: their jobs and the jobs' entities.

use std::collections::{BTreeMap, BTreeSet};

use domain::{EntityKey, EntityState, Job, JobId, WorkId};

use crate::{
    ItemError, Key, Store, StoreError,
    items::{self, Item},
};

/// Jobs and entities as they were read. What is not there is left out.
#[derive(Debug, Default)]
pub struct RenderInputs {
    /// The jobs. One that this version of the code cannot read is an error in its place.
    pub jobs: BTreeMap<JobId, Result<Job, ItemError>>,
    /// The entities. One that this version of the code cannot read is an error in its place.
    pub entities: BTreeMap<EntityKey, Result<EntityState, ItemError>>,
}

impl Store {
    /// The jobs and the entities, read consistently, in one request for every hundred of them.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn render_inputs(
        &self,
        jobs: BTreeSet<JobId>,
        entities: BTreeSet<EntityKey>,
    ) -> Result<RenderInputs, StoreError> {
        let job = |job: JobId| Key::work(WorkId::Job(job));
        let of_jobs = jobs.iter().copied().map(job);
        let of_entities = entities.iter().copied().map(Key::entity);
        let found = self.read_each(of_jobs.chain(of_entities).collect()).await?;
        let item = |key: Key| -> Option<&Item> { found.get(&key) };
        let jobs = jobs.into_iter();
        let entities = entities.into_iter();
        Ok(RenderInputs {
            jobs: jobs
                .filter_map(|id| Some((id, items::state(item(job(id))?))))
                .collect(),
            entities: entities
                .filter_map(|id| Some((id, items::state(item(Key::entity(id))?))))
                .collect(),
        })
    }
}
