//! Decisions about a voice model: registered, refused, or ready.

use contract::{Identifier, Time, Topic, VoiceModelCreated, VoiceModelReady, VoiceTraining};

use crate::{
    Attempts, Decision, Failure, OutboundEvent, ProviderId, VoiceModel, VoiceModelId, VoiceState,
    Work,
};

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
            attempts: Attempts::default(),
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
        credits_used: model.attempts.credits(),
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
