//! A cloned voice: from its registration over its owner's verification to its training; and what is
//! left of it once it is erased.

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

/// A voice that is cloned, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceModel {
    /// Its id, which is also the name of its execution.
    pub id: VoiceModelId,
    /// How often it was written; 0 before the first time.
    pub version: u64,
    /// Whose it is.
    pub tenant: Identifier,
    /// Who clones it.
    pub provider: ProviderId,
    /// What was asked for. Gone once it is erased; never there if it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<VoiceTraining>,
    /// When it was registered.
    pub created_at: Time,
    /// When an open one is looked after by the sweep.
    pub deadline: Time,
    /// How often its execution was started again under another name.
    pub restarts: u32,
    /// What the provider calls the voice, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// Each request that changes something at the provider, the first first.
    pub attempts: Vec<VoiceAttempt>,
    /// What its owner read aloud to verify it, each time: known so that it can be erased.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recordings: Vec<S3Object>,
    /// How far it is.
    pub state: VoiceState,
}

/// How far a voice model is. It only moves down this list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum VoiceState {
    /// Announced; its samples go to the provider.
    Registered,
    /// Its owner is to show that the voice is theirs.
    AwaitingOwner {
        /// Since when.
        since: Time,
        /// What lets the execution go on.
        token: TaskToken,
        /// The object with what the owner is to read aloud, if the provider has them read
        /// something.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        captcha: Option<String>,
    },
    /// The provider trains it.
    Training {
        /// Since when.
        since: Time,
    },
    /// It speaks.
    Ready {
        /// Since when.
        at: Time,
    },
    /// It failed for good.
    Failed {
        /// Why.
        failure: Failure,
        /// Why, for a person.
        reason: String,
    },
    /// It is being erased: nothing else happens to it any more.
    Erasing {
        /// Since when.
        at: Time,
    },
    /// All that is left of it: what was erased, and when.
    Erased {
        /// When.
        at: Time,
        /// What.
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

/// What lets an execution that waits for somebody go on. Whoever has it can, so it is in no log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskToken(String);

impl TaskToken {
    /// The token, for Step Functions and nobody else.
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
    /// Whose attempt it is: the invocation that wrote it, and nobody else, may make it. The vendor
    /// gets it as `x-client-request-id`.
    pub token: Uuid,
    /// What is asked for.
    pub request: VoiceRequest,
    /// When it was written down.
    pub at: Time,
    /// What came of it. None while the request may be on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// What a provider is asked to do for a voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VoiceRequest {
    /// To make the voice; an instant one with all its samples.
    Create,
    /// To take this sample, counted from 1.
    Sample(usize),
    /// To compare what its owner read aloud.
    Verify,
    /// To train it.
    Train,
}

impl VoiceModel {
    /// Whether nothing more will happen to it but erasing.
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

    /// The name of its execution: its id, and from the first restart on `<id>-<n>`.
    #[must_use]
    pub fn execution_name(&self) -> String {
        execution_name(self.id.0, self.restarts)
    }

    /// What it is called at the provider: made of its id alone, so that a voice whose creation was
    /// never answered can be found, and nobody's name is given away.
    #[must_use]
    pub fn name_at_provider(&self) -> String {
        format!("studio-{}", self.id)
    }

    /// The folder of its own objects in the bucket.
    #[must_use]
    pub fn folder(&self) -> String {
        format!("voices/{}/", self.id)
    }

    /// Whether the provider said that it did what was asked.
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

    /// Credits that all its attempts used.
    #[must_use]
    pub fn credits(&self) -> u64 {
        self.attempts
            .iter()
            .filter_map(|attempt| attempt.outcome.as_ref())
            .map(Outcome::credits)
            .sum()
    }

    /// The model with an attempt written down, not made yet.
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

    /// The attempt that is written down and of which nothing more is known.
    #[must_use]
    pub fn open_attempt(&self) -> Option<&VoiceAttempt> {
        self.attempts
            .last()
            .filter(|attempt| attempt.outcome.is_none())
    }

    /// The model with what came of its last attempt. What is asked to train begins to.
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

    /// The model of an open voice that the provider trains, since `now` unless it did before.
    #[must_use]
    pub fn trained_since(mut self, now: Time) -> Self {
        if !self.is_closed() && !matches!(self.state, VoiceState::Training { .. }) {
            self.state = VoiceState::Training { since: now };
        }
        self
    }

    /// The model of an open voice that waits for its owner.
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

    /// The model as its next execution finds it.
    #[must_use]
    pub fn restarted(mut self, deadline: Time) -> Self {
        self.restarts += 1;
        self.deadline = deadline;
        self
    }

    /// The model of an open voice that failed; a closed one as it is.
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

    /// The model of a voice that is to be erased, from now on and for good.
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

    /// What is left once everything is erased: no name, no consent, no sample, no word of the
    /// vendor's.
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

/// What a voice is registered with.
#[derive(Debug, Clone, Copy)]
pub struct Registration<'a> {
    /// Its id.
    pub id: VoiceModelId,
    /// Whose it is.
    pub tenant: &'a Identifier,
    /// Who clones it.
    pub provider: ProviderId,
    /// The time.
    pub now: Time,
    /// When the sweep looks after it.
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

    /// Decides that the voice is cloned, and tells that its training was submitted.
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

    /// Decides that the voice is not cloned, because of `failure`; what was asked for may not have
    /// been readable. There is no event for it; `sentence` is what a person is told.
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

/// Decides that the open `model` speaks, and tells. `None` if it is closed.
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

/// What a person reads: what went wrong, and what they can do.
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
