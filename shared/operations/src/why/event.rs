//! An event that a tenant sent: what was decided of it, and what follows.

use contract::{Time, Topic};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{EventName, JobLine};
use crate::{DeadLetterSummary, Told, situation::clock};

/// An event, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventExplained {
    /// Its id.
    pub id: String,
    /// Its source; absent if it was not found under any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// When it was decided on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Time>,
    /// What was decided.
    pub outcome: EventOutcome,
    /// What was decided, in words.
    pub now: String,
    /// What comes next, in words.
    pub next: String,
    /// The events that were decided to be published, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<PublishedEvent>,
    /// The jobs that it opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<JobLine>,
    /// Its dead letters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dead_letters: Vec<DeadLetterSummary>,
}

/// An event that the studio publishes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishedEvent {
    /// Its topic.
    pub topic: Topic,
    /// Its id.
    pub id: String,
}

/// What was decided of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum EventOutcome {
    /// Something follows from it.
    Taken {
        /// The number of templates that it created or changed.
        templates: usize,
        /// The number of jobs that it opened.
        jobs: usize,
        /// Whether that is published.
        told: Told,
        /// The newer event that had come before, if it is older than that: its own facts were not
        /// taken in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        older_than: Option<EventName>,
    },
    /// It changed nothing: it says what was known, or its entity was erased since it happened.
    Unchanged,
    /// It is older than what was known: its facts were not taken in.
    Older {
        /// The newer event, which had come before.
        than: EventName,
    },
    /// What was decided of it was erased with its tenant.
    Erased,
    /// Its consumer gave it up.
    DeadLettered {
        /// The dead letter.
        id: Uuid,
        /// Why.
        cause: String,
        /// What became of the dead letter, if it does not wait any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resolved: Option<String>,
    },
    /// The table and the dead letters do not have it.
    NotFound,
}

impl EventOutcome {
    /// What was decided, in words.
    #[must_use]
    pub fn now(&self, decided_at: Option<Time>) -> String {
        let when = decided_at.map_or_else(String::new, |at| format!(" at {}", clock(at)));
        match self {
            Self::Taken {
                templates,
                jobs,
                told,
                older_than,
            } => {
                let older = older_than.as_ref().map_or_else(String::new, |than| {
                    format!(
                        " It is older than {}: its own facts were not taken in.",
                        named(than)
                    )
                });
                format!(
                    "It was taken{when}: {} created or changed, {} opened. {}{older}",
                    counted(*templates, "template"),
                    counted(*jobs, "job"),
                    told.sentence("What follows")
                )
            }
            Self::Unchanged => format!(
                "It was taken{when}, and changed nothing: it says what was known, or its entity was \
                 erased after its time."
            ),
            Self::Older { than } => format!(
                "It was taken{when}, and changed nothing, because it is older than what was known: \
                 {}, had come before.",
                named(than)
            ),
            Self::Erased => "What was decided of it was erased with its tenant.".to_owned(),
            Self::DeadLettered {
                id,
                cause,
                resolved,
            } => {
                let since = resolved
                    .as_ref()
                    .map_or_else(String::new, |how| format!(" It is {how} since."));
                format!("Its consumer wrote the dead letter {id}: {cause}.{since}")
            }
            Self::NotFound => {
                "The studio has decided nothing of it, and no dead letter of it waits.".to_owned()
            }
        }
    }

    /// What comes next, in words.
    #[must_use]
    pub fn next(&self) -> String {
        match self {
            Self::Taken { jobs: 0, told, .. } if told.is_over() => String::new(),
            Self::Taken { .. } => "Each job says what comes next for it.".to_owned(),
            Self::Unchanged | Self::Erased => {
                "Nothing follows. To have an asset made again, resubmit its job.".to_owned()
            }
            Self::Older { .. } => {
                "Nothing follows. If it is right and the newer one is wrong, its producer sends it \
                 again with a later `time` or a higher `version`, under a new id."
                    .to_owned()
            }
            Self::DeadLettered {
                resolved: None, id, ..
            } => format!(
                "It waits for an operator: fix the cause, then `dead-letters redrive {id}`."
            ),
            Self::DeadLettered {
                resolved: Some(_), ..
            } => String::new(),
            Self::NotFound => {
                "It did not arrive, is still to be read, or is older than 97 days. `smoke` says \
                 whether its consumer reads; give --source if its source is a new one."
                    .to_owned()
            }
        }
    }
}

/// An event by its name, its time and its version.
fn named(event: &EventName) -> String {
    let EventName {
        source,
        id,
        time,
        version,
    } = event;
    let version = version.map_or_else(String::new, |version| format!(" and version {version}"));
    format!("{id} of {source}, with time {time}{version}")
}

fn counted(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    }
}
