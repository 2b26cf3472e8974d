//! Fails a voice: its state has the reason, for operators and for a person. Its execution fails
//! too, so that an alarm rings.

use contract::{FailureClass, Time};
use domain::{Failure, VoiceModelId, VoiceState, Work};
use store::StoreError;

use super::failed;
use crate::{
    App,
    executions::is_current,
    step::{ID_REUSED, Reply, StepError},
    steps::fail,
};

/// Fails the voice model of the execution `name` because of the Step Functions error `error`. A
/// model that was closed before does not change, and neither does one of another execution.
pub(crate) async fn fail(
    app: &App,
    (id, name): (&str, &str),
    (error, cause): (&str, &str),
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
    let Some(id) = VoiceModelId::parse(id) else {
        return Ok(nowhere());
    };
    let model = match app.store.voice(id).await {
        Err(StoreError::NotFound(_)) => return Ok(nowhere()),
        model => model?,
    };
    if !is_current(&model, name) {
        return Ok(nowhere());
    }
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
        false => app.store.save(model.failed(failure, sentence)).await?,
    };
    let VoiceState::Failed { failure, .. } = &model.state else {
        return Ok(Reply::Closed);
    };
    tracing::error!(voice = %id, class = ?failure.class, "a voice is not cloned; the model says why");
    if let Err(refused) = app.providers.vendors().delete_voices_of(&model).await {
        tracing::error!(voice = %id, provider = %model.provider, "its samples stay there until it is erased: {refused}");
    }
    Ok(failed(failure.class))
}
