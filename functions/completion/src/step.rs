//! A step: the requests of the state machines, the replies and the errors.

use aws_sdk_s3::error::BoxError;
use contract::{DataError, Identifier, S3Object};
use dead_letters::DeadLetterError;
use domain::{JobId, ProviderId, TaskToken, VoiceModelId};
use lambda_runtime::Diagnostic;
use outbox::{CommitError, GoOnError, PublishEntryError};
use providers::Refused;
use serde::{Deserialize, Serialize};
use store::StoreError;

use crate::logo::FetchError;

/// The error name for an execution whose name already belongs to another voice model, which must
/// not change.
pub(crate) const ID_REUSED: &str = "Studio.IdReused";

/// A request of a state machine, of the schedule or of a caller.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    tag = "step",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Step {
    /// Ask the provider for the job's media.
    Submit { job_id: JobId },
    /// Ask the provider again whether the media is done.
    Poll { job_id: JobId },
    /// The media is stored: close the job and publish its end.
    Finish { job_id: JobId },
    /// A step failed for good, with Step Functions' error name and cause: close the job and publish
    /// its end.
    Fail {
        job_id: JobId,
        error: String,
        #[serde(default)]
        cause: String,
    },
    /// An operator cancels the job.
    Cancel { job_id: JobId },
    /// Register the voice model of the execution with this name.
    RegisterVoice { name: String, input: Input },
    /// Do the next action for a voice model, if one is due.
    AdvanceVoice { voice_model_id: VoiceModelId },
    /// The execution of a voice model waits for its owner; the token resumes it.
    AwaitOwner {
        voice_model_id: VoiceModelId,
        task_token: TaskToken,
    },
    /// The owner of a voice recorded the text for verification. Without a recording, the step only
    /// checks whether the provider is satisfied.
    VerifyVoice {
        voice_model_id: VoiceModelId,
        tenant_id: Identifier,
        #[serde(default)]
        recording: Option<S3Object>,
    },
    /// A step of a voice failed for good, with Step Functions' error name and cause.
    FailVoice {
        voice_model_id: String,
        error: String,
        #[serde(default)]
        cause: String,
    },
    /// The owner of a voice, or their tenant, wants it erased.
    EraseVoice {
        voice_model_id: VoiceModelId,
        tenant_id: Identifier,
    },
    /// A tenant wants all its data erased.
    EraseTenant { tenant_id: Identifier },
    /// An operator closes the breaker of a provider.
    CloseBreaker { provider: ProviderId },
    /// Handle overdue jobs and voice models, and unpublished ends.
    Sweep,
}

/// The input of an execution. It is personal content, so no log shows it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Input(serde_json::Value);

impl Input {
    pub(crate) fn json(&self) -> &serde_json::Value {
        &self.0
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Input")
    }
}

/// The reply of a step. The state machine branches on `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    tag = "status",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Reply {
    /// The provider needs more time; poll after this many seconds.
    Pending { poll_after_seconds: u32 },
    /// A concurrency limit is reached, or the provider asks for a pause; submit again after this
    /// many seconds.
    Waiting { seconds: u32 },
    /// The asset is stored.
    Stored,
    /// The job is closed, and its end is published.
    Closed,
    /// The voice model is registered, and that is published.
    Registered,
    /// The owner still has to verify that the voice is theirs.
    Unverified,
    /// The token that resumes the execution is stored.
    AwaitingOwner,
    /// The owner is verified.
    Verified,
    /// The owner is not verified; the reason tells a person what to do.
    NotVerified { reason: String },
    /// The voice failed; the reason is for a person.
    VoiceFailed { reason: String },
    /// The voice is erased.
    VoiceErased,
    /// The voice is no longer worked on, but a request to the provider may still be in flight:
    /// repeat the step in a few minutes.
    VoiceErasing,
    /// The tenant is erased, with counts of what this step erased.
    Erased {
        jobs: usize,
        voices: usize,
        entities: usize,
        decisions: usize,
        records: usize,
    },
    /// Like [`Erased`](Self::Erased), but something is left or may be left: repeat the step in a
    /// few minutes.
    Erasing {
        jobs: usize,
        voices: usize,
        entities: usize,
        decisions: usize,
        records: usize,
    },
    /// The breaker is closed; the provider gets requests again.
    BreakerClosed,
    /// The counts of the sweep.
    Swept {
        overdue: usize,
        running: usize,
        restarted: usize,
        failed: usize,
        closed: usize,
        published: usize,
    },
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    DeadLetter(#[from] DeadLetterError),
    #[error(transparent)]
    Publish(#[from] PublishEntryError),
    #[error(transparent)]
    Logo(#[from] FetchError),
    #[error("storing the asset in S3")]
    Asset(#[source] BoxError),
    #[error("cancelling the job {job} at its provider")]
    Cancel { job: JobId, source: Refused },
    #[error("asking a provider")]
    Provider(#[source] Refused),
    #[error("reading a recording from S3")]
    Recording(#[source] BoxError),
    #[error("deleting from S3")]
    Delete(#[source] BoxError),
    #[error(transparent)]
    GoOn(#[from] GoOnError),
    #[error(transparent)]
    Input(#[from] DataError),
    #[error(
        "the execution is called `{0}`; its name is to be the voice model's id, a UUID in lower case"
    )]
    ExecutionName(String),
    #[error("{0} clones no voices")]
    NoCloner(ProviderId),
    #[error("no asset of the job {0} is stored, and none is on its way")]
    NothingStored(JobId),
    #[error(
        "{troubled} of {overdue} overdue jobs could not be looked after; the log says why of each"
    )]
    Sweep { troubled: usize, overdue: usize },
}

impl StepError {
    /// The error name that the state machine's `Retry` and `Catch` match. It decides the failure's
    /// fate: `Studio.Transient` is retried, the others are not.
    pub(crate) fn error_type(&self) -> &'static str {
        match self {
            Self::Store(error) if error.is_transient() => "Studio.Transient",
            Self::Commit(error) if error.is_transient() => "Studio.Transient",
            Self::Publish(_)
            | Self::Asset(_)
            | Self::Cancel { .. }
            | Self::Sweep { .. }
            | Self::Provider(_)
            | Self::Recording(_)
            | Self::Delete(_)
            | Self::GoOn(_)
            | Self::Logo(FetchError::S3 { .. }) => "Studio.Transient",
            Self::Logo(
                FetchError::NotAllowed(_) | FetchError::Missing(_) | FetchError::TooLarge { .. },
            )
            | Self::Input(_)
            | Self::ExecutionName(_) => "Studio.InvalidInput",
            Self::Commit(CommitError::IdReused) => ID_REUSED,
            Self::Store(_)
            | Self::Commit(_)
            | Self::DeadLetter(DeadLetterError::Content(_))
            | Self::NothingStored(_)
            | Self::NoCloner(_) => "Studio.Internal",
            Self::DeadLetter(_) => "Studio.Transient",
        }
    }

    /// The message of the error. If the content's owner can fix it, it is one sentence for them;
    /// otherwise it is the chain of causes, which only operators see.
    fn message(&self) -> String {
        match self {
            Self::Logo(
                error @ (FetchError::NotAllowed(_)
                | FetchError::Missing(_)
                | FetchError::TooLarge { .. }),
            ) => error.to_string(),
            Self::Input(_) | Self::ExecutionName(_) | Self::Commit(CommitError::IdReused) => {
                self.to_string()
            }
            Self::Store(_)
            | Self::Commit(_)
            | Self::DeadLetter(_)
            | Self::Publish(_)
            | Self::Logo(FetchError::S3 { .. })
            | Self::Asset(_)
            | Self::Cancel { .. }
            | Self::Provider(_)
            | Self::Recording(_)
            | Self::Delete(_)
            | Self::GoOn(_)
            | Self::NoCloner(_)
            | Self::NothingStored(_)
            | Self::Sweep { .. } => runtime::chain(self),
        }
    }
}

impl From<StepError> for Diagnostic {
    fn from(error: StepError) -> Self {
        Self {
            error_type: error.error_type().to_owned(),
            error_message: error.message(),
        }
    }
}
