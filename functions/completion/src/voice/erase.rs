//! Erase: nothing of a voice is left, neither here nor at its provider, but that it was erased.

use contract::{Identifier, S3Object, Time};
use domain::{ErasedVoice, VoiceModelId, VoiceState};

use super::{delete_at_provider, of_tenant};
use crate::{
    App,
    erase::delete_assets,
    step::{Reply, StepError},
    submit::LEASE_SECONDS,
};

/// Erases a voice model of `tenant`'s: its execution ends, the provider's copy goes, then the
/// samples and whatever else is in S3, then the stored events and what the model says of its owner.
/// Doing it again finishes what was begun, and then does nothing; as long as something may be on
/// its way to the provider the answer is `voice-erasing`: ask again in a few minutes.
pub(crate) async fn erase(
    app: &App,
    id: VoiceModelId,
    tenant: &Identifier,
    now: Time,
) -> Result<Reply, StepError> {
    let model = of_tenant(app, id, tenant).await?;
    let waits = match &model.state {
        VoiceState::Erased { .. } => return Ok(Reply::VoiceErased),
        VoiceState::AwaitingOwner { token, .. } => Some(token.clone()),
        _ => None,
    };
    // From here on nobody does anything for it any more.
    let model = match model.state {
        VoiceState::Erasing { .. } => model,
        _ => app.journal.save_voice(model.erasing(now)).await?,
    };
    if let Some(token) = waits {
        app.journal.let_go_on(id, &token).await?;
    }
    // What is being asked for may be made by an invocation that has not heard of it, until it must
    // have ended.
    if let Some(open) = model.open_attempt()
        && now < open.at.plus_seconds(LEASE_SECONDS)
    {
        return Ok(Reply::VoiceErasing);
    }
    let voices = delete_at_provider(app, &model)
        .await
        .map_err(StepError::Provider)?;
    let mut objects = delete_assets(app, &model.folder()).await?;
    let samples = model.training.iter().flat_map(|training| &training.samples);
    let may_be_deleted = |recording: &&S3Object| {
        app.config
            .voice_buckets
            .iter()
            .any(|b| b == recording.bucket())
    };
    for recording in samples.chain(&model.recordings).filter(may_be_deleted) {
        let delete = app
            .s3
            .delete_object()
            .bucket(recording.bucket())
            .key(recording.key())
            .send()
            .await;
        delete.map_err(|error| StepError::Delete(error.into()))?;
        objects += 1;
    }
    let events = app.journal.blank_events_of_voice(id).await?;
    app.journal
        .save_voice(model.erased(
            ErasedVoice {
                voices,
                objects,
                events,
            },
            now,
        ))
        .await?;
    tracing::info!(voice = %id, voices, objects, events, "erased");
    Ok(Reply::VoiceErased)
}
