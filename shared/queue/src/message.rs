//! A message: which jobs of one entity are to be made. It holds ids alone, so that an erasure has
//! nothing to blank in the queue.

use std::time::Duration;

use domain::{EntityKey, JobId, TenantKey};
use serde::{Deserialize, Serialize};

/// The version of the messages that this code writes and reads.
pub const VERSION: u8 = 1;

/// The jobs of one decision, all of one entity and so of one tenant. As JSON:
/// `{"v":1,"entity":"<uuid>","jobs":["<uuid>"],"tries":0}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The entity that the jobs are of.
    pub entity: EntityKey,
    /// The jobs, at least one.
    pub jobs: Vec<JobId>,
    /// How often the jobs were put off.
    pub tries: u32,
}

/// A message that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// What it says.
    pub message: Message,
    /// The group of the message: its tenant's turn is taken by it.
    pub tenant: TenantKey,
    /// For how long the queue holds it back: whole seconds, at most 900; a longer time counts as
    /// 900 seconds, and a part of a second is left out.
    pub delay: Duration,
}

/// Why a body is no message that this version of the code can take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRead {
    /// It is not JSON, or not that of a message.
    #[error("the body is not the JSON of a message: {0}")]
    NotJson(String),
    /// It is of another version.
    #[error(
        "the message is of version {0}, and this code reads {known}; deploy the code that wrote it",
        known = VERSION
    )]
    Version(u64),
    /// It names no job.
    #[error("the message names no job")]
    NoJobs,
}

/// What every version of a message says.
#[derive(Deserialize)]
struct OfAnyVersion {
    v: u64,
}

#[derive(Deserialize)]
struct Body {
    entity: EntityKey,
    jobs: Vec<JobId>,
    #[serde(default)]
    tries: u32,
}

#[derive(Serialize)]
struct Written<'a> {
    v: u8,
    entity: EntityKey,
    jobs: &'a [JobId],
    tries: u32,
}

impl Message {
    /// The body: JSON of this code's [`VERSION`].
    #[must_use]
    pub fn to_json(&self) -> String {
        let written = Written {
            v: VERSION,
            entity: self.entity,
            jobs: &self.jobs,
            tries: self.tries,
        };
        serde_json::to_string(&written).expect("a message is ids and numbers under string keys")
    }

    /// Reads a body. Members that are not known are ignored.
    ///
    /// # Errors
    /// A [`NotRead`].
    pub fn read(body: &str) -> Result<Self, NotRead> {
        let not_json = |error: serde_json::Error| NotRead::NotJson(error.to_string());
        let OfAnyVersion { v } = serde_json::from_str(body).map_err(not_json)?;
        if v != u64::from(VERSION) {
            return Err(NotRead::Version(v));
        }
        let Body {
            entity,
            jobs,
            tries,
        } = serde_json::from_str(body).map_err(not_json)?;
        if jobs.is_empty() {
            return Err(NotRead::NoJobs);
        }
        Ok(Self {
            entity,
            jobs,
            tries,
        })
    }
}

#[cfg(test)]
mod released;
#[cfg(test)]
mod tests;
