//! Advance: what the provider shows of a voice is looked at, and the next thing is done, if it is
//! time for one.

use contract::{S3Object, Time};
use domain::{
    Failure, Fate, Outcome, VoiceAttempt, VoiceModel, VoiceModelId, VoiceNext, VoiceRequest,
    fate_of_voice, next_for_voice,
};
use journal::{OpenBreaker, StoreError};
use providers::{Recording, Refused};
use telemetry::Measured;
use uuid::Uuid;

use super::{cloner, end, fail, ready, samples};
use crate::{
    App,
    measure::{Call, spent},
    poll::grown,
    step::{Reply, StepError},
    submit::{release, take_lease},
};

/// Does the next thing for a voice model. `token` is this invocation's alone.
pub(crate) async fn advance(
    app: &App,
    id: VoiceModelId,
    token: Uuid,
    now: Time,
) -> Result<Reply, StepError> {
    let mut before = app.journal.voice(id).await?;
    if let Some(end) = end(app, &before, now).await? {
        return Ok(end);
    }
    if let Some(VoiceAttempt { request, .. }) = before.open_attempt() {
        tracing::warn!(voice = %id, ?request, "an attempt was interrupted; its outcome is not known");
        before = interrupted(app, before, now).await?;
    }
    if let Some(breaker) = app.journal.breaker(before.provider, now).await? {
        let seconds =
            u32::try_from(breaker.until.milliseconds_since(now) / 1000).unwrap_or(u32::MAX);
        return Ok(Reply::Waiting {
            seconds: seconds.clamp(1, 900),
        });
    }
    let cloner = cloner(app, &before)?;
    // Where nothing was asked for yet, nobody is asked how it is.
    let call = (!before.attempts.is_empty()).then(|| Call::of_voice(app, "look", &before));
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
                app.journal.save_voice(model).await?
            };
            // What a request cost whose answer was lost is known only now.
            spent(
                app,
                model.provider,
                model.credits().saturating_sub(before.credits()),
            );
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

/// Writes down that nobody knows what came of the attempt that is open.
pub(super) async fn interrupted(
    app: &App,
    model: VoiceModel,
    now: Time,
) -> Result<VoiceModel, StepError> {
    let model = model.answered(Outcome::unknown("the attempt was interrupted", now), now);
    let model = app.journal.save_voice(model).await?;
    release(app, model.provider, model.id.0).await;
    Ok(model)
}

/// What to do where the provider did not say how the voice is.
async fn unseen(
    app: &App,
    model: &VoiceModel,
    refused: &Refused,
    now: Time,
) -> Result<VoiceNext, StepError> {
    tracing::warn!(voice = %model.id, "not looked at: {refused}");
    match fate_of_voice(refused.refusal) {
        Fate::AskAgain | Fate::AskTheNext => return Ok(model.wait_for_an_answer(now)),
        Fate::OpenTheBreaker => open_breaker(app, model, refused, now).await?,
        Fate::Fail => {}
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
        match samples::open(app, sample, |format| {
            providers::sample_name(index + 1, format.extension())
        })
        .await?
        {
            Ok(recording) => recordings.push(recording),
            Err(unfit) => {
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
        // Nobody asks again for a while, and this voice does not wait for that.
        Requested::Refused(refused) if fate_of_voice(refused.refusal) == Fate::OpenTheBreaker => {
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
        // What it shows of it is looked at next.
        Requested::Fulfilled | Requested::Refused(_) => Ok(Reply::Waiting { seconds: 2 }),
    }
}

/// What came of a request.
pub(super) enum Requested {
    Fulfilled,
    Refused(Refused),
    /// Others have all places.
    NotItsTurn,
}

/// Asks the provider for `request` once, within the caps, after that was written down; and writes
/// down what came of it.
pub(super) async fn request_once(
    app: &App,
    model: VoiceModel,
    request: VoiceRequest,
    recordings: Vec<Recording>,
    token: Uuid,
    now: Time,
) -> Result<Requested, StepError> {
    let (id, provider) = (model.id, model.provider);
    if !take_lease(app, provider, (id.0, &model.tenant), now).await? {
        return Ok(Requested::NotItsTurn);
    }
    let cloner = cloner(app, &model)?;
    let model = app
        .journal
        .save_voice(model.asking(request, token, now))
        .await?;
    let before = model.credits();
    let call = Call::of_voice(app, "fulfil", &model);
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
            let Refused {
                refusal,
                detail,
                credits,
            } = &refused;
            tracing::warn!(voice = %id, %provider, ?request, ?refusal, detail, "refused");
            let outcome = Outcome::Refused {
                refusal: *refusal,
                detail: detail.clone(),
                at,
                credits: *credits,
            };
            (model.answered(outcome, at), Requested::Refused(refused))
        }
    };
    if let Err(error) = app.journal.save_voice(model.clone()).await {
        if let (StoreError::Contended, Some(voice), VoiceRequest::Create) =
            (&error, &model.voice, request)
        {
            delete_if_unwanted(app, &model, voice).await?;
        }
        return Err(error.into());
    }
    spent(app, provider, model.credits() - before);
    release(app, provider, id.0).await;
    if let Requested::Refused(refused) = &requested
        && fate_of_voice(refused.refusal) == Fate::OpenTheBreaker
    {
        open_breaker(app, &model, refused, at).await?;
    }
    Ok(requested)
}

/// Deletes a voice that was just made if its model was closed meanwhile: nobody else knows of it.
/// An open model's is found by its name.
async fn delete_if_unwanted(app: &App, model: &VoiceModel, voice: &str) -> Result<(), StepError> {
    if !app.journal.voice(model.id).await?.is_closed() {
        return Ok(());
    }
    cloner(app, model)?
        .delete_voice(voice)
        .await
        .map_err(StepError::Provider)
}

async fn open_breaker(
    app: &App,
    model: &VoiceModel,
    refused: &Refused,
    now: Time,
) -> Result<(), StepError> {
    let breaker = OpenBreaker {
        until: now.plus_seconds(domain::BREAKER_SECONDS),
        why: refused.detail.clone(),
    };
    app.journal.open_breaker(model.provider, &breaker).await?;
    app.telemetry.metrics.emit(Measured::BreakerOpened {
        provider: model.provider.as_str(),
    });
    Ok(())
}
