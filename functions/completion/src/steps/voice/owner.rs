//! The owner's verification of a voice. The execution waits for it until its task times out.

use aws_sdk_s3::primitives::ByteStream;
use contract::{CloningMethod, Identifier, S3Object, Time};
use domain::{
    LEASE_SECONDS, Refusal, TaskToken, VoiceModel, VoiceModelId, VoiceRequest, VoiceState, Work,
};
use operations::VoiceVerification;
use uuid::Uuid;

use super::{
    advance::{Requested, request_once},
    cloner,
    samples::{self, OpenError},
};
use crate::{
    App,
    attempts::close_interrupted,
    executions,
    step::{Reply, StepError},
};

/// Stores the token that resumes the execution `name`, and the text for the owner to read aloud, if
/// the provider requires one.
pub(crate) async fn await_owner(
    app: &App,
    (id, name): (VoiceModelId, &str),
    token: &TaskToken,
    now: Time,
) -> Result<Reply, StepError> {
    let model = app.store.voice(id).await?;
    executions::check(&model, name)?;
    if model.is_closed() {
        app.executions.let_go_on(id, token).await?;
        return Ok(Reply::Closed);
    }
    let captcha = captcha(app, &model).await?;
    app.store
        .save(model.awaiting_owner(token.clone(), captcha, now))
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
    let key = format!("{}captcha.{}", model.folder(), captcha.format.extension());
    let put = app
        .drawer
        .s3
        .put_object()
        .bucket(&app.drawer.config.assets_bucket)
        .key(&key)
        .content_type(captcha.format.content_type());
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
) -> Result<VoiceVerification, StepError> {
    let mut model = app.store.voice_of(tenant, id).await?;
    if let Some(open) = model.attempts.open() {
        // The invocation that stored the attempt may still be at work, until it must have ended.
        if now < open.at.plus_seconds(LEASE_SECONDS) {
            return not_verified("A request for it is on its way. Ask again in a few minutes.");
        }
        model = close_interrupted(app, model, now).await?;
    }
    let go_on = match &model.state {
        VoiceState::AwaitingOwner { token, .. } => token.clone(),
        VoiceState::Training { .. } | VoiceState::Ready { .. } => {
            return Ok(VoiceVerification::Verified);
        }
        VoiceState::Registered => return not_verified("It is not the owner's turn yet."),
        VoiceState::Failed { reason, .. } => {
            return Ok(VoiceVerification::VoiceFailed {
                reason: reason.clone(),
            });
        }
        VoiceState::Erasing { .. } | VoiceState::Erased { .. } => {
            return Ok(VoiceVerification::Closed);
        }
    };
    if is_satisfied(app, &model).await? {
        app.executions.let_go_on(id, &go_on).await?;
        return Ok(VoiceVerification::Verified);
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
    send(app, model, recording, &go_on, token, now).await
}

fn not_verified(reason: &str) -> Result<VoiceVerification, StepError> {
    Ok(VoiceVerification::NotVerified {
        reason: reason.to_owned(),
    })
}

/// Sends the owner's recording to the provider. If the provider accepts it, the execution that
/// waits with `go_on` resumes.
async fn send(
    app: &App,
    mut model: VoiceModel,
    recording: &S3Object,
    go_on: &TaskToken,
    token: Uuid,
    now: Time,
) -> Result<VoiceVerification, StepError> {
    let id = model.id;
    let sent = match samples::open(app, &model.tenant, recording, |format| {
        format!("recording.{}", format.extension())
    })
    .await
    {
        Ok(sent) => sent,
        Err(OpenError::Unfit(unfit)) => return not_verified(&format!("{}.", unfit.sentence)),
        Err(OpenError::Failed(error @ StepError::RecordingForbidden(_))) => {
            return not_verified(&format!("{error}."));
        }
        Err(OpenError::Failed(error)) => return Err(error),
    };
    if !model.recordings.contains(recording) {
        model.recordings.push(recording.clone());
    }
    match request_once(app, model, VoiceRequest::Verify, vec![sent], token, now).await? {
        Requested::Fulfilled => {
            app.executions.let_go_on(id, go_on).await?;
            Ok(VoiceVerification::Verified)
        }
        Requested::Refused(refused) => match refused.refusal {
            Refusal::InvalidInput | Refusal::Moderation | Refusal::Blocked => not_verified(
                "The provider did not recognise the voice, or what it was to read. Record it again.",
            ),
            // The provider may have got the recording; the next request checks that first.
            Refusal::Auth
            | Refusal::Billing
            | Refusal::RateLimited { .. }
            | Refusal::Transient
            | Refusal::ProviderGone
            | Refusal::OutcomeUnknown
            | Refusal::NotStored => {
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
