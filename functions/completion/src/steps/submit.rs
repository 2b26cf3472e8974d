//! Submit: asks a provider for the job's media, once, after storing the attempt.

use contract::{FailureClass, Time};
use domain::{Failure, Job, JobId, Next, Noted, ProviderId, Work as _, Wrong, next, wait_out};
use drawing::{FetchError, Language};
use outbox::Announced;
use providers::{Answer, Order, ProviderError};
use uuid::Uuid;
use work::{Request, called};

use crate::{
    App,
    answers::{Unsaved, charge_last, save_answer},
    assets,
    attempts::{close_interrupted, refused},
    breaker::open_breaker_of,
    end::close_as_failed,
    executions,
    kept::store_or_keep,
    leases::take_lease,
    paintings,
    pause::grown,
    put_down::learn,
    spoken::{cloned_voice, close_unspoken},
    step::{Reply, StepError},
    steps::poll::poll,
    turns::{give_out_for_a_while, release_all_to_next, release_to_next},
};

/// The pause before a bucket that took no file is tried again, in seconds. It is below the time for
/// which a slot is held.
const UNTIL_THE_BUCKET_IS_TRIED_AGAIN: u32 = 30;

/// Asks for the media of a job, or replies how long to wait first. If no slot is free at the
/// provider, the job waits for its turn, and this execution is over. `token` is unique to this
/// invocation, `name` is the name of the execution.
pub(crate) async fn submit(
    app: &App,
    id: JobId,
    name: &str,
    token: Uuid,
    now: Time,
) -> Result<Reply, StepError> {
    let job = app.store.job(id).await?;
    // The answer to the step that had it leave was lost.
    if job.has_left(name) {
        return Ok(Reply::InLine);
    }
    executions::check(&job, name)?;
    if assets::is_stored(&job) {
        // An erasure may have closed it when its turn had just come, and knows no slot of it.
        if job.is_closed() {
            release_all_to_next(app, &job).await;
        }
        assets::tidy_up(app, &job).await;
        return Ok(Reply::Stored);
    }
    if job.ticket().is_some() {
        return poll(app, id, name, now).await;
    }
    let job = learn(app, job).await?;
    if assets::is_stored(&job) || job.ticket().is_some() {
        return poll(app, id, name, now).await;
    }
    let job = close_interrupted(app, job, now).await?;
    ask_the_next(app, job, token, now).await
}

/// Asks the provider whose turn it is to be asked for `job`, if there is one.
async fn ask_the_next(app: &App, mut job: Job, token: Uuid, now: Time) -> Result<Reply, StepError> {
    let id = job.id;
    let routing = app.outbox.routing();
    let routed: Vec<ProviderId> = routing.to_ask(job.asset, job.voice()).collect();
    let spoken = cloned_voice(app, &job, &routed).await?;
    let routed = match &spoken {
        Ok(Some(cloned)) => vec![cloned.provider],
        Ok(None) | Err(_) => routed,
    };
    let providers = &app.providers.able(&routed, &job);
    if providers.is_empty() && !routed.is_empty() {
        return without_voice(app, &job, &routed, now).await;
    }
    let patience = app.config.vendor_patience_seconds;
    let noted = job.notes.clone();
    let mut out_of_order = Vec::new();
    loop {
        let decided = match next(&job, providers, &out_of_order, now) {
            given_up @ Next::GiveUp { .. } => {
                wait_out(&job, providers, &out_of_order, patience, now).unwrap_or(given_up)
            }
            decided @ (Next::Ask(_) | Next::Wait { .. }) => decided,
        };
        let provider = match decided {
            Next::Ask(provider) => provider,
            Next::Wait { seconds } => {
                // Every other write of the job has its notes, too.
                if job.notes != noted {
                    app.store.save(job).await?;
                }
                return Ok(Reply::Waiting { seconds });
            }
            Next::GiveUp { class, detail } => {
                return fails(app, id, class, detail, now).await;
            }
        };
        if let Some(reply) = drawn_over_kept(app, provider, &job, token, now).await? {
            return Ok(reply);
        }
        let cloned = match &spoken {
            Ok(cloned) => cloned.as_ref(),
            Err(why) => return close_unspoken(app, &job, *why, now).await,
        };
        let Some(breaker) = open_breaker_of(app, provider, now).await? else {
            for other in job.may_hold_beside(provider, routing.of(job.asset)) {
                release_to_next(app, other, job.id()).await;
            }
            let voice = cloned.map(|cloned| cloned.voice.as_str());
            return ask(app, provider, (job, voice), token, now).await;
        };
        tracing::info!(job = %id, %provider, until = %breaker.until, "not asked: it is out of order");
        out_of_order.push(provider);
        let until = breaker.until;
        job = job.noting(Noted::PassedOver { provider, until }, now);
        // It may have been its turn there.
        release_to_next(app, provider, job.id()).await;
    }
}

/// Draws the asset over what `provider` painted for its entity on an equal request before. The vendor
/// is not asked, so neither a slot nor a closed breaker is needed. `None` if there is no such
/// painting, or none that can be used.
async fn drawn_over_kept(
    app: &App,
    provider: ProviderId,
    job: &Job,
    token: Uuid,
    now: Time,
) -> Result<Option<Reply>, StepError> {
    let Some(painting) = paintings::kept_for(app, provider, job).await? else {
        return Ok(None);
    };
    let logo = match app.drawer.logo(job).await {
        Ok(logo) => logo,
        Err(error) => return without_logo(app, job.id, error, now).await.map(Some),
    };
    let order = Order {
        job,
        logo: logo.as_deref(),
        voice: None,
        bucket: &app.drawer.config.assets_bucket,
        folder: &app.drawer.paths.get().await?.folder(job),
    };
    // It is not written before the asset is stored: nothing is sent that could be lost.
    let drawn_over = job.clone().asking(provider, token, now).unsent();
    let reply = match app.providers.draw_over(order, &painting) {
        Ok(media) => store_or_keep(app, provider, drawn_over, media).await?,
        Err(ProviderError::Refused(unusable)) => {
            tracing::warn!(job = %job.id, %provider, "its painting is made anew: {unusable}");
            return Ok(None);
        }
        Err(error @ (ProviderError::Draw { .. } | ProviderError::NoVoice(_))) => {
            refused(app, provider, drawn_over, error).await?
        }
    };
    Ok(Some(reply))
}

async fn fails(
    app: &App,
    id: JobId,
    class: FailureClass,
    detail: String,
    now: Time,
) -> Result<Reply, StepError> {
    let failure = Failure {
        class,
        detail,
        at: now,
    };
    close_as_failed(app, id, Announced::Yes, failure, None).await?;
    Ok(Reply::Closed)
}

/// The result of a spot in a language that no voice of its providers speaks, or not the cloned voice
/// that it names.
async fn without_voice(
    app: &App,
    job: &Job,
    routed: &[ProviderId],
    now: Time,
) -> Result<Reply, StepError> {
    let language = Language::of(&job.configuration);
    let language = language.code();
    let setting = match job.voice() {
        Some(_) => "voices.model",
        None => "speakers",
    };
    let settings = routed
        .iter()
        .map(|provider| format!("{provider}.{setting}"));
    let failure = Failure {
        class: FailureClass::NotConfigured,
        detail: format!(
            "no voice speaks `{language}`, the language of the text; set one in {} of the parameter \
             ProviderSettings",
            settings.collect::<Vec<_>>().join(" or ")
        ),
        at: now,
    };
    let wrong = Some(Wrong::NoVoice(language));
    close_as_failed(app, job.id, Announced::Yes, failure, wrong).await?;
    Ok(Reply::Closed)
}

/// The reply for a job that finds every lease taken: it waits for its turn without this execution,
/// unless it was never asked for and its tenant has too many jobs before it.
async fn waits(app: &App, provider: ProviderId, job: Job, now: Time) -> Result<Reply, StepError> {
    let most = app.config.most_open_jobs;
    if job.attempts.is_empty() && app.store.has_before(&job, most).await? {
        let failure = domain::too_many_open(most, now);
        close_as_failed(app, job.id, Announced::Yes, failure, None).await?;
        return Ok(Reply::Closed);
    }
    app.store.join_line(job.leaving(provider, now)).await?;
    // A slot may have become free since the look at the leases.
    give_out_for_a_while(app, provider).await;
    Ok(Reply::InLine)
}

/// Asks `provider` for the job. `voice` is its id for the cloned voice that is to speak it, if the job
/// names one.
async fn ask(
    app: &App,
    provider: ProviderId,
    (job, voice): (Job, Option<&str>),
    token: Uuid,
    now: Time,
) -> Result<Reply, StepError> {
    let folder = app.drawer.paths.get().await?.folder(&job);
    if !take_lease(app, provider, &job, now).await? {
        return waits(app, provider, job, now).await;
    }
    // Not before there is a lease: it would be fetched again then.
    let logo = match app.drawer.logo(&job).await {
        Ok(logo) => logo,
        Err(error) => {
            release_to_next(app, provider, job.id()).await;
            return without_logo(app, job.id, error, now).await;
        }
    };
    let order = Order {
        job: &job,
        voice,
        logo: logo.as_deref(),
        bucket: &app.drawer.config.assets_bucket,
        folder: &folder,
    };
    let prepared = app.providers.prepare(provider, order).await;
    let asking = job.clone().asking(provider, token, now);
    if let Err(error) = prepared {
        return refused(app, provider, asking.unsent(), error).await;
    }
    if let Some(reply) = waits_for_the_bucket(app, provider, &job).await {
        return Ok(reply);
    }
    let job = app.store.save(asking).await?;
    let id = job.id;
    let ask = async |job: Job| {
        app.providers
            .submit(provider, Order { job: &job, ..order })
            .await
    };
    let refusal = |answer: &Result<Answer, ProviderError>| match answer {
        Err(ProviderError::Refused(refused) | ProviderError::NoVoice(refused)) => {
            Some(refused.refusal)
        }
        Err(ProviderError::Draw { .. }) => Some(domain::Refusal::InvalidInput),
        Ok(_) => None,
    };
    let request = Request {
        provider,
        action: "submit",
    };
    match called(&app.telemetry, request, &job, ask, refusal).await {
        Ok(Answer::Accepted { ticket }) => {
            let accepted = job.accepted(ticket.clone());
            let asked = accepted.clone();
            match save_answer(app, accepted).await {
                Ok(_) => {}
                Err(error @ Unsaved::PutDown(_)) => return Err(error.into()),
                Err(error @ (Unsaved::Contended | Unsaved::Lost(_))) => {
                    // The job was cancelled in the meantime, or its attempt was marked interrupted,
                    // or both DynamoDB and S3 are out of reach. Only this invocation knows the
                    // ticket, so it cancels the task.
                    match app.providers.vendors().stop(provider, &ticket).await {
                        Ok(credits) => charge_last(app, &asked, credits).await,
                        Err(error) => {
                            tracing::error!(job = %id, %provider, ticket, "not cancelled: {error}");
                        }
                    }
                    return Err(error.into());
                }
            }
            Ok(Reply::Pending {
                poll_after_seconds: grown(0, providers::Providers::poll_seconds(provider)),
            })
        }
        Ok(Answer::Done(media)) => store_or_keep(app, provider, job, *media).await,
        Err(error) => refused(app, provider, job, error).await,
    }
}

/// The reply for a job of a paid `provider` while the bucket takes no files: nothing is bought that
/// cannot be stored. It keeps its slot meanwhile, so that those in the line behind it do not find the
/// same out one after the other.
async fn waits_for_the_bucket(app: &App, provider: ProviderId, job: &Job) -> Option<Reply> {
    if !provider.is_paid() {
        return None;
    }
    let error = assets::try_bucket(app, job).await.err()?;
    tracing::warn!(
        job = %job.id, %provider,
        "not asked yet, because what it makes could not be stored: {}", runtime::chain(&error)
    );
    Some(Reply::Waiting {
        seconds: UNTIL_THE_BUCKET_IS_TRIED_AGAIN,
    })
}

/// The result of a job whose logo is not to be had. What its tenant can fix closes the job here,
/// because the sentence names the logo, and Step Functions would keep it.
async fn without_logo(
    app: &App,
    id: JobId,
    error: FetchError,
    now: Time,
) -> Result<Reply, StepError> {
    let sentence = match error {
        FetchError::Unfit(unfit) => unfit.to_string(),
        error @ (FetchError::Forbidden | FetchError::S3(_)) => return Err(error.into()),
    };
    let failure = Failure {
        class: FailureClass::InvalidInput,
        detail: sentence.clone(),
        at: now,
    };
    let wrong = Some(Wrong::Content(&sentence));
    close_as_failed(app, id, Announced::Yes, failure, wrong).await?;
    Ok(Reply::Closed)
}
