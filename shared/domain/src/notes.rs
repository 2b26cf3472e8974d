//! What was decided about a job on its way, beside its attempts: when it had to wait for its turn,
//! when its turn came, and which provider was passed over. It is written with the decision, so that
//! an operator reads later why the job waited and why another provider made it.

use std::ops::Deref;

use contract::Time;
use serde::{Deserialize, Serialize};

use crate::ProviderId;

/// The most notes of a job. A job that waits for a day, and leaves an execution every half an hour,
/// has about so many. The oldest go first.
const MOST: usize = 100;

/// A decision about a job. It names a provider and times, and nothing that a tenant or a vendor
/// wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Noted {
    /// The provider had no free slot, and the job joined its line.
    JoinedLine {
        /// The provider.
        provider: ProviderId,
    },
    /// The provider has a slot for the job, and its execution starts.
    TurnCame {
        /// The provider.
        provider: ProviderId,
    },
    /// The provider was passed over, because its breaker was open.
    PassedOver {
        /// The provider.
        provider: ProviderId,
        /// Until when the breaker was to be open.
        until: Time,
    },
}

/// A decision, and when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub at: Time,
    /// What was decided.
    pub what: Noted,
}

/// The notes of a job, the oldest first. A job that the canvas draws has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Notes(Vec<Note>);

impl Notes {
    /// Whether there is none.
    #[must_use]
    pub fn is_unused(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a note, unless it says what the last one says.
    pub(crate) fn add(&mut self, note: Note) {
        if self.0.last().is_some_and(|last| last.what == note.what) {
            return;
        }
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(note);
    }
}

impl Deref for Notes {
    type Target = [Note];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
