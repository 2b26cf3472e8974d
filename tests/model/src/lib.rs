//! A model check of the protocol between consumers, `render`, `completion`, the sweep and an erasure.
//!
//! The [`World`] holds what the table, Kafka, the queue, Step Functions, a vendor and the bucket
//! hold, in small. An invocation is a row of effects, one call each. [`walk`] tries every order of the
//! effects of all invocations, with crashes, lost answers and duplicates between any two of them,
//! and keeps the [`Promise`]s in every state that it reaches. The decisions are those of the crate
//! `domain`; only the calls around them are modelled here.
//!
//! The lines of vendors have a world of their own, with [`walk_turns`]: two jobs and one slot.

mod decisions;
mod effects;
mod moves;
mod place;
mod promises;
mod queue;
mod render;
mod turns;
mod walk;
mod world;

pub use promises::Promise;
pub use turns::{Stuck, TurnBounds, TurnFault, TurnPromise, walk_turns};
pub use walk::{Broken, Found, walk};
pub use world::World;

/// How large the world is, and how much may go wrong in it.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The inbound events, at most 2, about one entity.
    pub inbound: u8,
    /// Whether the second has the id of the first, and says something else.
    pub reused: bool,
    /// Whether the jobs are videos, which a vendor makes; otherwise they are pictures, which
    /// `render` draws at once.
    pub long: bool,
    /// Whether the event opens two jobs. Then it is the only one.
    pub two_jobs: bool,
    /// How often an invocation dies.
    pub crashes: u8,
    /// How often an answer or a message is lost, a message is put off because a call fails, or an
    /// execution is aborted.
    pub lost: u8,
    /// How often Kafka delivers a record or the queue a message again without need, or an operator
    /// redrives a record.
    pub duplicates: u8,
    /// How often an operator cancels a job.
    pub cancels: u8,
    /// Whether the tenant is erased.
    pub erase: bool,
    /// The most invocations at the same time.
    pub at_once: usize,
}

impl Bounds {
    /// One event for one picture, and nothing goes wrong.
    pub const CALM: Self = Self {
        inbound: 1,
        reused: false,
        long: false,
        two_jobs: false,
        crashes: 0,
        lost: 0,
        duplicates: 0,
        cancels: 0,
        erase: false,
        at_once: 2,
    };
}

/// A rule of the protocol that is left out, to see that the walk misses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No transaction checks the tombstone.
    NoTombstoneCheck,
    /// The tombstone is read in a call of its own, before the transaction. The pass that begins once
    /// that invocation must have ended makes it good.
    TombstoneReadBeforeTransaction,
    /// A step that finds the job's end committed publishes it without a look at the tombstone.
    FoundEndNotChecked,
    /// `erased` is answered after the first pass.
    OnePassErase,
    /// A job that had ended before the erasure counts as erased in the first pass.
    ClosedJobErasedAtOnce,
    /// An erasure looks for outbox entries in the index alone, and not by their jobs.
    EntriesByIndexAlone,
    /// An erasure looks for dead letters by their entries alone.
    ObjectsByEntriesAlone,
    /// The vendor's file is deleted before the job says that the asset is stored.
    VendorFileDeletedBeforeNote,
    /// The events are published before the decision is committed.
    PublishBeforeCommit,
    /// The entry is marked published before its events are published.
    MarkBeforePublish,
    /// A redelivered record's entry is sent without being published, although the jobs that it
    /// opened are open.
    OpenJobTakenForPublished,
    /// The same, although only one of them is closed.
    OneClosedJobTakenForPublished,
    /// A sweep sends a job although its tenant is erased and its `created` was never published.
    SilentJobSent,
    /// The jobs are sent to the queue before the events are published.
    SendBeforePublish,
    /// A sweep publishes what opened a lost job, and sends no message.
    SweepSendsNothing,
    /// A message is acknowledged before the ends of its jobs are published.
    AcknowledgeBeforePublish,
    /// A message that is put off leaves out the jobs that are closed.
    ClosedJobsNotPutOff,
    /// A message that is put off leaves no end to the sweep that it could not publish.
    EndsNotLeftToSweep,
    /// The end of a drawn job is written over whatever the job is by then.
    DrawnEndWithoutVersion,
    /// The end of an erased tenant's job is published although its `created` may not have been.
    WithheldEndTold,
    /// A message whose job was ended in silence does not publish that end.
    WithheldEndForgotten,
    /// The attempt is written after the request is sent.
    AttemptAfterPost,
    /// Two invocations write the same attempt.
    AttemptWithoutToken,
    /// An entry of another content under the same id is taken for a redelivery's.
    ContentNotChecked,
}
