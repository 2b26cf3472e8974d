//! How far the jobs of a batch have come.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter, mem,
    sync::Arc,
};

use domain::JobId;
use outbox::PublishEntryError;
use store::OutboxEntry;

use crate::trouble::Trouble;

/// How far the jobs of a batch have come. Several messages may name the same job.
#[derive(Default)]
pub(crate) struct Progress {
    /// Ends that are committed, and not yet published in this invocation, in order.
    ends: Vec<(JobId, OutboxEntry)>,
    /// Jobs whose ends may be committed, and which Kafka may not have; `true` if the end is withheld.
    unpublished: BTreeMap<JobId, bool>,
    /// Ends that Kafka has, and that the sweep would publish.
    unmarked: Vec<OutboxEntry>,
    /// Jobs for which nothing is left to do.
    settled: BTreeSet<JobId>,
    /// Jobs that are drawn by themselves in this invocation.
    tried_alone: BTreeSet<JobId>,
    /// Why a job is left.
    troubles: BTreeMap<JobId, Arc<Trouble>>,
    /// Whether a service is away that every job needs.
    has_outage: bool,
    /// Whether the service is away that long jobs need.
    has_outage_of_executions: bool,
}

impl Progress {
    /// Nothing is left to do for `job`.
    pub(crate) fn settles(&mut self, job: JobId) {
        self.settled.insert(job);
    }

    /// `job` is drawn by itself.
    pub(crate) fn tries_alone(&mut self, job: JobId) {
        self.tried_alone.insert(job);
    }

    /// Whether `job` was drawn by itself in this invocation, and the function lives.
    pub(crate) fn survived_alone(&self, job: JobId) -> bool {
        self.tried_alone.contains(&job)
    }

    /// The ends of `jobs` are about to be committed: if the answer is lost, they may be.
    pub(crate) fn may_end(&mut self, jobs: impl IntoIterator<Item = JobId>) {
        let jobs = jobs.into_iter();
        self.unpublished.extend(jobs.map(|job| (job, false)));
    }

    /// The ends of `jobs` were not committed.
    pub(crate) fn does_not_end(&mut self, jobs: impl IntoIterator<Item = JobId>) {
        for job in jobs {
            self.unpublished.remove(&job);
        }
    }

    /// `job` is closed, and its `end` is to be published.
    pub(crate) fn ends(&mut self, job: JobId, end: OutboxEntry) {
        self.unpublished.insert(job, end.withheld);
        self.ends.push((job, end));
    }

    /// `trouble` meets those of `jobs` for which something is to be done.
    pub(crate) fn meets(&mut self, jobs: &[JobId], trouble: Trouble) {
        self.has_outage |= trouble.is_outage();
        self.has_outage_of_executions |= trouble.is_outage_of_executions();
        let trouble = Arc::new(trouble);
        for job in jobs {
            if self.is_waiting(*job) {
                self.troubles.insert(*job, Arc::clone(&trouble));
            }
        }
    }

    /// Whether it is still to be found out what becomes of `job`.
    pub(crate) fn is_waiting(&self, job: JobId) -> bool {
        let ends = self.ends.iter().any(|(ended, _)| *ended == job);
        !ends && !self.settled.contains(&job) && !self.troubles.contains_key(&job)
    }

    /// Whether something is left to do for `job` when the invocation ends.
    pub(crate) fn is_left(&self, job: JobId) -> bool {
        !self.settled.contains(&job)
    }

    /// Why `job` is left.
    pub(crate) fn trouble(&self, job: JobId) -> Option<&Trouble> {
        self.troubles.get(&job).map(AsRef::as_ref)
    }

    /// Whether a service is away that every job needs.
    pub(crate) fn has_outage(&self) -> bool {
        self.has_outage
    }

    /// Whether the service is away that long jobs need.
    pub(crate) fn has_outage_of_executions(&self) -> bool {
        self.has_outage_of_executions
    }

    /// The ends that are to be published now.
    pub(crate) fn take_ends(&mut self) -> Vec<(JobId, OutboxEntry)> {
        mem::take(&mut self.ends)
    }

    /// What came of publishing `ends`.
    pub(crate) fn published(
        &mut self,
        ends: Vec<(JobId, OutboxEntry)>,
        results: Vec<Result<(), PublishEntryError>>,
    ) {
        for ((job, end), result) in iter::zip(ends, results) {
            match result {
                Ok(()) => {
                    self.unpublished.remove(&job);
                    self.settles(job);
                    // The sweep publishes what is listed.
                    if end.owner.is_some() {
                        self.unmarked.push(end);
                    }
                }
                Err(error) => self.meets(&[job], Trouble::Publish(error)),
            }
        }
    }

    /// The jobs whose ends may be committed, and which Kafka may not have; `true` if the end is
    /// withheld.
    pub(crate) fn unpublished(&self) -> impl Iterator<Item = (JobId, bool)> {
        self.unpublished
            .iter()
            .map(|(job, is_withheld)| (*job, *is_withheld))
    }

    /// The ends that Kafka has, and that the sweep would publish.
    pub(crate) fn unmarked(&self) -> &[OutboxEntry] {
        &self.unmarked
    }
}
