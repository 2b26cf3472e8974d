//! The steps of a cloned voice, which the state machine `voice-training.asl.json` runs.

mod advance;
mod erase;
mod fail;
mod owner;
mod register;
mod samples;

use contract::{Identifier, Time};
use domain::{VoiceModel, VoiceModelId, VoiceState};
use providers::{ElevenLabs, Refused};

pub(crate) use advance::advance;
pub(crate) use erase::erase;
pub(crate) use fail::{fail, give_up};
pub(crate) use owner::{await_owner, verify};
pub(crate) use register::register;

use crate::{
    App,
    step::{Reply, StepError},
};

/// The client of the provider that clones the voice.
fn cloner<'a>(app: &'a App, model: &VoiceModel) -> Result<&'a ElevenLabs, StepError> {
    app.providers
        .cloner(model.provider)
        .ok_or(StepError::NoCloner(model.provider))
}

/// The voice model, if it is `tenant`'s. For another tenant's model the error is the same as for
/// one that does not exist.
async fn of_tenant(
    app: &App,
    id: VoiceModelId,
    tenant: &Identifier,
) -> Result<VoiceModel, StepError> {
    let model = app.store.voice(id).await?;
    match model.tenant == *tenant {
        true => Ok(model),
        false => Err(store::StoreError::NoSuchVoice(id).into()),
    }
}

/// The reply for the execution of a closed voice model; `None` if it is open. Publishes a ready
/// model, because that may not have happened yet.
async fn end(app: &App, model: &VoiceModel, now: Time) -> Result<Option<Reply>, StepError> {
    match &model.state {
        VoiceState::Registered | VoiceState::AwaitingOwner { .. } | VoiceState::Training { .. } => {
            Ok(None)
        }
        VoiceState::Ready { .. } => ready(app, model.id, now).await.map(Some),
        VoiceState::Failed { reason, .. } => Ok(Some(Reply::VoiceFailed {
            reason: reason.clone(),
        })),
        VoiceState::Erasing { .. } | VoiceState::Erased { .. } => Ok(Some(Reply::Closed)),
    }
}

/// Commits that a voice is ready, or finds that entry, and publishes it.
async fn ready(app: &App, id: VoiceModelId, now: Time) -> Result<Reply, StepError> {
    if let Some(entry) = app.outbox.commit_ready(id, now).await? {
        app.outbox.publish_and_mark(&entry).await?;
    }
    Ok(Reply::Closed)
}

/// Deletes the provider's voices of a model: the known one and all with the model's name there.
/// Returns their number.
async fn delete_at_provider(app: &App, model: &VoiceModel) -> Result<usize, Refused> {
    let Some(cloner) = app.providers.cloner(model.provider) else {
        return Ok(0);
    };
    // A lost creation may have made a second voice.
    let mut voices = match model.attempts.is_empty() {
        true => Vec::new(),
        false => cloner.find(model).await?,
    };
    voices.extend(model.voice.clone().filter(|known| !voices.contains(known)));
    for voice in &voices {
        cloner.delete_voice(voice).await?;
    }
    Ok(voices.len())
}
