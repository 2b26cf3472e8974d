//! What must hold in every state, and in the end.

use std::fmt;

use domain::{State, Work as _};

use crate::{
    decisions::{Decisions, Number},
    world::{Carrier, Delivery, Entry, Erasure, Execution, World},
};

/// A promise of the studio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// An acknowledged record was decided, or is a dead letter.
    NothingLost,
    /// What was committed is published in the end.
    AllPublished,
    /// Every job ends.
    JobsEnd,
    /// No event id has two contents.
    OneContent,
    /// A job's `created` is published before its end.
    CreatedFirst,
    /// No attempt is sent twice, and no unknown outcome is asked again.
    PaidOnce,
    /// A file that was paid for is not deleted before the studio has it.
    PaidKept,
    /// A state only moves forward.
    Forward,
    /// After `erased` nothing of the tenant is stored or published.
    ErasedIsErased,
}

impl Promise {
    /// Every promise.
    pub const ALL: [Self; 9] = [
        Self::NothingLost,
        Self::AllPublished,
        Self::JobsEnd,
        Self::OneContent,
        Self::CreatedFirst,
        Self::PaidOnce,
        Self::PaidKept,
        Self::Forward,
        Self::ErasedIsErased,
    ];
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingLost => "an acknowledged record is neither decided nor a dead letter",
            Self::AllPublished => "from here on something committed is never published",
            Self::JobsEnd => "from here on a job never ends",
            Self::OneContent => "an id has two contents",
            Self::CreatedFirst => "a job's end is published before its `created`",
            Self::PaidOnce => "a paid request is sent twice",
            Self::PaidKept => "a file that was paid for is gone",
            Self::Forward => "a state moved back",
            Self::ErasedIsErased => "something of an erased tenant is stored or was published",
        })
    }
}

/// Whether the step from `before` to `after` breaks `promise`. What must hold in the end is seen
/// only when all states are known.
pub(crate) fn breaks(
    decisions: &Decisions,
    before: &World,
    after: &World,
    promise: Promise,
) -> bool {
    match promise {
        Promise::AllPublished | Promise::JobsEnd => false,
        Promise::NothingLost => (0..after.inbound.len()).any(|inbound| is_lost(after, inbound)),
        Promise::OneContent => published(before, after).is_some_and(|event| {
            let mut others = (0..128).filter(|other| after.kafka & (1 << other) != 0);
            others.any(|other| decisions.differ_under_one_id(event, other))
        }),
        Promise::CreatedFirst => published(before, after)
            .is_some_and(|event| !decisions.comes_after_its_created(event, before.kafka)),
        Promise::PaidOnce => (0..2).any(|job| after.posts[job] > 1 + after.refusals[job]),
        Promise::PaidKept => (0..2).any(|job| is_wasted(decisions, after, job)),
        Promise::Forward => !moves_forward(decisions, before, after),
        Promise::ErasedIsErased => {
            after.erasure == Erasure::Answered && (after.is_late || stores_facts(decisions, after))
        }
    }
}

/// The event that was published for the first time.
fn published(before: &World, after: &World) -> Option<Number> {
    let new = after.kafka & !before.kafka;
    (new != 0).then(|| new.trailing_zeros() as Number)
}

/// Whether a job waits for a file that is nowhere.
fn is_wasted(decisions: &Decisions, world: &World, job: usize) -> bool {
    let waits = world.jobs[job].is_some_and(|job| {
        let job = decisions.job(job);
        job.ticket().is_some() && !job.is_closed()
    });
    waits && !world.vendor[job] && world.invocations().next().is_none()
}

fn moves_forward(decisions: &Decisions, before: &World, after: &World) -> bool {
    let rank = |job: Option<Number>| {
        job.map_or(0, |job| match decisions.job(job).state {
            State::Created => 1,
            State::Submitted { .. } => 2,
            State::Completed { .. } | State::Failed { .. } | State::Cancelled { .. } => 3,
            State::Erased { .. } => 4,
        })
    };
    let jobs = (0..2).all(|place| {
        let (was, is) = (before.jobs[place], after.jobs[place]);
        was == is
            || rank(was) < rank(is)
            || rank(was) == rank(is) && keeps_its_end(decisions, was, is)
    });
    let revision = |entity: Option<Number>| {
        let entity = entity.map(|entity| decisions.entity(entity));
        entity.map_or(0, |entity| {
            entity
                .templates
                .values()
                .map(|one| one.revision)
                .max()
                .unwrap_or(0)
        })
    };
    jobs && (before.entity == after.entity || revision(before.entity) <= revision(after.entity))
}

/// Whether a job that is still open, or ended, has the same end, and was written later.
fn keeps_its_end(decisions: &Decisions, was: Option<Number>, is: Option<Number>) -> bool {
    let (Some(was), Some(is)) = (was, is) else {
        return was == is;
    };
    let (was, is) = (decisions.job(was), decisions.job(is));
    was.version < is.version && (!was.is_closed() || was.state == is.state)
}

fn is_lost(world: &World, inbound: usize) -> bool {
    let mut openings = world.openings.iter().flatten();
    world.inbound[inbound] == Delivery::Done
        && !openings.any(|entry| entry.content == inbound)
        && !world.letter.entry
        && !world.tombstone
}

fn stores_facts(decisions: &Decisions, world: &World) -> bool {
    let entries = world.openings.iter().chain(&world.ends).flatten();
    let mut events = entries.flat_map(|entry| &entry.events);
    let entity = world.entity.map(|entity| decisions.entity(entity));
    let mut jobs = world.jobs.iter().flatten().map(|job| decisions.job(*job));
    world.bucket.contains(&true)
        || world.vendor.contains(&true)
        || world.letter.object
        || world.letter.entry
        || entity.is_some_and(|entity| !entity.snapshots.is_empty())
        || events.any(|event| decisions.has_facts(*event))
        || jobs.any(|job| !job.is_erased())
}

/// Whether everything has come to its end; if so, which of the promises for the end are kept.
pub(crate) fn kept_in_the_end(decisions: &Decisions, world: &World) -> [bool; 2] {
    let is_quiet = world.invocations().next().is_none()
        && world.inbound.iter().all(|one| *one == Delivery::Done)
        && world.queue.is_empty()
        && matches!(world.erasure, Erasure::Never | Erasure::Answered);
    let openings = world.openings.iter().flatten();
    // One that is blanked has no events.
    let is_over = |entry: &Entry| entry.published || entry.starts || entry.events.is_empty();
    let mut openings = openings.map(|entry| (entry, is_over(entry)));
    let ends = world.ends.iter().enumerate();
    let mut ends = ends.filter_map(|(job, end)| {
        let end = end.as_ref()?;
        let is_over = match end.carrier {
            Carrier::Mark => end.published,
            Carrier::Message => true,
            Carrier::Withheld if !world.queue.announced(job) => return None,
            Carrier::Withheld => end.published,
        };
        Some((end, is_over))
    });
    let is_published = |(entry, is_over): (&Entry, bool)| {
        let in_kafka = |event: &Number| world.kafka & (1 << event) != 0;
        is_over && entry.events.iter().all(in_kafka)
    };
    let published = openings.all(is_published) && ends.all(is_published);
    let mut jobs = world.jobs.iter().flatten();
    let closed = jobs.all(|job| decisions.job(*job).is_closed());
    let is_at = |one: &Execution| matches!(one, Execution::At(_));
    let ended = closed && !world.executions.iter().any(is_at);
    [is_quiet && published, is_quiet && ended]
}

/// The promises of [`kept_in_the_end`], in its order.
pub(crate) const IN_THE_END: [Promise; 2] = [Promise::AllPublished, Promise::JobsEnd];
