//! The answers and errors of a step.

use contract::Topic;
use dead_letters::DeadLetterError;
use domain::RoutingError;
use executions::StartError;
use kafka::PublishError;
use lambda_runtime::Diagnostic;
use operations::{
    AuditListed, BreakerHandled, Corrected, Counted, Explained, FailureKind, Gathered, Handled,
    JobHandled, JobShown, JobsHandled, JobsListed, Listed, ProvidersListed, Queued, RecordSetAside,
    Remainder, RemainderHandled, Shown, Smoked, TenantHandled, VoiceHandled, VoiceShown,
    VoicesListed,
};
use outbox::{CommitError, PublishAndSendError};
use queue::DepthError;
use serde::Serialize;
use store::{StoreError, UnknownPlace};
use uuid::Uuid;

use crate::invoke::InvokeError;

/// The answer to a step; `operations` says which answer belongs to which step.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum OperatorAnswer {
    Gathered(Gathered),
    Listed(Listed),
    Shown(Box<Shown>),
    Counted(Counted),
    SetAside(RecordSetAside),
    Handled(Handled),
    Corrected(Corrected),
    Smoked(Smoked),
    JobsListed(JobsListed),
    JobShown(Box<JobShown>),
    JobHandled(Box<JobHandled>),
    JobsHandled(JobsHandled),
    TenantHandled(TenantHandled),
    RemainderHandled(RemainderHandled),
    VoicesListed(VoicesListed),
    VoiceShown(Box<VoiceShown>),
    VoiceHandled(Box<VoiceHandled>),
    ProvidersListed(ProvidersListed),
    BreakerHandled(BreakerHandled),
    Queued(Queued),
    AuditListed(AuditListed),
    Explained(Box<Explained>),
}

/// Why a step failed, wholly or partly. Repeating it is safe.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error("reading the request")]
    Payload(#[source] serde_json::Error),
    #[error("reading an entry of the audit")]
    Audit(#[source] serde_json::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    DeadLetter(#[from] DeadLetterError),
    #[error(transparent)]
    Place(#[from] UnknownPlace),
    #[error(transparent)]
    PublishAndSend(#[from] PublishAndSendError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Depth(#[from] DepthError),
    #[error("publishing the event of a smoke check")]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    #[error("`{0}` is not the end of a page: pass on what the previous answer has as `next`")]
    Number(String),
    #[error("there is no dead letter {0}")]
    NoSuchRecord(Uuid),
    #[error(
        "no pass of an erasure of this tenant met {0}: `tenants erase --execute` names what is kept"
    )]
    NoSuchRemainder(Remainder),
    #[error(transparent)]
    NoSuchProvider(RoutingError),
    #[error(
        "no index has these jobs of all tenants: name a tenant, a cause, the state failed, created or submitted, or ask for degraded ones"
    )]
    NoIndexOfJobs,
    #[error(
        "no index has these voices of all tenants: name a tenant, a cause, or the state failed, registered, awaiting-owner or training"
    )]
    NoIndexOfVoices,
    #[error(
        "the filter does not say which jobs: resubmit takes a state, a cause or degraded ones; cancel takes the state created or submitted, or none"
    )]
    TooWide,
    #[error("no function consumes {0}, so none of its records stops a partition")]
    NotConsumed(Topic),
}

impl StepError {
    /// The kind of error, by which the caller decides what to do.
    fn kind(&self) -> FailureKind {
        match self {
            Self::Store(error) | Self::Commit(CommitError::Store(error)) => of_store(error),
            Self::NoSuchRecord(_) | Self::NoSuchRemainder(_) | Self::NoSuchProvider(_) => {
                FailureKind::NotFound
            }
            Self::Invoke(InvokeError::Failed {
                kind: Some(kind), ..
            }) => *kind,
            Self::Payload(_)
            | Self::Place(_)
            | Self::Number(_)
            | Self::NoIndexOfJobs
            | Self::NoIndexOfVoices
            | Self::TooWide
            | Self::NotConsumed(_) => FailureKind::InvalidInput,
            Self::DeadLetter(DeadLetterError::Content(_))
            | Self::Audit(_)
            | Self::Commit(_)
            | Self::Invoke(InvokeError::Reply { .. }) => FailureKind::Internal,
            Self::DeadLetter(_)
            | Self::PublishAndSend(_)
            | Self::Start(_)
            | Self::Depth(_)
            | Self::Invoke(InvokeError::Call { .. } | InvokeError::Failed { kind: None, .. })
            | Self::Publish(_) => FailureKind::Transient,
        }
    }
}

/// What an operator does about a failure of the store.
fn of_store(error: &StoreError) -> FailureKind {
    match error {
        StoreError::NotFound(_) => FailureKind::NotFound,
        StoreError::Contended | StoreError::Write(_) | StoreError::Read(_) => {
            FailureKind::Transient
        }
        StoreError::Refused(_) | StoreError::Item(_) => FailureKind::Internal,
    }
}

impl From<StepError> for Diagnostic {
    fn from(error: StepError) -> Self {
        Self {
            error_type: error.kind().as_str().to_owned(),
            error_message: runtime::chain(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::invoke::failed;

    use super::*;

    #[test]
    fn a_failure_of_completion_keeps_its_kind_if_completion_reported_it() {
        let kind = |error: &str| {
            let error = failed("studio-completion-staging", error.as_bytes());
            StepError::from(error).kind()
        };
        let of = |error_type: &str| {
            kind(&format!(
                r#"{{"errorType":"{error_type}","errorMessage":"why"}}"#
            ))
        };
        for kind in FailureKind::ALL {
            assert_eq!(of(kind.as_str()), kind);
        }
        assert_eq!(of("Sandbox.Timedout"), FailureKind::Transient);
        assert_eq!(kind("not JSON"), FailureKind::Transient);
    }
}
