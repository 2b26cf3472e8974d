//! The owner's verification of a voice. The execution waits for it until its task times out.

use aws_sdk_s3::primitives::ByteStream;
use contract::{CloningMethod, Identifier, S3Object, Time};
use domain::{Refusal, TaskToken, VoiceModel, VoiceModelId, VoiceRequest, VoiceState};
use uuid::Uuid;

use super::{
    advance::{Requested, interrupted, request_once},
    cloner, of_tenant, samples,
};
use crate::{
    App,
    leases::LEASE_SECONDS,
    step::{Reply, StepError},
};

/// Stores the token that resumes the execution, and the text for the owner to read aloud, if the
/// provider requires one.
pub(crate) async fn await_owner(
    app: &App,
    id: VoiceModelId,
    token: &TaskToken,
    now: Time,
) -> Result<Reply, StepError> {
    let model = app.store.voice(id).await?;
    if model.is_closed() {
        app.outbox.let_go_on(id, token).await?;
        return Ok(Reply::Closed);
    }
    let captcha = captcha(app, &model).await?;
    app.store
        .save_voice(model.awaiting_owner(token.clone(), captcha, now))
        .await?;
    Ok(Reply::AwaitingOwner)
}

/// Stores the text for the owner in the bucket; returns its key.
async fn captcha(app: &App, model: &VoiceModel) -> Result<Option<String>, StepError> {
    let (Some(voice), Some(training)) = (&model.voice, &model.training) else {
        return Ok(None);
    };
    if training.method == CloningMethod::Instant {
        return Ok(None);
    }
    let captcha = match cloner(app, model)?.captcha(voice).await {
        Ok(captcha) => captcha,
        Err(refused)
            if matches!(
                refused.refusal,
                Refusal::Transient | Refusal::RateLimited { .. }
            ) =>
        {
            return Err(StepError::Provider(refused));
        }
        // The owner can still be verified by hand.
        Err(refused) => {
            tracing::warn!(voice = %model.id, "there is nothing to read aloud: {refused}");
            return Ok(None);
        }
    };
    let extension = match captcha.content_type.as_str() {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        _ => "txt",
    };
    let key = format!("{}captcha.{extension}", model.folder());
    let put = app
        .s3
        .put_object()
        .bucket(&app.config.assets_bucket)
        .key(&key)
        .content_type(captcha.content_type);
    let put = put
        .cache_control("no-store")
        .body(ByteStream::from(captcha.bytes))
        .send()
        .await;
    put.map_err(|error| StepError::Asset(error.into()))?;
    Ok(Some(key))
}

/// Sends the owner's recording to the provider, or without a recording only checks whether the
/// provider is satisfied. If the owner is verified, the execution resumes.
pub(crate) async fn verify(
    app: &App,
    id: VoiceModelId,
    tenant: &Identifier,
    recording: Option<&S3Object>,
    token: Uuid,
    now: Time,
) -> Result<Reply, StepError> {
    let not_verified = |reason: &str| {
        Ok(Reply::NotVerified {
            reason: reason.to_owned(),
        })
    };
    let mut model = of_tenant(app, id, tenant).await?;
    if let Some(open) = model.open_attempt() {
        // The invocation that stored the attempt may still be at work, until it must have ended.
        if now < open.at.plus_seconds(LEASE_SECONDS) {
            return not_verified("A request for it is on its way. Ask again in a few minutes.");
        }
        model = interrupted(app, model, now).await?;
    }
    let go_on = match &model.state {
        VoiceState::AwaitingOwner { token, .. } => token.clone(),
        VoiceState::Training { .. } | VoiceState::Ready { .. } => return Ok(Reply::Verified),
        VoiceState::Registered => return not_verified("It is not the owner's turn yet."),
        VoiceState::Failed { reason, .. } => {
            return Ok(Reply::VoiceFailed {
                reason: reason.clone(),
            });
        }
        VoiceState::Erasing { .. } | VoiceState::Erased { .. } => return Ok(Reply::Closed),
    };
    if is_satisfied(app, &model).await? {
        app.outbox.let_go_on(id, &go_on).await?;
        return Ok(Reply::Verified);
    }
    let Some(recording) = recording else {
        return not_verified("The provider still waits for its owner.");
    };
    if model
        .training
        .as_ref()
        .is_some_and(|training| training.method == CloningMethod::Instant)
    {
        return not_verified("The owner of an instant voice is verified at the provider itself.");
    }
    let sent = match samples::open(app, recording, |format| {
        format!("recording.{}", format.extension())
    })
    .await?
    {
        Ok(sent) => sent,
        Err(unfit) => return not_verified(&format!("{}.", unfit.sentence)),
    };
    if !model.recordings.contains(recording) {
        model.recordings.push(recording.clone());
    }
    match request_once(app, model, VoiceRequest::Verify, vec![sent], token, now).await? {
        Requested::Fulfilled => {
            app.outbox.let_go_on(id, &go_on).await?;
            Ok(Reply::Verified)
        }
        Requested::Refused(refused) => match refused.refusal {
            Refusal::InvalidInput | Refusal::Moderation => not_verified(
                "The provider did not recognise the voice, or what it was to read. Record it again.",
            ),
            // The provider may have got the recording; the next request checks that first.
            _ => {
                not_verified("The provider did not answer. Ask again in a minute; it looks first.")
            }
        },
        Requested::NotItsTurn => not_verified("The provider is busy. Ask again in a minute."),
    }
}

async fn is_satisfied(app: &App, model: &VoiceModel) -> Result<bool, StepError> {
    let view = cloner(app, model)?
        .look(model)
        .await
        .map_err(StepError::Provider)?;
    Ok(view.is_some_and(|view| !view.wants_owner))
}
