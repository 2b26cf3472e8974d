//! The calls that invocations make.

use crate::place::Place;

/// One call, with what was read before it: a job's version, or the leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    /// Reads the job of a message.
    ReadInputs(Place),
    /// Reads the leases, to see whether there is room for the job.
    FindRoom(Place, u8),
    /// Has the job wait in the line.
    Join(Place, u8),
    /// Reads the leases again, because a slot may have become free meanwhile.
    LookAgain(Place, u8),
    /// Writes that the job waits no more.
    SaveWoken(Place, u8),
    Start(Place),
    /// Reads the job, and decides what the step does.
    ReadForStep(Place, u8),
    TakeLease(Place, u8, u8),
    /// The vendor makes it, and that is written.
    Make(Place, u8),
    /// Has the job leave its execution, and wait in the line.
    Leave(Place, u8),
    Close(Place),
    /// Answers that the execution is over.
    EndExecution(Place, u8),
    Release(Place),
    /// Reads the leases, to give the slot away.
    ReadLeases,
    /// Looks at the line: the slot is free, and this job had the last turn.
    WhoseTurn(Option<Place>),
    /// Reads the job whose turn it is.
    ReadWaiter(Place),
    GiveLease(Place, u8),
    SaveTurn(Place, u8),
    /// Reads the job again that another writer changed.
    ReadContended(Place),
    /// Takes the job out of the line, unless it has joined it again since this version.
    LeaveLine(Place, u8),
    StartWoken(Place),
    /// Looks whether the job is forgotten.
    Tend(Place),
}

impl Call {
    /// Whether it is one of those that give the slot away. If one fails, the rest of them is left
    /// out, and the invocation goes on.
    pub(crate) fn gives_away(self) -> bool {
        matches!(
            self,
            Self::ReadLeases
                | Self::WhoseTurn(_)
                | Self::ReadWaiter(_)
                | Self::GiveLease(..)
                | Self::SaveTurn(..)
                | Self::ReadContended(_)
                | Self::LeaveLine(..)
                | Self::StartWoken(_)
        )
    }

    /// What it does, in plain words.
    pub(crate) fn told(self) -> String {
        let nth = |job: Place| ["first", "second"][job];
        match self {
            Self::ReadInputs(_) | Self::ReadForStep(..) => "reads its job".to_owned(),
            Self::FindRoom(..) => "looks whether there is room".to_owned(),
            Self::Join(..) => "has its job join the line".to_owned(),
            Self::LookAgain(..) => "looks again whether there is room".to_owned(),
            Self::SaveWoken(..) => "writes that its job waits no more".to_owned(),
            Self::Start(job) | Self::StartWoken(job) => {
                format!("starts the execution of the {} job", nth(job))
            }
            Self::TakeLease(..) => "asks for the slot".to_owned(),
            Self::Make(..) => "has the vendor make its job".to_owned(),
            Self::Leave(..) => "has its job leave the execution for the line".to_owned(),
            Self::Close(job) => format!("closes the {} job", nth(job)),
            Self::EndExecution(..) => "ends its execution".to_owned(),
            Self::Release(job) => format!("releases the slot of the {} job", nth(job)),
            Self::ReadLeases => "reads the leases, to give the slot away".to_owned(),
            Self::WhoseTurn(_) => "looks whose turn it is".to_owned(),
            Self::ReadWaiter(job) => format!("reads the {} job, whose turn it is", nth(job)),
            Self::GiveLease(job, _) => format!("gives the slot to the {} job", nth(job)),
            Self::SaveTurn(job, _) => format!("writes that the {} job waits no more", nth(job)),
            Self::ReadContended(job) => format!("reads the {} job again", nth(job)),
            Self::LeaveLine(job, _) => format!("takes the {} job out of the line", nth(job)),
            Self::Tend(job) => format!("looks after the {} job", nth(job)),
        }
    }
}
