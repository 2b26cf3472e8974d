//! Work: what a render job and a voice model have in common. Each is written by one writer at a
//! time, has one execution at a time or waits in the queue, and is sent, restarted or failed by the
//! sweep when it is overdue. Their states differ, so each has a state type of its own.

use std::fmt;

use contract::{Identifier, Time};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{JobId, Outcome, ProviderId, VoiceModelId};

/// The id of a job or a voice model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkId {
    /// A render job.
    Job(JobId),
    /// A voice model.
    Voice(VoiceModelId),
}

impl WorkId {
    /// The id without its kind.
    #[must_use]
    pub fn uuid(self) -> Uuid {
        match self {
            Self::Job(job) => job.0,
            Self::Voice(voice) => voice.0,
        }
    }
}

impl fmt::Display for WorkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job(job) => write!(f, "job {job}"),
            Self::Voice(voice) => write!(f, "voice model {voice}"),
        }
    }
}

/// How work ended short of what was wanted, so that an operator may look after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortfall {
    /// It failed for good.
    Failed,
    /// Another provider made it than was to make it.
    FellBack,
}

/// A render job or a voice model.
pub trait Work: Clone + PartialEq + Serialize + DeserializeOwned {
    /// Its id.
    fn id(&self) -> WorkId;

    /// The tenant that owns it.
    fn tenant(&self) -> &Identifier;

    /// When it was decided on or registered.
    fn created_at(&self) -> Time;

    /// When the sweep restarts or fails it if it is still open.
    fn deadline(&self) -> Time;

    /// The number of writes so far; 0 before the first.
    fn version(&self) -> u64;

    /// The same work, written for the `version`-th time.
    #[must_use]
    fn with_version(self, version: u64) -> Self;

    /// The number of times its execution was restarted under another name, because it had died.
    fn restarts(&self) -> u32;

    /// The number of executions that it had before its current one.
    fn execution_number(&self) -> u32;

    /// The same work with one more restart and a new deadline.
    #[must_use]
    fn restarted(self, deadline: Time) -> Self;

    /// Whether it has ended.
    fn is_closed(&self) -> bool;

    /// Whether only the fact of its erasure remains.
    fn is_erased(&self) -> bool;

    /// How it ended, if it ended short of what was wanted.
    fn shortfall(&self) -> Option<Shortfall>;

    /// Whether it is one of the open jobs that wait for a vendor or are made by one. A tenant may
    /// have so many of them.
    fn is_at_vendor(&self) -> bool;

    /// Whether it is one of the open jobs that wait for their turn in the queue, as far as the job
    /// tells: no provider was asked, and the one to be asked first costs nothing.
    fn is_queued(&self) -> bool;

    /// Whether it is one of the open jobs that wait for their turn at a vendor without an execution.
    fn is_in_line(&self) -> bool;

    /// The provider that was asked last, if its answer is not stored.
    fn unanswered(&self) -> Option<ProviderId>;

    /// The same work with the outcome of its last attempt, learned at `now`.
    #[must_use]
    fn answered(self, outcome: Outcome, now: Time) -> Self;

    /// The name of its execution: its id, and from the second execution on `<id>-<n>`.
    fn execution_name(&self) -> String {
        self.execution_name_of(self.execution_number())
    }

    /// The name of that of its executions before which it had `number` others.
    fn execution_name_of(&self, number: u32) -> String {
        match number {
            0 => self.id().uuid().to_string(),
            n => format!("{}-{n}", self.id().uuid()),
        }
    }
}
