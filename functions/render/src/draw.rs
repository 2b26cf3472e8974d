//! Drawing: the jobs of a message are drawn one after another, and stored meanwhile.

use std::{cell::Cell, collections::btree_map::Entry, sync::Arc};

use contract::Time;
use domain::{Drawn, Job, JobId};
use drawing::{Picture, logo_of};
use futures::{StreamExt as _, stream};
use runtime::chain;
use store::MOST_ENDS;
use tokio::task::yield_now;

use crate::{
    batch::Batch,
    decision::{not_stored, without_logo},
    effects::{Effects, File},
    in_hand::MessageInHand,
    trouble::Trouble,
};

/// The number of pictures that are stored concurrently.
const UPLOADS_AT_ONCE: usize = 8;

/// A job of which it may be known already what becomes of it.
pub(crate) type ToDraw = (Job, Option<Drawn>);

/// How far a job has come.
enum Far {
    /// It needs no picture in the bucket.
    Over(Result<Drawn, Trouble>),
    /// It is drawn.
    Drawn { asked_at: Time, picture: Picture },
}

impl<E: Effects> Batch<'_, E> {
    /// Draws `jobs` and ends them, as many at a time as one transaction takes and time is left for.
    pub(crate) async fn draw(
        &mut self,
        mut jobs: Vec<ToDraw>,
        one: &MessageInHand<'_>,
    ) -> Result<(), Trouble> {
        while !jobs.is_empty() {
            let most = self.room().min(MOST_ENDS).min(jobs.len());
            if most == 0 {
                return Err(Trouble::NoTime);
            }
            let some: Vec<ToDraw> = jobs.drain(..most).collect();
            let (mut drawn, mut troubles) = (Vec::new(), Vec::new());
            for (job, result) in self.draw_some(some, one.message.tries).await {
                match result {
                    Ok(end) => drawn.push((job, end)),
                    Err(trouble) => troubles.push((job.id, trouble)),
                }
            }
            // Those that are drawn are ended, even if others met trouble.
            let ended = self.end(drawn, one.message.entity).await;
            self.note(troubles);
            ended?;
            if self.progress.has_outage() {
                return Err(Trouble::Follows);
            }
        }
        Ok(())
    }

    fn note(&mut self, troubles: Vec<(JobId, Trouble)>) {
        for (job, trouble) in troubles {
            self.progress.meets(&[job], trouble);
        }
    }

    /// What comes of each of `jobs`, in their order. One is drawn while others are stored. Once one
    /// cannot be stored, the others that are not drawn yet are not.
    async fn draw_some(
        &mut self,
        jobs: Vec<ToDraw>,
        tries: u32,
    ) -> Vec<(Job, Result<Drawn, Trouble>)> {
        let mut with_logos = Vec::new();
        for (job, over) in jobs {
            let over = match over {
                Some(drawn) => Err(Far::Over(Ok(drawn))),
                None => self.logo(&job, tries).await.map_err(Far::Over),
            };
            with_logos.push((job, over));
        }
        let (this, has_failed) = (&*self, &Cell::new(false));
        let drawn = stream::iter(with_logos)
            .then(|(job, logo)| this.draw_one(job, logo, has_failed))
            .map(|(job, far)| this.store(job, far, tries, has_failed));
        drawn.buffered(UPLOADS_AT_ONCE).collect().await
    }

    /// The logo of `job`, or what becomes of the job without it.
    async fn logo(
        &mut self,
        job: &Job,
        tries: u32,
    ) -> Result<Option<Arc<Vec<u8>>>, Result<Drawn, Trouble>> {
        let Some(place) = logo_of(job) else {
            return Ok(None);
        };
        let logo = match self.logos.entry((job.tenant.clone(), place.clone())) {
            Entry::Occupied(fetched) => fetched.get().clone(),
            Entry::Vacant(vacant) => {
                let fetched = self.effects.logo(job).await;
                let fetched = fetched.map(|logo| logo.map(Arc::new)).map_err(Arc::new);
                vacant.insert(fetched).clone()
            }
        };
        logo.map_err(|error| {
            let patience = self.config.patience_seconds;
            let end = without_logo(&error, (job, tries), patience, self.now());
            end.ok_or(Trouble::Logo(error))
        })
    }

    /// Draws `job`, unless it is known what becomes of it.
    async fn draw_one(
        &self,
        job: Job,
        logo: Result<Option<Arc<Vec<u8>>>, Far>,
        has_failed: &Cell<bool>,
    ) -> (Job, Far) {
        // The uploads go on meanwhile.
        yield_now().await;
        let logo = match logo {
            Err(far) => return (job, far),
            Ok(_) if has_failed.get() => return (job, Far::Over(Err(Trouble::Follows))),
            Ok(logo) => logo,
        };
        let asked_at = self.now();
        let logo = logo.as_ref().map(|logo| logo.as_slice());
        let far = match self.effects.draw(&job, logo).await {
            Ok(picture) => Far::Drawn { asked_at, picture },
            Err(error) => {
                tracing::warn!(job = %job.id, "not drawn: {}", chain(&error));
                Far::Over(Ok(Drawn::Refused {
                    asked_at,
                    sentence: error.to_string(),
                    undrawn: error.undrawn(),
                    at: self.now(),
                }))
            }
        };
        (job, far)
    }

    /// Stores what was drawn.
    async fn store(
        &self,
        job: Job,
        far: Far,
        tries: u32,
        has_failed: &Cell<bool>,
    ) -> (Job, Result<Drawn, Trouble>) {
        let (asked_at, picture) = match far {
            Far::Over(result) => return (job, result),
            Far::Drawn { asked_at, picture } => (asked_at, picture),
        };
        let result = match self.effects.put(&job, picture.png).await {
            Ok(File { key, url }) => Ok(Drawn::Stored {
                asked_at,
                key,
                url,
                at: self.now(),
                shows: picture.shows,
            }),
            Err(error) => {
                has_failed.set(true);
                let patience = self.config.patience_seconds;
                let drawn = (&job, asked_at, tries);
                not_stored(chain(&error), drawn, patience, self.now()).ok_or(Trouble::Put(error))
            }
        };
        (job, result)
    }
}
