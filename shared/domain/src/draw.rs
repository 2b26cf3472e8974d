//! The ends of the jobs that are drawn at once: those of one entity, in one decision.
//!
//! Such a job has no execution and writes no attempt before it is drawn: the canvas costs nothing,
//! and drawing again gives the same bytes. Its one attempt is made here, and stored with its end.

use std::mem;

use contract::{FailureClass, Shows, Time, Undrawn};

use crate::{
    Decision, EntityState, Failure, Job, OutboundEvent, Outcome, Output, ProviderId, Refusal, Work,
    Wrong, fail, finish,
};

/// What came of a job that the canvas was to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drawn {
    /// Its picture is in the bucket.
    Stored {
        /// When the canvas was asked.
        asked_at: Time,
        /// The key of the object.
        key: String,
        /// The address that the object is read at.
        url: String,
        /// When it was stored.
        at: Time,
        /// What it shows of its job.
        shows: Shows,
    },
    /// The canvas cannot draw what the job says.
    Refused {
        /// When the canvas was asked.
        asked_at: Time,
        /// What is wrong, for the content's owner.
        sentence: String,
        /// What there is no font for, if that is what is wrong.
        undrawn: Vec<Undrawn>,
        /// When the canvas said so.
        at: Time,
    },
    /// It is given up.
    GivenUp {
        /// When the canvas was asked; `None` if it was not.
        asked_at: Option<Time>,
        /// Why.
        failure: Failure,
        /// What is wrong, for the content's owner, if more than the failure's class is known.
        sentence: Option<String>,
    },
}

impl Drawn {
    /// What there is no font for: of the picture, or of the title without which there is none.
    #[must_use]
    pub fn undrawn(&self) -> &[Undrawn] {
        match self {
            Self::Stored { shows, .. } => &shows.undrawn,
            Self::Refused { undrawn, .. } => undrawn,
            Self::GivenUp { .. } => &[],
        }
    }
}

/// The ends of jobs of one entity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ends {
    /// The new state of the entity, if one of its templates changes.
    pub entity: Option<EntityState>,
    /// The closed jobs, each with the events of its end, in their order.
    pub jobs: Vec<(Job, Vec<OutboundEvent>)>,
}

/// Decides the ends of jobs of `entity` at `now`: the same as finishing or failing them one after
/// another. A job that is closed already keeps its end, and is left out.
#[must_use]
pub fn end_drawn(drawn: Vec<(Job, Drawn)>, mut entity: EntityState, now: Time) -> Ends {
    let (mut jobs, mut is_changed) = (Vec::new(), false);
    for (job, drawn) in drawn {
        let Some(mut decision) = end(job, drawn, &entity, now) else {
            continue;
        };
        if let Some(changed) = decision.entity {
            entity = changed;
            is_changed = true;
        }
        let closed = decision.jobs.into_iter();
        jobs.extend(closed.map(|job| (job, mem::take(&mut decision.events))));
    }
    Ends {
        entity: is_changed.then_some(entity),
        jobs,
    }
}

/// The end of one job. `None` if it is closed already.
fn end(job: Job, drawn: Drawn, entity: &EntityState, now: Time) -> Option<Decision> {
    if job.is_closed() {
        return None;
    }
    match drawn {
        Drawn::Stored {
            asked_at,
            key,
            url,
            at,
            shows,
        } => {
            let made = asked(job, asked_at).answered(Outcome::Made { credits: 0 }, at);
            let output = Output {
                key,
                stored_at: at,
                credits: made.attempts.credits(),
                length_ms: None,
                shows,
            };
            let stored = made.stored(ProviderId::StudioCanvas.as_str().to_owned(), output);
            finish(stored, entity.clone(), &url, now)
        }
        Drawn::Refused {
            asked_at,
            sentence,
            undrawn,
            at,
        } => {
            let refused = Outcome::Refused {
                refusal: Refusal::InvalidInput,
                detail: sentence.clone(),
                at,
                credits: 0,
            };
            let failure = Failure {
                class: FailureClass::InvalidInput,
                detail: sentence.clone(),
                at: now,
            };
            let job = asked(job, asked_at).answered(refused, at);
            let wrong = match undrawn.is_empty() {
                true => Wrong::Content(&sentence),
                false => Wrong::NoFont(&sentence),
            };
            fail(job, failure, Some(wrong))
        }
        Drawn::GivenUp {
            asked_at,
            failure,
            sentence,
        } => {
            let job = match asked_at {
                Some(asked_at) => asked(job, asked_at),
                None => job,
            };
            fail(job, failure, sentence.as_deref().map(Wrong::Content))
        }
    }
}

/// The job with its attempt at the canvas. No request is sent, so that the attempt needs no token
/// but the job's own id.
fn asked(job: Job, at: Time) -> Job {
    let token = job.id.0;
    job.asking(ProviderId::StudioCanvas, token, at)
}
