//! A voice fails: its state says why, for operators and for a person; its execution fails too, so
//! that an alarm rings.

use contract::{FailureClass, Time};
use domain::{Failure, VoiceModelId, VoiceState};
use journal::StoreError;

use super::delete_at_provider;
use crate::{
    App, fail,
    step::{Reply, StepError},
};

/// Fails a voice model because of the Step Functions error `error`. One that was closed before
/// stays as it is.
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
    // What could not even be registered has no state; its execution says why.
    let nowhere = || Reply::VoiceFailed {
        reason: sentence.clone().unwrap_or_else(|| error.to_owned()),
    };
    // Whoever starts an execution chooses its name: the voice that is registered under it may be
    // another tenant's.
    if error == fail::ID_REUSED {
        return Ok(nowhere());
    }
    let Some(id) = VoiceModelId::of_execution(id) else {
        return Ok(nowhere());
    };
    let model = match app.journal.voice(id).await {
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

/// Fails a voice model because of `failure`; `sentence` is for a person, where more than the class
/// is known. Its owner agreed to a voice, and there will be none: the provider's copy of the
/// samples goes, if it can be had.
pub(crate) async fn give_up(
    app: &App,
    id: VoiceModelId,
    failure: Failure,
    sentence: Option<&str>,
) -> Result<Reply, StepError> {
    let model = app.journal.voice(id).await?;
    let model = match model.is_closed() {
        true => model,
        false => {
            app.journal
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
