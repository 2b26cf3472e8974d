//! What a job remembers of its waits for its turn at a provider.

use serde::{Deserialize, Serialize};

use crate::ProviderId;

/// What a job remembers of its waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The provider in whose line it stands. A closed job may still name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<ProviderId>,
    /// How often it left its execution to wait. The next execution has another name.
    #[serde(default)]
    pub left: u32,
}

impl Turn {
    /// Whether the job has never waited.
    #[must_use]
    pub fn is_unused(&self) -> bool {
        *self == Self::default()
    }
}
