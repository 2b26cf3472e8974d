//! Turns: a long job whose vendor has a free slot gets an execution, and any other waits in the
//! vendor's line, without one. What releases a slot looks at the line, and starts the next.
//!
//! The look at the leases takes none: the execution does, and waits if others were faster.

use std::cell::Cell;

use domain::{Job, ProviderId};
use futures::{StreamExt as _, stream};

use crate::{
    batch::Batch, decision::too_many_open, draw::ToDraw, effects::Effects, trouble::Trouble,
};

/// The number of executions that are started concurrently, and of jobs that join a line.
const AT_ONCE: usize = 8;

/// A long job, and the vendor that is asked first, unless the job has begun.
pub(crate) type Long = (Job, Option<ProviderId>);

impl<E: Effects> Batch<'_, E> {
    /// Starts the executions of long jobs, or has the jobs wait for their turn. Returns those that
    /// are to be closed instead, because their tenants have too many.
    pub(crate) async fn start_or_wait(&mut self, jobs: Vec<Long>) -> Vec<ToDraw> {
        let (mut begins, mut waits, mut closes) = (Vec::new(), Vec::new(), Vec::new());
        for (job, vendor) in jobs {
            let Some(vendor) = vendor else {
                begins.push(job);
                continue;
            };
            // Each of the others would wait for DynamoDB just as long.
            if self.progress.has_outage() {
                self.progress.meets(&[job.id], Trouble::Follows);
                continue;
            }
            match self.find_room(&job, vendor).await {
                Ok(Room::Free) => begins.push(job),
                Ok(Room::None) => waits.push((job, vendor)),
                Ok(Room::NotEvenInLine) => {
                    let end = too_many_open(self.config.most_open_jobs, self.now());
                    closes.push((job, Some(end)));
                }
                Err(trouble) => self.progress.meets(&[job.id], trouble),
            }
        }
        self.start(begins).await;
        if !waits.is_empty() {
            self.wait(waits).await;
        }
        closes
    }

    /// Whether `vendor` has room for `job`, which was not begun.
    async fn find_room(&mut self, job: &Job, vendor: ProviderId) -> Result<Room, Trouble> {
        if !self.slots.are_known(vendor) {
            self.read_leases(vendor).await?;
        }
        let now = self.now();
        if self.slots.would_take(job, vendor, now) {
            return Ok(Room::Free);
        }
        let most = self.config.most_open_jobs;
        match self.effects.has_before(job, most).await? {
            true => Ok(Room::NotEvenInLine),
            false => Ok(Room::None),
        }
    }

    async fn read_leases(&mut self, vendor: ProviderId) -> Result<(), Trouble> {
        let limits = self.effects.limits(vendor).await?;
        let now = self.now();
        self.slots.are_read(vendor, limits, now);
        Ok(())
    }

    /// Starts executions. Once Step Functions turns out to be away, no other is tried: each would
    /// wait as long, and the pictures of the batch behind it.
    async fn start(&mut self, jobs: Vec<Job>) {
        let (effects, now) = (self.effects, self.now());
        let is_away = &Cell::new(self.progress.has_outage_of_executions());
        let starts = jobs.into_iter().map(|job| async move {
            if is_away.get() {
                return (job.id, Err(Trouble::Follows));
            }
            let started = effects.start(job.id, now).await.map_err(Trouble::from);
            if started
                .as_ref()
                .is_err_and(Trouble::is_outage_of_executions)
            {
                is_away.set(true);
            }
            (job.id, started)
        });
        let started: Vec<_> = stream::iter(starts).buffered(AT_ONCE).collect().await;
        for (job, started) in started {
            match started {
                Ok(()) => self.progress.settles(job),
                Err(trouble) => self.progress.meets(&[job], trouble),
            }
        }
    }

    /// Has jobs wait in the lines of their vendors. A slot that became free since the look at the
    /// leases may be known to nothing else: what released it may have seen nothing in the line yet.
    /// So this looks again, and starts those that find room now.
    async fn wait(&mut self, jobs: Vec<(Job, ProviderId)>) {
        let (effects, now) = (self.effects, self.now());
        let joins = jobs.into_iter().map(|(job, vendor)| async move {
            let id = job.id;
            let joined = effects.join_line(job.waiting(vendor, now)).await;
            (id, vendor, joined)
        });
        let joined: Vec<_> = stream::iter(joins).buffered(AT_ONCE).collect().await;
        let mut in_line = Vec::new();
        for (id, vendor, joined) in joined {
            match joined {
                Ok(job) => in_line.push((job, vendor)),
                Err(error) => self.progress.meets(&[id], error.into()),
            }
        }
        self.slots.forget_leases();
        for (job, vendor) in in_line {
            let id = job.id;
            // It stands in the line, and the sweep gives out what is free.
            if self.progress.has_outage() || self.progress.has_outage_of_executions() {
                self.progress.settles(id);
                continue;
            }
            match self.wake_if_room(job, vendor).await {
                Ok(()) => self.progress.settles(id),
                Err(trouble) => self.progress.meets(&[id], trouble),
            }
        }
    }

    /// Starts the execution of a job that has joined the line of `vendor`, if there is room now.
    async fn wake_if_room(&mut self, job: Job, vendor: ProviderId) -> Result<(), Trouble> {
        if !self.slots.are_known(vendor) {
            self.read_leases(vendor).await?;
        }
        let now = self.now();
        if self.slots.would_take(&job, vendor, now) {
            self.effects.wake(job, now).await?;
        }
        Ok(())
    }
}

/// The room that a job finds at its vendor.
enum Room {
    /// A slot is free.
    Free,
    /// It has to wait for its turn.
    None,
    /// Its tenant has so many jobs before it that it may not even wait.
    NotEvenInLine,
}
