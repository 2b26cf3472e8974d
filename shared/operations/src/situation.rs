//! How things stand with a job: what it waits for, or how it ended, and what comes next. The words
//! are here, so that the command line and the console say the same.

mod words;

pub(crate) use words::clock;

use contract::{FailureClass, Time};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How things stand with a job, in words and for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// For programs.
    pub situation: Situation,
    /// How it stands now, in one or two sentences.
    pub now: String,
    /// What comes next, and when. Empty if nothing does.
    pub next: String,
}

/// How things stand with a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Situation {
    /// The canvas draws it when its message's turn comes in the queue; or its message has still to
    /// be sent there.
    Queued {
        /// When it was decided on.
        since: Time,
        /// When the sweep looks after it.
        sweep_at: Time,
        /// What it met.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trouble: Option<Trouble>,
    },
    /// It waits for a free slot at a provider.
    InLine {
        /// The provider.
        provider: String,
        /// Since when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Time>,
        /// When it fails if it still waits.
        until: Time,
    },
    /// Its execution runs, and no step of it has asked a provider yet.
    Begun {
        /// The execution's name.
        execution: String,
        /// When it was decided on.
        since: Time,
        /// What it met.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trouble: Option<Trouble>,
    },
    /// It is a provider's to make, and no execution of it runs.
    WithoutExecution {
        /// The execution's name.
        execution: String,
        /// When the sweep looks after it.
        sweep_at: Time,
    },
    /// A request to a provider is on its way, or its answer was lost.
    Asked {
        /// The provider.
        provider: String,
        /// When the request was stored.
        at: Time,
        /// What it met.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trouble: Option<Trouble>,
    },
    /// A provider works on it.
    AtProvider {
        /// The provider.
        provider: String,
        /// The provider's name for the task.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<String>,
        /// When it was asked.
        since: Time,
        /// When the job fails if the provider is not done.
        until: Time,
        /// What it met.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trouble: Option<Trouble>,
    },
    /// A provider made it, and the studio keeps it until the bucket takes it.
    Kept {
        /// The provider.
        provider: String,
        /// Since when.
        since: Time,
        /// What it met.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trouble: Option<Trouble>,
    },
    /// A provider refused it, and is asked again.
    AskedAgain {
        /// The provider.
        provider: String,
        /// When it is asked again.
        at: Time,
        /// How often it has refused.
        refusals: usize,
        /// What it said last.
        said: String,
    },
    /// Its next step asks a provider.
    ToBeAsked {
        /// The provider.
        provider: String,
        /// Those that come before it and are out of order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        passed_over: Vec<OutOfOrder>,
        /// What it met.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trouble: Option<Trouble>,
    },
    /// It waits, and is looked at again.
    Paused {
        /// When.
        until: Time,
        /// The providers that are out of order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        passed_over: Vec<OutOfOrder>,
    },
    /// No provider is left to ask: its next step fails it.
    ToFail {
        /// The class.
        class: FailureClass,
        /// Why.
        detail: String,
    },
    /// Its asset is stored, and its next step completes it.
    Stored {
        /// When it was stored.
        at: Time,
        /// What it met.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trouble: Option<Trouble>,
    },
    /// It is completed.
    Completed {
        /// When its asset was stored.
        at: Time,
        /// The provider that made it.
        by: String,
        /// The providers that were to make it before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        instead_of: Vec<String>,
        /// Whether that is published.
        told: Told,
    },
    /// It failed for good.
    Failed {
        /// When.
        at: Time,
        /// The class.
        class: FailureClass,
        /// Why, for operators.
        detail: String,
        /// Whether that is published.
        told: Told,
        /// The job that makes it again, if an operator resubmitted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again_by: Option<Uuid>,
    },
    /// It was cancelled.
    Cancelled {
        /// When.
        at: Time,
        /// Whether that is published.
        told: Told,
    },
    /// It was erased.
    Erased {
        /// When.
        at: Time,
    },
}

/// Trouble that an open job met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// When.
    pub at: Time,
    /// What happened: the chain of causes.
    pub what: String,
    /// When it is taken up again, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Time>,
}

/// A provider with an open breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutOfOrder {
    /// The provider.
    pub provider: String,
    /// Until when the breaker is open.
    pub until: Time,
    /// Why it opened.
    pub why: String,
}

/// Whether Kafka has the events of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Told {
    /// Kafka has them.
    Published,
    /// What follows from them waits for Kafka to take them, and marks nothing: a message or a batch
    /// comes again until it does. Nothing says that Kafka did not take them.
    WithItsMessage,
    /// They are not known to be published: the sweep publishes them, if nothing does before.
    BySweep {
        /// From when on.
        from: Time,
    },
    /// They are held back, because the tenant was erased before the job was announced.
    Withheld,
    /// The entry is not stored any more, or was blanked when the tenant was erased.
    Forgotten,
}

impl Told {
    /// The sentence about it, for an event that `what` names: `Its end`.
    #[must_use]
    pub fn sentence(&self, what: &str) -> String {
        match self {
            Self::Published => format!("{what} is published."),
            Self::WithItsMessage => format!(
                "{what} is published together with its message or batch, which comes again until \
                 Kafka has it."
            ),
            Self::BySweep { from } => format!(
                "{what} is not published yet, as far as the table knows. The sweep publishes it \
                 after {}.",
                clock(*from)
            ),
            Self::Withheld => format!(
                "{what} is held back, because its tenant was erased before the job was announced."
            ),
            Self::Forgotten => {
                format!("{what} was published or erased; the table does not say it any more.")
            }
        }
    }

    /// Whether nothing is left to do.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Published | Self::WithItsMessage | Self::Forgotten => true,
            Self::BySweep { .. } | Self::Withheld => false,
        }
    }
}

impl From<Situation> for Verdict {
    fn from(situation: Situation) -> Self {
        Self {
            now: situation.now(),
            next: situation.next(),
            situation,
        }
    }
}

#[cfg(test)]
mod tests;
