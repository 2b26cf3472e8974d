//! The steps of a cloned voice: `voice-training.asl.json` takes them, one after the other.

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

/// The client of whoever clones the voice.
fn cloner<'a>(app: &'a App, model: &VoiceModel) -> Result<&'a ElevenLabs, StepError> {
    app.providers
        .cloner(model.provider)
        .ok_or(StepError::NoCloner(model.provider))
}

/// The voice model, if it is `tenant`'s: of another's nobody learns that it is there.
async fn of_tenant(
    app: &App,
    id: VoiceModelId,
    tenant: &Identifier,
) -> Result<VoiceModel, StepError> {
    let model = app.journal.voice(id).await?;
    match model.tenant == *tenant {
        true => Ok(model),
        false => Err(journal::StoreError::NoSuchVoice(id).into()),
    }
}

/// What the execution of a closed voice model is told; `None` if it is open. One that is ready may
/// not have been told yet.
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

/// Keeps that a voice is ready, or finds that it was committed, and tells.
async fn ready(app: &App, id: VoiceModelId, now: Time) -> Result<Reply, StepError> {
    if let Some(entry) = app.journal.commit_ready(id, now).await? {
        app.journal.publish_and_mark(&entry).await?;
    }
    Ok(Reply::Closed)
}

/// Deletes what the provider has of a voice: the one that is known, or those that go by its name.
/// Returns how many there were.
async fn delete_at_provider(app: &App, model: &VoiceModel) -> Result<usize, Refused> {
    let Some(cloner) = app.providers.cloner(model.provider) else {
        return Ok(0);
    };
    // A creation that was lost may have made a second one.
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
