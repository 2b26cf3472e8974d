//! A step: what the state machine asks for, what it is answered, and what can go wrong on the way.

use aws_sdk_s3::error::BoxError;
use contract::{DataError, Identifier, S3Object};
use domain::{JobId, ProviderId, TaskToken, VoiceModelId};
use journal::{GoOnError, PublishEntryError, StoreError};
use lambda_runtime::Diagnostic;
use providers::Refused;
use serde::{Deserialize, Serialize};

use crate::{fail, logo::FetchError};

/// What the state machine, or the schedule, asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    tag = "step",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Step {
    /// Ask the provider for the job's media.
    Submit { job_id: JobId },
    /// Ask again whether it is made.
    Poll { job_id: JobId },
    /// The media is stored: close the job and tell.
    Finish { job_id: JobId },
    /// A step failed for good, with Step Functions' error name and cause: close the job and tell.
    Fail {
        job_id: JobId,
        error: String,
        #[serde(default)]
        cause: String,
    },
    /// Somebody who may do so does not want the job's media any more.
    Cancel { job_id: JobId },
    /// Register the voice model that the execution of this name is for.
    RegisterVoice { name: String, input: Input },
    /// Do the next thing for a voice model, if it is time for one.
    AdvanceVoice { voice_model_id: VoiceModelId },
    /// The execution of a voice model waits for its owner, and goes on with the token.
    AwaitOwner {
        voice_model_id: VoiceModelId,
        task_token: TaskToken,
    },
    /// The owner of a voice read aloud what they were to; without a recording it is only asked
    /// whether the provider is satisfied.
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
    /// Its owner, or their tenant, wants nothing of a voice to be left.
    EraseVoice {
        voice_model_id: VoiceModelId,
        tenant_id: Identifier,
    },
    /// A tenant wants nothing of its media to be left.
    EraseTenant { tenant_id: Identifier },
    /// An operator says that a provider can be asked again.
    CloseBreaker { provider: ProviderId },
    /// Find jobs whose execution died without a word.
    Sweep,
}

/// The input of an execution: somebody's content, which no log shows.
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

/// What a step answers. The state machine goes by `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    tag = "status",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Reply {
    /// The provider needs longer; poll after so many seconds.
    Pending { poll_after_seconds: u32 },
    /// It is somebody else's turn, or the provider wants a pause; submit again after so many
    /// seconds.
    Waiting { seconds: u32 },
    /// The asset is stored.
    Stored,
    /// The job is closed, and Kafka has its events.
    Closed,
    /// The voice model is registered, and announced.
    Registered,
    /// The owner of the voice is to show that it is theirs.
    Unverified,
    /// What lets the execution go on is committed.
    AwaitingOwner,
    /// The owner has shown it.
    Verified,
    /// The owner has not shown it; what to do, for a person.
    NotVerified { reason: String },
    /// The voice failed; why, for a person.
    VoiceFailed { reason: String },
    /// Nothing of the voice is left.
    VoiceErased,
    /// Nothing more is done for the voice, and something may still be on its way to the provider:
    /// ask again in a few minutes.
    VoiceErasing,
    /// Nothing of the tenant's is left; what was erased just now.
    Erased {
        jobs: usize,
        voices: usize,
        entities: usize,
        decisions: usize,
        records: usize,
    },
    /// As [`Erased`](Self::Erased), and there is more, or may be: ask again in a few minutes.
    Erasing {
        jobs: usize,
        voices: usize,
        entities: usize,
        decisions: usize,
        records: usize,
    },
    /// The provider is asked again.
    BreakerClosed,
    /// What the sweep found.
    Swept {
        overdue: usize,
        running: usize,
        restarted: usize,
        failed: usize,
        closed: usize,
        published: usize,
    },
}

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// The name that the state machine's `Retry` and `Catch` match, which is the failure's fate:
    /// `Studio.Transient` is tried again, the others are not.
    pub(crate) fn error_type(&self) -> &'static str {
        match self {
            Self::Store(error) if error.is_transient() => "Studio.Transient",
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
            Self::Store(StoreError::IdReused) => fail::ID_REUSED,
            Self::Store(_) | Self::NothingStored(_) | Self::NoCloner(_) => "Studio.Internal",
        }
    }

    /// What went wrong, for whoever's content it is: where that is theirs to mend, a sentence and
    /// nothing else; else the chain, which only operators see.
    fn message(&self) -> String {
        match self {
            Self::Logo(
                error @ (FetchError::NotAllowed(_)
                | FetchError::Missing(_)
                | FetchError::TooLarge { .. }),
            ) => error.to_string(),
            Self::Input(_) | Self::ExecutionName(_) | Self::Store(StoreError::IdReused) => {
                self.to_string()
            }
            Self::Store(_)
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
