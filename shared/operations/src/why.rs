//! `why`: what an operator asks about, and the answer: what happened, how things stand and what
//! comes next.

mod about;
mod event;

pub use about::{About, UnknownAbout};
pub use event::{EventExplained, EventOutcome, PublishedEvent};

use contract::{Entity, Identifier, Time, Topic};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{DeadLetterSummary, JobShown, JobSummary, Verdict, VoiceShown};

/// The request to explain something of a tenant's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AskWhy {
    /// The tenant. What is another's is not found.
    pub tenant: Identifier,
    /// What to explain; without it, how things stand with the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// The source of the event, as its `source` says. Without it, the sources are tried that the
    /// tenant's events had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// The answer: an explanation for each thing that has this name, most often one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The tenant.
    pub tenant: Identifier,
    /// What was found.
    pub found: Vec<Explanation>,
    /// Where it was looked for, and was not found: a sentence each.
    pub not_found: Vec<String>,
}

/// One thing, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Explanation {
    /// How things stand with the tenant.
    Tenant(Box<TenantExplained>),
    /// An event that the tenant sent.
    Event(Box<EventExplained>),
    /// An entity.
    Entity(Box<EntityExplained>),
    /// A render job.
    Job(Box<JobShown>),
    /// A cloned voice.
    Voice(Box<VoiceShown>),
    /// A record that could not be handled.
    DeadLetter(Box<DeadLetterSummary>),
}

/// A job in an explanation of something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobLine {
    /// The job.
    pub job: JobSummary,
    /// How things stand with it.
    pub verdict: Verdict,
}

/// How things stand with a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantExplained {
    /// Its newest jobs, the newest first.
    pub jobs: Vec<JobLine>,
    /// Whether it has more jobs than these.
    pub has_more_jobs: bool,
    /// Its dead letters that wait for an operator.
    pub dead_letters: Vec<DeadLetterSummary>,
    /// Whether it has more dead letters than these.
    pub has_more_dead_letters: bool,
}

/// An entity: what is known of it, and what is made of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntityExplained {
    /// The entity.
    pub entity: Entity,
    /// Its title; absent once it is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// When it begins, as its author wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<String>,
    /// When it was last erased. Events up to then change nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Time>,
    /// The newest event of each topic. An event of the topic that is older changes nothing.
    pub newest: Vec<NewestEvent>,
    /// Its templates, each with its latest job.
    pub templates: Vec<TemplateLine>,
}

/// The newest event of a topic about an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewestEvent {
    /// The topic.
    pub topic: Topic,
    /// The event.
    #[serde(flatten)]
    pub event: EventName,
    /// The last event that came after it and is older: its facts were not taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_older: Option<OlderEvent>,
}

/// An event by what orders it among those of its topic: its version, then its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventName {
    /// Its source.
    pub source: String,
    /// Its id.
    pub id: String,
    /// Its time, as its producer wrote it.
    pub time: String,
    /// The entity's version in it, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// An event that came after a newer one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OlderEvent {
    /// The event.
    #[serde(flatten)]
    pub event: EventName,
    /// When it was decided on, by the studio's clock.
    pub at: Time,
}

/// A template, and its latest job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateLine {
    /// Its id.
    pub id: Uuid,
    /// Its revision.
    pub revision: u64,
    /// The address of its newest asset, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_url: Option<String>,
    /// Its latest job; absent if that is not stored any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<JobLine>,
}

#[cfg(test)]
mod tests;
