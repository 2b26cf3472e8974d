//! Fails a voice: its state has the reason, for operators and for a person. Its execution fails
//! too, so that an alarm rings.

use contract::{FailureClass, Time};
use domain::{Failure, VoiceModelId, VoiceState};
use store::StoreError;

use super::delete_at_provider;
use crate::{
    App,
    step::{ID_REUSED, Reply, StepError},
    steps::fail,
};

/// Fails a voice model because of the Step Functions error `error`. A model that was closed before
/// does not change.
pub(crate) async fn fail(
    app: &App,
    id: &str,
    error: &str,
    cause: &str,
    now: Time,
) -> Result<Reply, StepError> {
    let class = fail::class(error);
    let sentence = if class == FailureClass::InvalidInput {
        fail::message(cause)
    } else {
        None
    };
    // Without a registration there is no state to write; the execution has the reason.
    let nowhere = || Reply::VoiceFailed {
        reason: sentence.clone().unwrap_or_else(|| error.to_owned()),
    };
    // The caller chooses the execution's name, so the voice registered under it may belong to
    // another tenant.
    if error == ID_REUSED {
        return Ok(nowhere());
    }
    let Some(id) = VoiceModelId::of_execution(id) else {
        return Ok(nowhere());
    };
    let model = match app.store.voice(id).await {
        Err(StoreError::NoSuchVoice(_)) => return Ok(nowhere()),
        model => model?,
    };
    let sentence = match (&model.state, class) {
        (VoiceState::AwaitingOwner { since, .. }, FailureClass::Timeout) => {
            let days = now.milliseconds_since(*since) / 1000 / 60 / 60 / 24;
            Some(format!(
                "Its owner was asked {days} days ago to show that the voice is theirs, and did not"
            ))
        }
        _ => sentence,
    };
    let detail = if cause.is_empty() {
        error.to_owned()
    } else {
        format!("{error}: {cause}")
    };
    give_up(
        app,
        id,
        Failure {
            class,
            detail,
            at: now,
        },
        sentence.as_deref(),
    )
    .await
}

/// Fails a voice model because of `failure`; `sentence` is for a person, if more than the class is
/// known. The owner's consent was for a voice, and there will be none, so the provider's copy of
/// the samples is deleted, if the provider can be reached.
pub(crate) async fn give_up(
    app: &App,
    id: VoiceModelId,
    failure: Failure,
    sentence: Option<&str>,
) -> Result<Reply, StepError> {
    let model = app.store.voice(id).await?;
    let model = match model.is_closed() {
        true => model,
        false => {
            app.store
                .save_voice(model.failed(failure, sentence))
                .await?
        }
    };
    let VoiceState::Failed { failure, reason } = &model.state else {
        return Ok(Reply::Closed);
    };
    tracing::error!(voice = %id, class = ?failure.class, detail = failure.detail, "a voice is not cloned");
    if let Err(refused) = delete_at_provider(app, &model).await {
        tracing::error!(voice = %id, provider = %model.provider, "its samples stay there until it is erased: {refused}");
    }
    Ok(Reply::VoiceFailed {
        reason: reason.clone(),
    })
}
