//! A cloned voice: its registration, its owner's verification, its training, and its erasure.

use std::fmt;

use contract::{FailureClass, Identifier, S3Object, Time, VoiceTraining};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Attempts, Failure, Outcome, ProviderId, Shortfall, VoiceModelId, Work, WorkId};

/// A voice model: a cloned voice, at any stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceModel {
    /// Its id, which is also the name of its execution.
    pub id: VoiceModelId,
    /// The number of writes so far; 0 before the first.
    pub version: u64,
    /// The tenant that owns it.
    pub tenant: Identifier,
    /// The provider that clones it.
    pub provider: ProviderId,
    /// The training input. `None` after erasing, or if the input could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<VoiceTraining>,
    /// When it was registered.
    pub created_at: Time,
    /// When the sweep handles the model if it is still open.
    pub deadline: Time,
    /// The number of times its execution was restarted under another name.
    pub restarts: u32,
    /// The provider's id for the voice, once it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// The attempts, oldest first: one for each request that changes something at the provider.
    pub attempts: Attempts<VoiceRequest>,
    /// All recordings that the owner made for verification, so that they can be erased.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recordings: Vec<S3Object>,
    /// Its state.
    pub state: VoiceState,
}

/// A voice model's state. It only moves down this list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum VoiceState {
    /// Published as created; its samples are uploaded to the provider.
    Registered,
    /// The owner has to verify that the voice is theirs.
    AwaitingOwner {
        /// Since when.
        since: Time,
        /// The token that resumes the execution.
        token: TaskToken,
        /// The S3 object with the text for the owner to read aloud, if the provider requires one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        captcha: Option<String>,
    },
    /// The provider is training it.
    Training {
        /// Since when.
        since: Time,
    },
    /// It is ready for use.
    Ready {
        /// Since when.
        at: Time,
    },
    /// It failed for good.
    Failed {
        /// The failure.
        failure: Failure,
        /// The reason, for a person.
        reason: String,
    },
    /// It is being erased; nothing else can happen to it.
    Erasing {
        /// Since when.
        at: Time,
        /// The counts of what was erased so far.
        #[serde(default)]
        erased: ErasedVoice,
    },
    /// It was erased; only the time and the counts remain.
    Erased {
        /// When.
        at: Time,
        /// The counts of what was erased.
        erased: ErasedVoice,
    },
}

/// What was erased of a voice model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErasedVoice {
    /// Voices at the provider.
    pub voices: usize,
    /// Samples and other objects in S3.
    pub objects: usize,
    /// Stored events whose bytes were blanked.
    pub events: usize,
}

/// The token that resumes a waiting execution. Its holder can resume the execution, so it is never
/// logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskToken(String);

impl TaskToken {
    /// The token in plain text, for Step Functions only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TaskToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskToken")
    }
}

/// A kind of request to a provider for a voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VoiceRequest {
    /// Create the voice; for an instant voice with all its samples.
    Create,
    /// Upload this sample, counted from 1.
    Sample(usize),
    /// Verify the owner's recording.
    Verify,
    /// Train the voice.
    Train,
}

impl VoiceModel {
    /// The voice's name at the provider. It is made of the id alone, so that the studio can find
    /// the voice if the response to its creation was lost, and so that it reveals no personal name.
    #[must_use]
    pub fn name_at_provider(&self) -> String {
        format!("studio-{}", self.id)
    }

    /// The folder of its objects in the bucket.
    #[must_use]
    pub fn folder(&self) -> String {
        format!("voices/{}/", self.id)
    }

    /// Whether the provider confirmed `request`.
    #[must_use]
    pub fn is_done(&self, request: VoiceRequest) -> bool {
        self.attempts.at(request).any(|attempt| {
            matches!(
                attempt.outcome,
                Some(Outcome::Made { .. } | Outcome::Accepted)
            )
        })
    }

    /// The model with a new attempt, not sent yet.
    #[must_use]
    pub fn asking(mut self, request: VoiceRequest, token: Uuid, now: Time) -> Self {
        self.attempts.open_new(request, token, now);
        self
    }

    /// The open model in training, since `now` unless training began before.
    #[must_use]
    pub fn trained_since(mut self, now: Time) -> Self {
        if !self.is_closed() && !matches!(self.state, VoiceState::Training { .. }) {
            self.state = VoiceState::Training { since: now };
        }
        self
    }

    /// The open model waiting for its owner.
    #[must_use]
    pub fn awaiting_owner(mut self, token: TaskToken, captcha: Option<String>, now: Time) -> Self {
        let since = match &self.state {
            VoiceState::AwaitingOwner { since, .. } => *since,
            _ => now,
        };
        if !self.is_closed() {
            self.state = VoiceState::AwaitingOwner {
                since,
                token,
                captcha,
            };
        }
        self
    }

    /// The open model, failed; a closed model is returned unchanged.
    #[must_use]
    pub fn failed(self, failure: Failure, sentence: Option<&str>) -> Self {
        if self.is_closed() {
            return self;
        }
        let mut model = match self.attempts.open() {
            Some(_) => self.answered(
                Outcome::unknown("the voice failed before it was answered", failure.at),
                failure.at,
            ),
            None => self,
        };
        let reason = reason(failure.class, sentence);
        model.state = VoiceState::Failed { failure, reason };
        model
    }

    /// The model in erasure, which is final.
    #[must_use]
    pub fn erasing(mut self, now: Time) -> Self {
        if !matches!(
            self.state,
            VoiceState::Erasing { .. } | VoiceState::Erased { .. }
        ) {
            self.state = VoiceState::Erasing {
                at: now,
                erased: ErasedVoice::default(),
            };
        }
        self
    }

    /// The model in erasure after `more` of it was erased.
    #[must_use]
    pub fn erased_in_part(mut self, more: ErasedVoice) -> Self {
        if let VoiceState::Erasing { erased, .. } = &mut self.state {
            erased.voices += more.voices;
            erased.objects += more.objects;
            erased.events += more.events;
        }
        self
    }

    /// The model after erasing: without name, consent, samples and vendor's messages.
    #[must_use]
    pub fn erased(mut self, now: Time) -> Self {
        let erased = if let VoiceState::Erasing { erased, .. } = &self.state {
            *erased
        } else {
            ErasedVoice::default()
        };
        self.training = None;
        self.voice = None;
        self.recordings.clear();
        self.attempts.blank();
        self.state = VoiceState::Erased { at: now, erased };
        self
    }
}

impl Work for VoiceModel {
    fn id(&self) -> WorkId {
        WorkId::Voice(self.id)
    }

    fn tenant(&self) -> &Identifier {
        &self.tenant
    }

    fn created_at(&self) -> Time {
        self.created_at
    }

    fn deadline(&self) -> Time {
        self.deadline
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn with_version(self, version: u64) -> Self {
        Self { version, ..self }
    }

    fn restarts(&self) -> u32 {
        self.restarts
    }

    fn execution_number(&self) -> u32 {
        self.restarts
    }

    fn restarted(self, deadline: Time) -> Self {
        Self {
            restarts: self.restarts + 1,
            deadline,
            ..self
        }
    }

    /// A closed model can still be erased.
    fn is_closed(&self) -> bool {
        match self.state {
            VoiceState::Registered
            | VoiceState::AwaitingOwner { .. }
            | VoiceState::Training { .. } => false,
            VoiceState::Ready { .. }
            | VoiceState::Failed { .. }
            | VoiceState::Erasing { .. }
            | VoiceState::Erased { .. } => true,
        }
    }

    fn is_erased(&self) -> bool {
        matches!(self.state, VoiceState::Erased { .. })
    }

    fn shortfall(&self) -> Option<Shortfall> {
        matches!(self.state, VoiceState::Failed { .. }).then_some(Shortfall::Failed)
    }

    /// It is no job.
    fn is_at_vendor(&self) -> bool {
        false
    }

    /// It is no job.
    fn is_queued(&self) -> bool {
        false
    }

    /// Its execution looks again by itself while it stands in a line.
    fn is_in_line(&self) -> bool {
        false
    }

    fn unanswered(&self) -> Option<ProviderId> {
        self.attempts.open().map(|_| self.provider)
    }

    /// A successful training request starts the training.
    fn answered(mut self, outcome: Outcome, now: Time) -> Self {
        let is_made = matches!(outcome, Outcome::Made { .. });
        match self.attempts.close_last(outcome) {
            Some(last) if is_made && last.asked == VoiceRequest::Train => self.trained_since(now),
            Some(_) | None => self,
        }
    }
}

/// The text for a person: what went wrong and what they can do.
fn reason(class: FailureClass, sentence: Option<&str>) -> String {
    let general = match class {
        FailureClass::InvalidInput => match sentence {
            Some(sentence) => return format!("{sentence}."),
            None => {
                "The service that clones the voice can make nothing of it as it is. Train it again, from better or longer samples."
            }
        },
        FailureClass::Unavailable => {
            "The service that clones voices did not do its part. Train it again later."
        }
        FailureClass::Timeout => match sentence {
            Some(sentence) => return format!("{sentence}."),
            None => "The service that clones voices took too long. Train it again later.",
        },
        FailureClass::Abandoned => {
            "The training was interrupted several times and never ended. Train it again."
        }
        FailureClass::NotConfigured => "No provider is set up to clone voices here.",
        FailureClass::Moderation => "The service that clones voices refuses this one by its rules.",
        FailureClass::OutcomeUnknown => {
            "The service that clones voices was asked and never answered. Train it again."
        }
        FailureClass::TooManyOpen => "Too much is in progress. Train it again later.",
        FailureClass::Cancelled => "It was cancelled.",
        FailureClass::Internal => "The studio made a mistake. The operators can see it.",
    };
    general.to_owned()
}
