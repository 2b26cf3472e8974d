//! The audit: who asked for which change, when, why, and what came of it.

use contract::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Step;

/// The member of a request beside those of its [`Step`].
pub const ASKER: &str = "by";

/// Who asks for a step, and why: the member [`ASKER`] of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Asker {
    /// The caller's AWS session, as STS names it: an ARN. The caller states it; CloudTrail's data
    /// event of the same invocation, whose id the entry has, proves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Why, in the caller's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A change that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// The id of the invocation of `operator`.
    pub id: String,
    /// When it was asked for.
    pub at: Time,
    /// Who asked, and why.
    pub by: Asker,
    /// The request, as it was sent. It names things, and has no content of theirs.
    pub request: Value,
    /// What came of it; absent while it is under way, and if the invocation died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// The request for a page of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListAudit {
    /// Only changes asked for at this time or later.
    pub since: Time,
    /// Only changes asked for before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// The most entries of a page.
    pub most: u32,
}

/// A page of the audit, the newest entries first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditListed {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// The end of the next page, to pass on as `until`; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Time>,
}

impl Step {
    /// Whether the step changes something that an operator decided on, so that the audit has it.
    #[must_use]
    pub fn is_change(&self) -> bool {
        match self {
            Self::Redrive(step) => step.execute,
            Self::Correct(step) => step.execute,
            Self::Discard(step) => step.execute,
            Self::ResubmitJob(step) | Self::CancelJob(step) => step.execute,
            Self::ResubmitJobs(step) | Self::CancelJobs(step) => step.execute,
            Self::SetAside(step) => step.execute,
            Self::VerifyVoice(step) => step.execute,
            Self::EraseVoice(step) => step.execute,
            Self::CloseRemainder(step) => step.execute,
            Self::EraseTenant { execute, .. } | Self::CloseBreaker { execute, .. } => *execute,
            Self::Gather
            | Self::ListDeadLetters(_)
            | Self::CountDeadLetters(_)
            | Self::ShowDeadLetter { .. }
            | Self::Smoke { .. }
            | Self::ListJobs(_)
            | Self::CountJobs(_)
            | Self::ListVoices(_)
            | Self::ShowJob { .. }
            | Self::ShowVoice { .. }
            | Self::ListProviders
            | Self::Queue
            | Self::ListAudit(_)
            | Self::Why(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::Identifier;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_step_is_a_change_only_if_it_is_to_be_executed() {
        let erase = |execute| Step::EraseTenant {
            tenant: Identifier::parse("tenant-gone").unwrap(),
            execute,
        };
        assert!(erase(true).is_change());
        assert!(!erase(false).is_change());
        assert!(!Step::ListProviders.is_change());
    }

    #[test]
    fn an_entry_is_read_back() {
        let at = Time::new("2026-11-27T09:30:00Z".parse().unwrap());
        let entry = AuditEntry {
            id: "316aa6d0-8154-4a9e-9af7-85d5f4a6bc81".to_owned(),
            at,
            by: Asker {
                session: Some("arn:aws:sts::123456789012:assumed-role/operator/asha".to_owned()),
                reason: Some("ticket 4711".to_owned()),
            },
            request: json!({ "step": "close-breaker", "provider": "openai", "execute": true }),
            outcome: None,
        };
        let json = serde_json::to_value(&entry).unwrap();
        assert_eq!(json["by"]["reason"], "ticket 4711");
        assert_eq!(serde_json::from_value::<AuditEntry>(json).unwrap(), entry);
    }
}
