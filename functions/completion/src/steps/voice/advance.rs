//! Advance: looks at the provider's view of a voice and does the next action, if one is due.

use contract::{S3Object, Time};
use domain::{
    Failure, Outcome, RetryDecision, VoiceModel, VoiceModelId, VoiceNext, VoiceRequest, Waiter,
    Work, next_for_voice, retry_decision_for_voice,
};
use providers::{Recording, Refused};
use store::StoreError;
use uuid::Uuid;
use work::Call;

use super::{
    cloner, end, fail, ready,
    samples::{self, OpenError},
};
use crate::{
    App,
    attempts::{close_interrupted, outcome_of},
    breaker::{note_if_blocked, open_breaker, open_breaker_of},
    executions,
    leases::take_lease,
    pause::grown,
    step::{Reply, StepError},
    turns::{give_out_for_a_while, release_to_next},
    usage::{note_refusal, spent},
};

/// Does the next action for a voice model. `token` is unique to this invocation, `name` is the name
/// of the execution.
pub(crate) async fn advance(
    app: &App,
    id: VoiceModelId,
    name: &str,
    token: Uuid,
    now: Time,
) -> Result<Reply, StepError> {
    let before = app.store.voice(id).await?;
    executions::check(&before, name)?;
    if let Some(end) = end(app, &before, now).await? {
        return Ok(end);
    }
    let before = close_interrupted(app, before, now).await?;
    if let Some(breaker) = open_breaker_of(app, before.provider, now).await? {
        let seconds =
            u32::try_from(breaker.until.milliseconds_since(now) / 1000).unwrap_or(u32::MAX);
        return Ok(Reply::Waiting {
            seconds: seconds.clamp(1, 900),
        });
    }
    let cloner = cloner(app, &before)?;
    // Before the first request `look` calls no provider, so there is no call to measure.
    let call =
        (!before.attempts.is_empty()).then(|| Call::of_voice(&app.telemetry, "look", &before));
    let looked = cloner.look(&before).await;
    if let Some(call) = call {
        call.ends(looked.as_ref().err().map(|refused| refused.refusal));
    }
    let (model, next) = match looked {
        Ok(view) => {
            let model = match (&view, &before.training) {
                (Some(view), Some(training)) => before.clone().shown(
                    view,
                    |request| cloner.list_price(training.method, request),
                    now,
                ),
                _ => before.clone(),
            };
            let model = if model == before {
                model
            } else {
                app.store.save(model).await?
            };
            // The cost of a request whose answer was lost becomes known only now.
            let (now_spent, spent_before) = (model.attempts.credits(), before.attempts.credits());
            spent(app, model.provider, now_spent.saturating_sub(spent_before)).await;
            let next = next_for_voice(&model, view.as_ref(), now);
            (model, next)
        }
        Err(refused) => {
            let next = unseen(app, &before, &refused, now).await?;
            (before, next)
        }
    };
    match next {
        VoiceNext::Ask(request) => ask(app, model, request, token, now).await,
        VoiceNext::Wait { seconds } => Ok(Reply::Waiting { seconds }),
        VoiceNext::AwaitOwner => Ok(Reply::Unverified),
        VoiceNext::Ready => ready(app, id, now).await,
        VoiceNext::Fail { class, detail } => {
            fail::give_up(
                app,
                id,
                Failure {
                    class,
                    detail,
                    at: now,
                },
                None,
            )
            .await
        }
    }
}

/// The next action if the provider did not show the voice.
async fn unseen(
    app: &App,
    model: &VoiceModel,
    refused: &Refused,
    now: Time,
) -> Result<VoiceNext, StepError> {
    tracing::warn!(voice = %model.id, "not looked at: {refused}");
    match retry_decision_for_voice(refused.refusal) {
        RetryDecision::AskAgain | RetryDecision::AskTheNext => {
            return Ok(model.wait_for_an_answer(now));
        }
        RetryDecision::OpenTheBreaker => {
            open_breaker(app, model.provider, refused.detail.clone(), now).await?
        }
        RetryDecision::Fail => {}
    }
    Ok(VoiceNext::Fail {
        class: refused.refusal.failure_class(model.provider),
        detail: refused.to_string(),
    })
}

async fn ask(
    app: &App,
    model: VoiceModel,
    request: VoiceRequest,
    token: Uuid,
    now: Time,
) -> Result<Reply, StepError> {
    let sent: Vec<(usize, &S3Object)> = match (&model.training, request) {
        (Some(training), VoiceRequest::Create)
            if training.method == contract::CloningMethod::Instant =>
        {
            training.samples.iter().enumerate().collect()
        }
        (Some(training), VoiceRequest::Sample(number)) => training
            .samples
            .get(number - 1)
            .map(|sample| (number - 1, sample))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    };
    let (id, provider, age) = (
        model.id,
        model.provider,
        now.milliseconds_since(model.created_at),
    );
    let mut recordings = Vec::new();
    for (index, sample) in sent {
        match samples::open(app, &model.tenant, sample, |format| {
            providers::sample_name(index + 1, format.extension())
        })
        .await
        {
            Ok(recording) => recordings.push(recording),
            Err(OpenError::Failed(error)) => return Err(samples::of_sample(error, index + 1)),
            Err(OpenError::Unfit(unfit)) => {
                let failure = Failure {
                    class: unfit.class,
                    detail: unfit.sentence.clone(),
                    at: now,
                };
                return fail::give_up(app, id, failure, Some(&unfit.sentence)).await;
            }
        }
    }
    match request_once(app, model, request, recordings, token, now).await? {
        Requested::NotItsTurn => Ok(Reply::Waiting {
            seconds: grown(age, (3, 30)),
        }),
        // The provider gets no requests for a while, and this voice does not wait for that.
        Requested::Refused(refused)
            if retry_decision_for_voice(refused.refusal) == RetryDecision::OpenTheBreaker =>
        {
            let class = refused.refusal.failure_class(provider);
            fail::give_up(
                app,
                id,
                Failure {
                    class,
                    detail: refused.to_string(),
                    at: now,
                },
                None,
            )
            .await
        }
        // The next step looks at the effect.
        Requested::Fulfilled | Requested::Refused(_) => Ok(Reply::Waiting { seconds: 2 }),
    }
}

/// The result of a request.
pub(super) enum Requested {
    Fulfilled,
    Refused(Refused),
    /// A concurrency limit is reached.
    NotItsTurn,
}

/// Sends `request` to the provider once, within its caps: stores the attempt first, and its outcome
/// afterwards.
pub(super) async fn request_once(
    app: &App,
    model: VoiceModel,
    request: VoiceRequest,
    recordings: Vec<Recording>,
    token: Uuid,
    now: Time,
) -> Result<Requested, StepError> {
    let (id, provider) = (model.id, model.provider);
    if !take_lease(app, provider, &model, now).await? {
        app.store.stand_in_line(&model).await?;
        give_out_for_a_while(app, provider).await;
        return Ok(Requested::NotItsTurn);
    }
    // It may have found the slot by itself. If it stood there still, it would be given another.
    let waiter = Waiter::of(&model);
    app.store.leave_line(provider, &waiter).await?;
    let cloner = cloner(app, &model)?;
    let model = app.store.save(model.asking(request, token, now)).await?;
    let before = model.attempts.credits();
    let call = Call::of_voice(&app.telemetry, "fulfil", &model);
    let answer = cloner.fulfil(&model, request, token, recordings).await;
    call.ends(answer.as_ref().err().map(|refused| refused.refusal));
    let at = crate::now();
    let (model, requested) = match answer {
        Ok(fulfilled) => {
            let mut model = model.answered(
                Outcome::Made {
                    credits: fulfilled.credits,
                },
                at,
            );
            model.voice = fulfilled.voice.or(model.voice);
            (model, Requested::Fulfilled)
        }
        Err(refused) => {
            let (refusal, detail) = (refused.refusal, &refused.detail);
            tracing::warn!(voice = %id, %provider, ?request, ?refusal, detail, "refused");
            let outcome = outcome_of(&refused, at);
            (model.answered(outcome, at), Requested::Refused(refused))
        }
    };
    if let Err(error) = app.store.save(model.clone()).await {
        if let (StoreError::Contended, Some(voice), VoiceRequest::Create) =
            (&error, &model.voice, request)
        {
            delete_if_closed(app, &model, voice).await?;
        }
        return Err(error.into());
    }
    spent(app, provider, model.attempts.credits() - before).await;
    release_to_next(app, provider, model.id()).await;
    if let Requested::Refused(refused) = &requested {
        note_refusal(app, provider, model.id(), refused, at).await;
        note_if_blocked(app, provider, &model.tenant, refused, at).await?;
        if retry_decision_for_voice(refused.refusal) == RetryDecision::OpenTheBreaker {
            open_breaker(app, provider, refused.detail.clone(), at).await?;
        }
    }
    Ok(requested)
}

/// Deletes a voice that was just created if its model was closed in the meantime, because only this
/// invocation knows of it. The voice of an open model is found later by its name.
async fn delete_if_closed(app: &App, model: &VoiceModel, voice: &str) -> Result<(), StepError> {
    if !app.store.reload(model).await?.is_closed() {
        return Ok(());
    }
    cloner(app, model)?
        .delete_voice(voice)
        .await
        .map_err(StepError::Provider)
}
