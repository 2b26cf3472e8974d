//! Erases a voice, here and at its provider; only the fact of its erasure remains.

use contract::{Identifier, S3Object, Time};
use dead_letters::{erase_object, erase_objects};
use domain::{ErasedVoice, LEASE_SECONDS, VoiceModel, VoiceModelId, VoiceState};
use operations::VoiceErasure;

use crate::{
    App,
    keepers::{Keepers, Remainders},
    step::StepError,
};

/// Erases a voice model of `tenant` that is erased by itself, as [`erase`] does. What its provider
/// or a bucket keeps is an error.
pub(crate) async fn erase_alone(
    app: &App,
    id: VoiceModelId,
    tenant: &Identifier,
    now: Time,
) -> Result<VoiceErasure, StepError> {
    let remainders = Remainders::of(app, tenant).await?;
    let mut keepers = Keepers::of(app, tenant, &remainders, format!("voice:{id}"), now);
    let erasure = erase(app, id, tenant, &mut keepers, now).await?;
    match keepers.kept() {
        [] => Ok(erasure),
        kept => Err(StepError::Kept(kept.to_vec())),
    }
}

/// Erases a voice model of `tenant`: ends its execution, deletes the samples and other S3 objects,
/// blanks the stored events, deletes the provider's copy, and then the model's personal data.
/// Repeating the step finishes what was begun, and then changes nothing.
///
/// The reply is `voice-erasing` until every invocation must have ended that began before the
/// erasure: it may still store the text for the owner to read, or have the provider make the voice.
/// It is that, too, while a keeper refuses. Repeat the step in a few minutes.
pub(crate) async fn erase(
    app: &App,
    id: VoiceModelId,
    tenant: &Identifier,
    keepers: &mut Keepers<'_>,
    now: Time,
) -> Result<VoiceErasure, StepError> {
    let model = app.store.voice_of(tenant, id).await?;
    let waits = match &model.state {
        VoiceState::Erased { .. } => return Ok(VoiceErasure::VoiceErased),
        VoiceState::AwaitingOwner { token, .. } => Some(token.clone()),
        _ => None,
    };
    // From here on no step works on this voice any more.
    let (model, since) = match model.state {
        VoiceState::Erasing { at, .. } => (model, at),
        _ => (app.store.save(model.erasing(now)).await?, now),
    };
    if let Some(token) = waits {
        app.executions.let_go_on(id, &token).await?;
    }
    // The open attempt's invocation may still be answered, and only it knows what it made.
    if let Some(open) = model.attempts.open()
        && now < open.at.plus_seconds(LEASE_SECONDS)
    {
        return Ok(VoiceErasure::VoiceErasing);
    }
    let objects = delete_objects(app, &model, keepers).await?;
    let events = app.store.blank_events_of_voice(id).await?;
    let provider = model.provider.as_str();
    let delete = async { Ok(app.vendors.delete_voices_of(&model).await?) };
    let voices = keepers.ask(provider, delete).await?;
    let mut model = model.erased_in_part(ErasedVoice {
        voices: voices.unwrap_or(0),
        objects,
        events,
    });
    if voices.is_some() {
        model.voice = None;
    }
    let is_settled = now >= since.plus_seconds(app.config.erasure_settle_seconds);
    if !is_settled || !keepers.kept().is_empty() {
        app.store.save(model).await?;
        return Ok(VoiceErasure::VoiceErasing);
    }
    let model = app.store.save(model.erased(now)).await?;
    tracing::info!(voice = %id, state = ?model.state, "erased");
    Ok(VoiceErasure::VoiceErased)
}

/// Deletes the model's files, and its training, samples and recordings in the buckets that they may
/// be read from; returns how many objects there were.
async fn delete_objects(
    app: &App,
    model: &VoiceModel,
    keepers: &mut Keepers<'_>,
) -> Result<usize, StepError> {
    let own = &app.config.assets_bucket;
    let delete = async { Ok(erase_objects(&app.s3, own, &model.folder()).await?) };
    let mut objects = keepers.ask(own, delete).await?.unwrap_or(0);
    let samples = model.training.iter().flat_map(|training| &training.samples);
    // A training that was refused may name anything.
    let files = &app.config.tenant_files;
    let may_be_deleted = |recording: &&S3Object| {
        let checked = files.check(&app.config.voice_buckets, &model.tenant, recording);
        checked.is_ok()
    };
    let trainings =
        model
            .id
            .training_places(&app.config.voice_buckets, &files.prefix, &model.tenant);
    let objects_of_tenant = samples.chain(&model.recordings).chain(&trainings);
    for object in objects_of_tenant.filter(may_be_deleted) {
        let (bucket, key) = (object.bucket(), object.key());
        let owner = Some(&*files.owner);
        let delete = async { Ok(erase_object(&app.s3, bucket, owner, key).await?) };
        objects += keepers.ask(bucket, delete).await?.unwrap_or(0);
    }
    Ok(objects)
}
