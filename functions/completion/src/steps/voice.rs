//! The steps of a cloned voice, which the state machine `voice-training.asl.json` runs.

mod advance;
mod fail;
mod owner;
mod register;
mod samples;
mod training;

use contract::{FailureClass, Time};
use domain::{VoiceModel, VoiceModelId, VoiceState};
use providers::ElevenLabs;

pub(crate) use advance::advance;
pub(crate) use fail::{fail, give_up};
pub(crate) use owner::{await_owner, verify};
pub(crate) use register::register;

use crate::{
    App,
    step::{Reply, StepError},
};

/// The client of the provider that clones the voice.
fn cloner<'a>(app: &'a App, model: &VoiceModel) -> Result<&'a ElevenLabs, StepError> {
    let vendors = app.providers.vendors();
    vendors
        .cloner(model.provider)
        .ok_or(StepError::NoCloner(model.provider))
}

/// The reply for the execution of a closed voice model; `None` if it is open. Publishes a ready
/// model, because that may not have happened yet.
async fn end(app: &App, model: &VoiceModel, now: Time) -> Result<Option<Reply>, StepError> {
    match &model.state {
        VoiceState::Registered | VoiceState::AwaitingOwner { .. } | VoiceState::Training { .. } => {
            Ok(None)
        }
        VoiceState::Ready { .. } => ready(app, model.id, now).await.map(Some),
        VoiceState::Failed { failure, .. } => Ok(Some(failed(failure.class))),
        VoiceState::Erasing { .. } | VoiceState::Erased { .. } => Ok(Some(Reply::Closed)),
    }
}

/// The reply for the execution of a voice that failed as `class`. Step Functions keeps it, and a
/// reason may quote the training: only the model has the reason.
fn failed(class: FailureClass) -> Reply {
    Reply::VoiceFailed {
        reason: format!(
            "The voice failed as {}. `studio voices show` says why.",
            class.as_str()
        ),
    }
}

/// Commits that a voice is ready, or finds that entry, and publishes it.
async fn ready(app: &App, id: VoiceModelId, now: Time) -> Result<Reply, StepError> {
    if let Some(entry) = app.outbox.commit_ready(id, now).await? {
        app.outbox.publish_and_mark(&entry).await?;
    }
    Ok(Reply::Closed)
}
