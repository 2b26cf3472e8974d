//! The world: what the table, Kafka, the queue, Step Functions, a vendor and the bucket hold, and
//! which invocations run.

use std::fmt;

use crate::{
    Bounds,
    decisions::{End, Fate, Number},
    place::Place,
    queue::{Message, Queue},
};

/// A state of the world.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// What the mapping still has to deliver.
    pub(crate) inbound: Vec<Delivery>,
    /// The table: the entity.
    pub(crate) entity: Option<Number>,
    /// The table: the jobs.
    pub(crate) jobs: [Option<Number>; 2],
    /// The table: the entries of inbound events. Events that share an id share an entry.
    pub(crate) openings: [Option<Entry>; 2],
    /// The table: the entries of jobs' ends.
    pub(crate) ends: [Option<Entry>; 2],
    /// The dead letter of the second event.
    pub(crate) letter: Letter,
    /// The table: whether the tombstone is written.
    pub(crate) tombstone: bool,
    /// Kafka: the published events, by their numbers.
    pub(crate) kafka: u128,
    /// The queue of what is to be rendered.
    pub(crate) queue: Queue,
    /// Step Functions: the execution of each job.
    pub(crate) executions: [Execution; 2],
    /// The vendor: the requests for each job.
    pub(crate) posts: [u8; 2],
    /// The vendor: how many of them it refused.
    pub(crate) refusals: [u8; 2],
    /// The vendor: whether it has each job's file.
    pub(crate) vendor: [bool; 2],
    /// The bucket: whether it has each job's file.
    pub(crate) bucket: [bool; 2],
    /// The operator: whether an erasure was asked for, and answered `erased`.
    pub(crate) erasure: Erasure,
    /// Whether something personal was published after that answer.
    pub(crate) is_late: bool,
    /// What runs, in places that they keep.
    pub(crate) running: Vec<Option<Invocation>>,
    /// What may still go wrong.
    pub(crate) crashes: u8,
    pub(crate) lost: u8,
    pub(crate) duplicates: u8,
    pub(crate) cancels: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Delivery {
    Pending,
    Done,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    /// The inbound event whose content it was decided from.
    pub(crate) content: Place,
    pub(crate) events: Vec<Number>,
    /// Whether it opened jobs, which are sent once its events are published.
    pub(crate) starts: bool,
    pub(crate) published: bool,
    /// What gets its events published, if the invocation that committed it dies.
    pub(crate) carrier: Carrier,
    /// Whether an index leads an erasure to it. Otherwise the job that it opened or ended does.
    pub(crate) listed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Carrier {
    /// The record that it was decided from, or the sweep, until it is marked published.
    Mark,
    /// The message of the job that it ends. It is not marked, unless it is left to the sweep.
    Message,
    /// The message or the execution of the job that it ends, if there is one: it says that the
    /// job's `created` was published.
    Withheld,
}

/// Whether who ends a job knows that its `created` was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Announced {
    /// It was called by the job's message or execution.
    Yes,
    Unknown,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Letter {
    pub(crate) entry: bool,
    pub(crate) object: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Execution {
    Missing,
    At(Step),
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Submit,
    Poll,
    Finish,
    Fail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Erasure {
    Never,
    Wanted,
    Asked,
    Answered,
}

/// What an invocation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Task {
    Consume(Place),
    /// Handles a message.
    Render(Message),
    /// Handles a message of the dead-letter queue.
    GiveUp(Message),
    /// A step of the execution of a job.
    Step(Place),
    Cancel(Place),
    Sweep(Place),
    Erase,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Invocation {
    pub(crate) task: Task,
    /// What it does next; the last comes first.
    pub(crate) effects: Vec<Effect>,
    /// Where the execution goes on.
    pub(crate) reply: Option<Step>,
    /// Whether the caller still waits for the answer; a message is its invocation's until then.
    pub(crate) is_heard: bool,
    /// Whether it began before the tombstone was written.
    pub(crate) is_older_than_tombstone: bool,
    /// Whether it began while each job was open.
    pub(crate) saw_open: [bool; 2],
}

/// One call, with what was read before it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Effect {
    /// Reads the tombstone; only one fault has this call.
    ReadTombstone(Place),
    /// Decides on an inbound event, and commits that. A consumer commits the decisions of several
    /// records at once, which is no more than one after another; and it finds an entry by a read,
    /// with another of the tombstone after it, which is this effect at the time of the second.
    Commit {
        inbound: Place,
        entity: Option<Number>,
        checks: bool,
    },
    /// Reads the jobs that an entry opened, which was committed before and is not marked.
    ReadJobsOf(Place, Entry),
    Publish(Number),
    MarkOpening(Place),
    MarkEnd(Place),
    /// Has the sweep publish the end of a drawn job.
    LeaveToSweep(Place),
    Send(Message),
    /// Reads the jobs of a message, their entity and ends, and decides what becomes of each.
    ReadInputs(Message, Fate),
    /// Writes the ends of all jobs that were drawn or are given up, if they and their entity are as
    /// they were read.
    CommitDrawn {
        message: Message,
        fate: Fate,
        read: [Option<Number>; 2],
        entity: Option<Number>,
    },
    /// The same as `ReadInputs`, of jobs that are drawn already.
    ReadInputsAgain(Message, Fate),
    /// Answers, so that the message is deleted.
    Acknowledge,
    Start(Place),
    /// Reads the tombstone before it stores a dead letter.
    LetterTombstone,
    LetterObject,
    LetterEntry,
    /// Reads the job, and decides what the step does.
    Read(Place, Step),
    /// Writes the job, if it is as it was read.
    Save {
        job: Place,
        before: Number,
        after: Number,
        /// Whether it carries a ticket that only this invocation knows.
        ticket: bool,
    },
    Post(Place, Number),
    Fetch(Place, Number),
    PutFile(Place),
    DropVendorFile(Place),
    /// Writes that the asset is stored.
    Note(Place, Number),
    DeleteIfUnwanted(Place),
    DeleteFile(Place),
    /// Reads the job and its entity, and decides its end.
    DecideEnd(Place, End, Announced),
    CommitEnd {
        job: Place,
        end: End,
        announced: Announced,
        read: Number,
        entity: Option<Number>,
    },
    CommitErasedEnd(Place, Number, Announced),
    /// Reads the opening entry, and publishes it if that may not have been done.
    PublishOpening(Place),
    /// The same, and looks after the execution; or cancels the job if it may not be announced.
    PublishOpeningAndResume(Place),
    PublishEnd(Place),
    CancelAtVendor(Place),
    ReadToCancel(Place),
    ReadToSweep(Place),
    Resume(Place),
    PutTombstone,
    Walk(Walk),
    EraseJob(Place),
    BlankJob(Place),
    SaveErased(Place),
    EraseEntity,
    BlankOpening(Place),
    BlankEnd(Place),
    EraseLetterObject,
    EraseLetterEntry,
}

/// How far an erasure's pass has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Walk {
    pub(crate) at: u8,
    pub(crate) found: bool,
    /// Whether all invocations from before the tombstone had ended when the pass began.
    pub(crate) settled: bool,
    /// The same for each job's end.
    pub(crate) jobs_settled: [bool; 2],
}

impl World {
    /// The world before anything happens.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            inbound: vec![Delivery::Pending; usize::from(bounds.inbound)],
            entity: None,
            jobs: [None; 2],
            openings: [None, None],
            ends: [None, None],
            letter: Letter::default(),
            tombstone: false,
            kafka: 0,
            queue: Queue::default(),
            executions: [Execution::Missing; 2],
            posts: [0; 2],
            refusals: [0; 2],
            vendor: [false; 2],
            bucket: [false; 2],
            erasure: if bounds.erase {
                Erasure::Wanted
            } else {
                Erasure::Never
            },
            is_late: false,
            running: vec![None; bounds.at_once],
            crashes: bounds.crashes,
            lost: bounds.lost,
            duplicates: bounds.duplicates,
            cancels: bounds.cancels,
        }
    }
}

impl World {
    /// What runs.
    pub(crate) fn invocations(&self) -> impl Iterator<Item = &Invocation> {
        self.running.iter().flatten()
    }

    pub(crate) fn runs(&self, task: Task) -> bool {
        self.invocations().any(|one| one.task == task)
    }

    /// Whether a message about `job` is under way.
    pub(crate) fn carries(&self, job: Place) -> bool {
        let in_hand = |one: &Invocation| match one.task {
            Task::Render(message) | Task::GiveUp(message) => one.is_heard && message.names(job),
            Task::Consume(_) | Task::Step(_) | Task::Cancel(_) | Task::Sweep(_) | Task::Erase => {
                false
            }
        };
        self.queue.holds(job) || self.invocations().any(in_hand)
    }
}

/// The event or job in a place, as a trace names it.
fn nth(place: Place) -> &'static str {
    ["first", "second"][place]
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consume(inbound) => write!(f, "consumer of the {} event", nth(*inbound)),
            Self::Render(message) => write!(f, "render of {}", message.told()),
            Self::GiveUp(message) => write!(f, "giving up of {}", message.told()),
            Self::Step(job) => write!(f, "step of the {} job", nth(*job)),
            Self::Cancel(job) => write!(f, "cancelling of the {} job", nth(*job)),
            Self::Sweep(job) => write!(f, "sweep of the {} job", nth(*job)),
            Self::Erase => f.write_str("erasure"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Submit => "submit",
            Self::Poll => "poll",
            Self::Finish => "finish",
            Self::Fail => "fail",
        })
    }
}

impl Effect {
    /// What it does, in plain words.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::ReadTombstone(_) => "reads the tombstone".to_owned(),
            Self::Commit { .. } => "commits its decision".to_owned(),
            Self::ReadJobsOf(..) => "reads what the entry opened".to_owned(),
            Self::Publish(_) => "publishes an event".to_owned(),
            Self::MarkOpening(job) => format!("marks the {} opening entry published", nth(*job)),
            Self::MarkEnd(job) => format!("marks the {} job's end published", nth(*job)),
            Self::LeaveToSweep(job) => format!("leaves the {} job's end to the sweep", nth(*job)),
            Self::Send(message) => format!("sends a message for {}", message.told()),
            Self::ReadInputs(message, _) => format!("reads {}", message.told()),
            Self::CommitDrawn { message, .. } => format!("commits the end of {}", message.told()),
            Self::ReadInputsAgain(message, _) => format!("reads {} again", message.told()),
            Self::Acknowledge => "acknowledges its message".to_owned(),
            Self::Start(job) => format!("starts the execution of the {} job", nth(*job)),
            Self::LetterTombstone => "reads the tombstone, for a dead letter".to_owned(),
            Self::LetterObject => "stores the dead letter's object".to_owned(),
            Self::LetterEntry => "writes the dead letter's entry".to_owned(),
            Self::Read(_, step) => format!("reads the job, to {step} it"),
            Self::Save { .. } => "saves the job".to_owned(),
            Self::Post(..) => "sends the paid request".to_owned(),
            Self::Fetch(..) => "asks the vendor for the file".to_owned(),
            Self::PutFile(_) => "stores the file in the bucket".to_owned(),
            Self::DropVendorFile(_) => "deletes the vendor's file".to_owned(),
            Self::Note(..) => "notes that the asset is stored".to_owned(),
            Self::DeleteIfUnwanted(_) => "reads whether the file is wanted".to_owned(),
            Self::DeleteFile(job) => format!("deletes the file of the {} job", nth(*job)),
            Self::DecideEnd(..) => "reads the job and decides its end".to_owned(),
            Self::CommitEnd { .. } => "commits the job's end".to_owned(),
            Self::CommitErasedEnd(..) => "commits an end without facts".to_owned(),
            Self::PublishOpening(_) | Self::PublishOpeningAndResume(_) => {
                "reads the opening entry".to_owned()
            }
            Self::PublishEnd(_) => "reads the entry of the end".to_owned(),
            Self::CancelAtVendor(_) | Self::ReadToCancel(_) | Self::ReadToSweep(_) => {
                "reads the job".to_owned()
            }
            Self::Resume(_) => "looks after the job".to_owned(),
            Self::PutTombstone => "writes the tombstone, and begins a pass".to_owned(),
            Self::Walk(walk) => match walk.at {
                0 | 1 => format!("looks for the {} job", nth(usize::from(walk.at))),
                2 => "looks for the entity".to_owned(),
                3 => "looks for outbox entries".to_owned(),
                4 => "looks for dead letters".to_owned(),
                5 => "looks for objects that no entry names".to_owned(),
                _ => "answers".to_owned(),
            },
            Self::EraseJob(job) => format!("reads the {} job", nth(*job)),
            Self::BlankJob(job) => format!("blanks the {} job", nth(*job)),
            Self::SaveErased(job) => format!("writes that the {} job is erased", nth(*job)),
            Self::EraseEntity => "blanks the entity".to_owned(),
            Self::BlankOpening(job) => format!("blanks the {} opening entry", nth(*job)),
            Self::BlankEnd(job) => format!("blanks the {} job's end", nth(*job)),
            Self::EraseLetterObject => "deletes the dead letter's object".to_owned(),
            Self::EraseLetterEntry => "blanks the dead letter's entry".to_owned(),
        }
    }
}
