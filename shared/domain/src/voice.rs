//! A cloned voice: its registration, its owner's verification, its training, and its erasure.

use std::fmt;

use contract::{
    FailureClass, Identifier, S3Object, Time, Topic, VoiceModelCreated, VoiceModelReady,
    VoiceTraining,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Decision, Failure, Outcome, ProviderId, VoiceModelId, decision::OutboundEvent,
    ids::execution_name,
};

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
    pub attempts: Vec<VoiceAttempt>,
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// One request that changes something at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceAttempt {
    /// Identifies the invocation that wrote the attempt; only that invocation may send the request.
    /// The vendor gets it as `x-client-request-id`.
    pub token: Uuid,
    /// The request.
    pub request: VoiceRequest,
    /// When the attempt was stored.
    pub at: Time,
    /// The outcome; `None` while the request may be in flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
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
    /// Whether the model has ended; a closed model can still be erased.
    #[must_use]
    pub fn is_closed(&self) -> bool {
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

    /// The name of its execution: the id, and from the first restart on `<id>-<n>`.
    #[must_use]
    pub fn execution_name(&self) -> String {
        execution_name(self.id.0, self.restarts)
    }

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
        let done = |attempt: &&VoiceAttempt| {
            matches!(
                attempt.outcome,
                Some(Outcome::Made { .. } | Outcome::Accepted)
            )
        };
        self.attempts
            .iter()
            .filter(|attempt| attempt.request == request)
            .any(|attempt| done(&attempt))
    }

    /// The credits that all its attempts used.
    #[must_use]
    pub fn credits(&self) -> u64 {
        self.attempts
            .iter()
            .filter_map(|attempt| attempt.outcome.as_ref())
            .map(Outcome::credits)
            .sum()
    }

    /// The model with a new attempt, not sent yet.
    #[must_use]
    pub fn asking(mut self, request: VoiceRequest, token: Uuid, now: Time) -> Self {
        self.attempts.push(VoiceAttempt {
            token,
            request,
            at: now,
            outcome: None,
        });
        self
    }

    /// The last attempt, if it has no outcome yet.
    #[must_use]
    pub fn open_attempt(&self) -> Option<&VoiceAttempt> {
        self.attempts
            .last()
            .filter(|attempt| attempt.outcome.is_none())
    }

    /// The model with the outcome of its last attempt. A successful training request starts the
    /// training.
    #[must_use]
    pub fn answered(mut self, outcome: Outcome, now: Time) -> Self {
        let Some(last) = self.attempts.last_mut() else {
            return self;
        };
        let trains = last.request == VoiceRequest::Train && matches!(outcome, Outcome::Made { .. });
        last.outcome = Some(outcome);
        if trains {
            self.trained_since(now)
        } else {
            self
        }
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

    /// The model with one more restart and a new deadline.
    #[must_use]
    pub fn restarted(mut self, deadline: Time) -> Self {
        self.restarts += 1;
        self.deadline = deadline;
        self
    }

    /// The open model, failed; a closed model is returned unchanged.
    #[must_use]
    pub fn failed(self, failure: Failure, sentence: Option<&str>) -> Self {
        if self.is_closed() {
            return self;
        }
        let mut model = match self.open_attempt() {
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
            self.state = VoiceState::Erasing { at: now };
        }
        self
    }

    /// The model after erasing: without name, consent, samples and vendor's messages.
    #[must_use]
    pub fn erased(mut self, erased: ErasedVoice, now: Time) -> Self {
        self.training = None;
        self.voice = None;
        self.recordings.clear();
        for attempt in &mut self.attempts {
            if let Some(Outcome::Refused { detail, .. }) = &mut attempt.outcome {
                detail.clear();
            }
        }
        self.state = VoiceState::Erased { at: now, erased };
        self
    }
}

/// The inputs of a registration.
#[derive(Debug, Clone, Copy)]
pub struct Registration<'a> {
    /// Its id.
    pub id: VoiceModelId,
    /// The tenant that owns it.
    pub tenant: &'a Identifier,
    /// The provider that clones it.
    pub provider: ProviderId,
    /// The current time.
    pub now: Time,
    /// When the sweep handles the model if it is still open.
    pub deadline: Time,
}

impl Registration<'_> {
    fn model(self, training: Option<&VoiceTraining>) -> VoiceModel {
        VoiceModel {
            id: self.id,
            version: 0,
            tenant: self.tenant.clone(),
            provider: self.provider,
            training: training.cloned(),
            created_at: self.now,
            deadline: self.deadline,
            restarts: 0,
            voice: None,
            attempts: Vec::new(),
            recordings: Vec::new(),
            state: VoiceState::Registered,
        }
    }

    /// Decides to clone the voice, and publishes the submission of its training.
    #[must_use]
    pub fn accepted(self, training: &VoiceTraining) -> Decision {
        let model = self.model(Some(training));
        let data = VoiceModelCreated {
            tenant_id: model.tenant.as_str().to_owned(),
            user_id: training.user_id.as_str().to_owned(),
            voice_model_id: model.id.to_string(),
            name: training.name.as_str().to_owned(),
            provider: model.provider.as_str().to_owned(),
            method: training.method,
            locale: Some(training.locale.as_str().to_owned()),
        };
        let event = OutboundEvent::new(
            Topic::VoiceModelCreated,
            &model.tenant,
            model.id.0,
            b"register",
            self.now,
            data,
        );
        Decision {
            voice: Some(model),
            events: vec![event],
            ..Decision::default()
        }
    }

    /// Decides not to clone the voice, because of `failure`. `training` is `None` if the input
    /// could not be read. No event is published; `sentence` is the text for a person.
    #[must_use]
    pub fn refused(
        self,
        training: Option<&VoiceTraining>,
        failure: Failure,
        sentence: Option<&str>,
    ) -> Decision {
        Decision {
            voice: Some(self.model(training).failed(failure, sentence)),
            ..Decision::default()
        }
    }
}

/// Decides that the open `model` is ready, and publishes that. `None` if it is closed or has no
/// training input.
#[must_use]
pub fn ready(model: VoiceModel, now: Time) -> Option<Decision> {
    if model.is_closed() {
        return None;
    }
    let training = model.training.as_ref()?;
    let data = VoiceModelReady {
        tenant_id: model.tenant.as_str().to_owned(),
        user_id: training.user_id.as_str().to_owned(),
        voice_model_id: model.id.to_string(),
        name: training.name.as_str().to_owned(),
        provider: model.provider.as_str().to_owned(),
        method: training.method,
        locale: Some(training.locale.as_str().to_owned()),
        duration_ms: now.milliseconds_since(model.created_at),
        credits_used: model.credits(),
    };
    let event = OutboundEvent::new(
        Topic::VoiceModelReady,
        &model.tenant,
        model.id.0,
        b"ready",
        now,
        data,
    );
    let model = VoiceModel {
        state: VoiceState::Ready { at: now },
        ..model
    };
    Some(Decision {
        voice: Some(model),
        events: vec![event],
        ..Decision::default()
    })
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
        FailureClass::NotConfigured => "Nobody is set up to clone voices here.",
        FailureClass::Moderation => "The service that clones voices refuses this one by its rules.",
        FailureClass::OutcomeUnknown => {
            "The service that clones voices was asked and never answered. Train it again."
        }
        FailureClass::Cancelled => "It was cancelled.",
        FailureClass::Internal => "The studio made a mistake. The operators can see it.",
    };
    general.to_owned()
}
