//! Who speaks a job that names a cloned voice. It is that voice or none: never another one, and never
//! another provider's in its place. Whether it may speak is looked up at each attempt, because the
//! voice may be erased after the job was decided on.

use contract::{FailureClass, Identifier, VoiceModelId};

use crate::{ProviderId, VoiceModel, VoiceState};

/// A cloned voice that may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speaker<'m> {
    /// The provider that made it. No other has it.
    pub provider: ProviderId,
    /// That provider's id for it.
    pub voice: &'m str,
}

/// Why the cloned voice that a job names does not speak it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSpoken {
    /// The tenant has no such voice model. Another tenant's is not told from one that never was.
    Unknown,
    /// It is not ready: it waits for its owner, or is in training.
    NotReady,
    /// Its training failed.
    NotTrained,
    /// It is erased, or being erased.
    Erased,
    /// It is ready here, and its provider does not have it any more.
    Gone,
    /// Its provider is not among those that are asked for speech.
    NoProvider,
}

/// The voice that is to speak a job of `tenant`: the one of `model`, the voice model with the id that
/// the job names, if there is one. `providers` are those that are asked for such a job.
///
/// # Errors
/// [`NotSpoken`]: no voice speaks it.
pub fn speaker<'m>(
    tenant: &Identifier,
    model: Option<&'m VoiceModel>,
    providers: &[ProviderId],
) -> Result<Speaker<'m>, NotSpoken> {
    let model = model
        .filter(|model| model.tenant == *tenant)
        .ok_or(NotSpoken::Unknown)?;
    match model.state {
        VoiceState::Ready { .. } => {}
        VoiceState::Registered | VoiceState::AwaitingOwner { .. } | VoiceState::Training { .. } => {
            return Err(NotSpoken::NotReady);
        }
        VoiceState::Failed { .. } => return Err(NotSpoken::NotTrained),
        VoiceState::Erasing { .. } | VoiceState::Erased { .. } => return Err(NotSpoken::Erased),
    }
    let provider = model.provider;
    if !providers.contains(&provider) {
        return Err(NotSpoken::NoProvider);
    }
    let voice = model.voice.as_deref().ok_or(NotSpoken::Gone)?;
    Ok(Speaker { provider, voice })
}

impl NotSpoken {
    /// The class of the job's failure.
    #[must_use]
    pub fn failure_class(self) -> FailureClass {
        match self {
            Self::Unknown | Self::NotReady | Self::NotTrained | Self::Erased | Self::Gone => {
                FailureClass::InvalidInput
            }
            Self::NoProvider => FailureClass::NotConfigured,
        }
    }

    /// What is wrong with `voice`, for a person, as a sentence without its full stop.
    #[must_use]
    pub fn what(self, voice: VoiceModelId) -> String {
        match self {
            Self::Unknown => format!("this tenant has no voice model `{voice}`"),
            Self::NotReady => format!("the voice model `{voice}` is not ready"),
            Self::NotTrained => format!("the training of the voice model `{voice}` failed"),
            Self::Erased => format!("the voice model `{voice}` is erased"),
            Self::Gone => {
                format!("the provider of the voice model `{voice}` does not have it any more")
            }
            Self::NoProvider => {
                format!("no provider is set up here that speaks with the voice model `{voice}`")
            }
        }
    }

    /// What mends it, for a person.
    pub(crate) fn cure(self) -> &'static str {
        match self {
            Self::Unknown | Self::NotTrained | Self::Erased | Self::Gone => {
                "Name another voice model of this tenant's, or none, and the studio renders it again."
            }
            Self::NotReady => "Submit it again once `voice-model.ready` says that it is.",
            Self::NoProvider => "Once an operator has set one up, submit it again.",
        }
    }

    /// Whether the same job may be spoken later.
    pub(crate) fn may_pass(self) -> bool {
        match self {
            Self::NotReady | Self::NoProvider => true,
            Self::Unknown | Self::NotTrained | Self::Erased | Self::Gone => false,
        }
    }
}
