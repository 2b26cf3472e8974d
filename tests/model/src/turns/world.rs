//! What the table, the queue and Step Functions hold of two jobs and one slot.

use super::{TurnBounds, call::Call};
use crate::place::Place;

/// A state of the world.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    /// The table: the jobs.
    pub(crate) jobs: [Job; 2],
    /// The table: the line. Of each job, the version that joined it last, if it stands there.
    pub(crate) line: [Option<u8>; 2],
    /// The table: the job that holds the slot.
    pub(crate) slot: Option<Place>,
    /// The table: the job whose turn was last.
    pub(crate) last_turn: Option<Place>,
    /// The queue: the messages about each job.
    pub(crate) messages: [u8; 2],
    /// Step Functions: the running executions of each job, a bit for each name.
    pub(crate) executions: [u8; 2],
    /// What runs, in places that they keep.
    pub(crate) running: Vec<Option<Invocation>>,
    /// What may still go wrong.
    pub(crate) crashes: u8,
    pub(crate) lost: u8,
    pub(crate) duplicates: u8,
    pub(crate) cancels: u8,
}

/// A job, as far as its turn is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Job {
    pub(crate) version: u8,
    pub(crate) stage: Stage,
    /// How often it left an execution to wait: the number of the next one's name.
    pub(crate) left: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    /// It is to be made.
    Created,
    /// It waits for its turn.
    Waits,
    /// The vendor has made it, and its asset is stored.
    Made,
    Closed,
}

/// What an invocation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Task {
    /// Handles a message about the job.
    Render(Place),
    /// A step of the execution of the job with a name of this number.
    Step(Place, u8),
    Cancel(Place),
    Sweep,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Invocation {
    pub(crate) task: Task,
    /// What it does next; the last comes first.
    pub(crate) calls: Vec<Call>,
}

impl World {
    /// Both jobs were sent, and nothing runs yet.
    pub(crate) fn new(bounds: TurnBounds) -> Self {
        let created = Job {
            version: 1,
            stage: Stage::Created,
            left: 0,
        };
        Self {
            jobs: [created; 2],
            line: [None; 2],
            slot: None,
            last_turn: None,
            messages: [1; 2],
            executions: [0; 2],
            running: vec![None; bounds.at_once],
            crashes: bounds.crashes,
            lost: bounds.lost,
            duplicates: bounds.duplicates,
            cancels: bounds.cancels,
        }
    }

    pub(crate) fn is_closed(&self, job: Place) -> bool {
        self.jobs[job].stage == Stage::Closed
    }

    /// Writes the job, if it is as it was read.
    pub(crate) fn save(&mut self, job: Place, read: u8, stage: Stage) -> bool {
        let stands = &mut self.jobs[job];
        let is_as_read = stands.version == read;
        if is_as_read {
            stands.version += 1;
            stands.stage = stage;
        }
        is_as_read
    }

    /// Whether the execution that the job would be started under runs.
    pub(crate) fn is_running(&self, job: Place) -> bool {
        self.executions[job] & (1 << self.jobs[job].left) != 0
    }

    /// Whether an open job is nothing's to go on with but a sweep's.
    pub(crate) fn is_forgotten(&self, job: Place) -> bool {
        let is_mine = |one: &Invocation| one.task == Task::Render(job);
        matches!(self.jobs[job].stage, Stage::Created | Stage::Made)
            && self.messages[job] == 0
            && !self.is_running(job)
            && !self.running.iter().flatten().any(is_mine)
    }

    /// Whether everything has come to its end; if so, which of the promises are kept.
    pub(crate) fn kept(&self) -> [bool; 2] {
        let is_quiet = self.running.iter().all(Option::is_none)
            && self.messages == [0; 2]
            && self.executions == [0; 2];
        let all_end = [0, 1].iter().all(|job| self.is_closed(*job));
        let is_free = self.slot.is_none() && self.line == [None; 2];
        [is_quiet && all_end, is_quiet && is_free]
    }
}
