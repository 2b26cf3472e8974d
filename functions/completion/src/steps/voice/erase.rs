//! Erase: removes a voice, here and at its provider; only the fact of its erasure remains.

use contract::{Identifier, S3Object, Time};
use domain::{ErasedVoice, VoiceModelId, VoiceState};

use super::{delete_at_provider, of_tenant};
use crate::{
    App,
    assets::delete_assets,
    leases::LEASE_SECONDS,
    step::{Reply, StepError},
};

/// Erases a voice model of `tenant`: ends its execution, then deletes the provider's copy, the
/// samples and other S3 objects, then blanks the stored events and the model's personal data.
/// Repeating the step finishes what was begun, and then changes nothing. The reply is
/// `voice-erasing` while a request to the provider may be in flight: repeat the step in a few
/// minutes.
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
    // From here on no step works on this voice any more.
    let model = match model.state {
        VoiceState::Erasing { .. } => model,
        _ => app.store.save_voice(model.erasing(now)).await?,
    };
    if let Some(token) = waits {
        app.outbox.let_go_on(id, &token).await?;
    }
    // An invocation that has not noticed the erasure may still fulfil the open attempt, until that
    // invocation must have ended.
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
    let events = app.store.blank_events_of_voice(id).await?;
    app.store
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
