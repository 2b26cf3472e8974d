//! A model check of the protocol between consumers, `completion`, the sweep and an erasure.
//!
//! The [`World`] holds what the table, Kafka, Step Functions, a vendor and the bucket hold, in
//! small. An invocation is a row of effects, one call each. [`walk`] tries every order of the
//! effects of all invocations, with crashes, lost answers and duplicates between any two of them,
//! and keeps the [`Promise`]s in every state that it reaches. The decisions are those of the crate
//! `domain`; only the calls around them are modelled here.

mod decisions;
mod effects;
mod moves;
mod promises;
mod walk;
mod world;

pub use promises::Promise;
pub use walk::{Broken, Found, walk};
pub use world::World;

/// How large the world is, and how much may go wrong in it.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The inbound events, at most 2, about one entity.
    pub inbound: u8,
    /// Whether the second has the id of the first, and says something else.
    pub reused: bool,
    /// How often an invocation dies.
    pub crashes: u8,
    /// How often an answer is lost while its sender goes on, or an execution is aborted.
    pub lost: u8,
    /// How often Kafka delivers a record again without need, or an operator redrives it.
    pub duplicates: u8,
    /// How often an operator cancels a job.
    pub cancels: u8,
    /// Whether the tenant is erased.
    pub erase: bool,
    /// The most invocations at the same time.
    pub at_once: usize,
}

impl Bounds {
    /// One event, and nothing goes wrong.
    pub const CALM: Self = Self {
        inbound: 1,
        reused: false,
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
    /// The tombstone is read in a call of its own, before the transaction.
    TombstoneReadBeforeTransaction,
    /// A step that finds the job's end committed publishes it without a look at the tombstone.
    FoundEndNotChecked,
    /// `erased` is answered after the first pass.
    OnePassErase,
    /// A job that had ended before the erasure counts as erased in the first pass.
    ClosedJobErasedAtOnce,
    /// An erasure looks for dead letters by their entries alone.
    ObjectsByEntriesAlone,
    /// The vendor's file is deleted before the job says that the asset is stored.
    VendorFileDeletedBeforeNote,
    /// The events are published before the decision is committed.
    PublishBeforeCommit,
    /// The entry is marked published before its events are published.
    MarkBeforePublish,
    /// A redelivered record takes its entry for published although the job that it opened is open.
    OpenJobTakenForPublished,
    /// A sweep starts a job although its tenant is erased and its `created` was never published.
    SilentJobStarted,
    /// The executions are started before the events are published.
    StartBeforePublish,
    /// The attempt is written after the request is sent.
    AttemptAfterPost,
    /// Two invocations write the same attempt.
    AttemptWithoutToken,
    /// An entry of another content under the same id is taken for a redelivery's.
    ContentNotChecked,
}
