//! The ends of a message's jobs: decided over their entity as it is, committed together, and
//! decided again, but not drawn again, if another writer was faster.

use std::iter;

use contract::Time;
use domain::{Drawn, EntityKey, Job, JobId, Work as _, end_drawn};
use runtime::chain;
use store::{OutboxEntry, Rounds, StoreError, WrittenEnds};

use crate::{
    batch::Batch,
    decision::refused,
    effects::{Effects, guard},
    trouble::Trouble,
};

impl<E: Effects> Batch<'_, E> {
    /// Ends `drawn` jobs of the entity `key`. Those that another closed meanwhile keep that end.
    pub(crate) async fn end(
        &mut self,
        mut drawn: Vec<(Job, Drawn)>,
        key: EntityKey,
    ) -> Result<(), Trouble> {
        let mut is_refused = false;
        let mut rounds = Rounds::default();
        while let Some((first, _)) = drawn.first() {
            rounds.next().await?;
            let now = self.now();
            let ends = end_drawn(drawn.clone(), self.entity_of(key, first)?, now);
            let jobs: Vec<JobId> = drawn.iter().map(|(job, _)| job.id).collect();
            self.progress.may_end(jobs.iter().copied());
            let written = self.effects.write_ends(ends, guard(first), now).await;
            if is_unwritten(&written) {
                self.progress.does_not_end(jobs);
            }
            drawn = match written {
                Ok(WrittenEnds::Committed { entries, entity }) => {
                    if let Some(entity) = entity {
                        self.inputs.entities.insert(key, Ok(entity));
                    }
                    self.committed(drawn, entries, now);
                    Vec::new()
                }
                Ok(WrittenEnds::Changed) => self.read_again(drawn, key).await?,
                Ok(WrittenEnds::Erased) => {
                    for (job, _) in &drawn {
                        self.effects.cancel_erased(job.id, now).await?;
                    }
                    self.read_again(drawn, key).await?
                }
                Err(error @ StoreError::Refused(_)) if !is_refused => {
                    is_refused = true;
                    tracing::error!(entity = %key, "not ended as drawn: {}", chain(&error));
                    let end = refused(chain(&error), now);
                    let jobs = drawn.into_iter();
                    jobs.map(|(job, _)| (job, end.clone())).collect()
                }
                Err(error) => return Err(error.into()),
            };
        }
        Ok(())
    }

    /// Has the ends of `drawn` jobs published, one for each: all were open.
    fn committed(&mut self, drawn: Vec<(Job, Drawn)>, entries: Vec<OutboxEntry>, now: Time) {
        for ((job, drawn), end) in iter::zip(drawn, entries) {
            self.effects.ended(&job, &drawn, &end, now);
            self.progress.ends(job.id, end);
        }
    }

    /// Reads `drawn` jobs and their entity again. Returns those that are still open, as they are
    /// now. One that has begun meanwhile is its execution's, which may have paid for it. The picture
    /// of one that was closed without it is deleted, and its end is published.
    async fn read_again(
        &mut self,
        drawn: Vec<(Job, Drawn)>,
        key: EntityKey,
    ) -> Result<Vec<(Job, Drawn)>, Trouble> {
        let ids = drawn.iter().map(|(job, _)| job.id).collect();
        let mut read = self.effects.inputs(ids, [key].into()).await?;
        self.inputs.entities.remove(&key);
        self.inputs.entities.append(&mut read.entities);
        let (mut open, mut closed) = (Vec::new(), Vec::new());
        for (job, end) in drawn {
            match read.jobs.remove(&job.id) {
                Some(Ok(job)) if job.is_closed() => {
                    self.delete_unwanted(&job, &end).await;
                    closed.push(job);
                }
                Some(Ok(job)) if job.has_begun() => self.progress.settles(job.id),
                Some(Ok(job)) => open.push((job, end)),
                Some(Err(error)) => self.is_unreadable(job.id, &error.to_string()),
                None => self.progress.settles(job.id),
            }
        }
        self.publish_again(&closed).await?;
        Ok(open)
    }

    fn is_unreadable(&mut self, job: JobId, why: &str) {
        let trouble = Trouble::Unreadable(why.to_owned());
        self.progress.meets(&[job], trouble);
    }

    /// Deletes the picture of a job that was closed while it was drawn, unless it was completed.
    /// What is left is deleted with the job's folder, when its tenant is erased.
    async fn delete_unwanted(&self, closed: &Job, end: &Drawn) {
        if !matches!(end, Drawn::Stored { .. }) {
            return;
        }
        if let Err(error) = self.effects.delete_if_unwanted(closed).await {
            tracing::warn!(job = %closed.id, "an unwanted picture is left: {}", chain(&error));
        }
    }
}

/// Whether nothing was written for certain: an answer may have been lost.
fn is_unwritten(written: &Result<WrittenEnds, StoreError>) -> bool {
    matches!(
        written,
        Ok(WrittenEnds::Changed | WrittenEnds::Erased) | Err(StoreError::Refused(_))
    )
}
