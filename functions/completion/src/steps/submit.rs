//! Submit: asks a provider for the job's media, once, after storing the attempt.

use contract::Time;
use domain::{Job, JobId, Next, Outcome, ProviderId, next};
use providers::{Answer, Order, ProviderError};
use store::{OpenBreaker, StoreError};
use uuid::Uuid;

use crate::{
    App,
    assets::{self, Stored},
    attempts::refused,
    end::close_as_failed,
    leases::{release, take_lease},
    logo,
    measure::called,
    pause::grown,
    step::{Reply, StepError},
    steps::poll::poll,
};

/// Asks for the media of a job, or replies how long to wait first. `token` is unique to this
/// invocation.
pub(crate) async fn submit(
    app: &App,
    id: JobId,
    token: Uuid,
    now: Time,
) -> Result<Reply, StepError> {
    let mut job = app.store.job(id).await?;
    if assets::is_stored(&job) {
        return Ok(Reply::Stored);
    }
    if job.ticket().is_some() {
        return poll(app, id, now).await;
    }
    // The invocation that stored this attempt died or got no answer, so its outcome is unknown.
    if let Some(provider) = job.open_attempt().map(|open| open.provider) {
        tracing::warn!(job = %id, %provider, "an attempt was interrupted; its outcome is not known");
        job = app
            .store
            .save_job(job.answered(Outcome::unknown("the attempt was interrupted", now)))
            .await?;
        release(app, provider, job.id.0).await;
    }
    let logo = logo_of(app, &job).await?;
    let providers = app.outbox.routing().of(job.asset);
    let mut out_of_order = Vec::new();
    loop {
        match next(&job, providers, &out_of_order, now) {
            Next::Wait { seconds } => return Ok(Reply::Waiting { seconds }),
            Next::GiveUp { class, detail } => {
                close_as_failed(
                    app,
                    id,
                    domain::Failure {
                        class,
                        detail,
                        at: now,
                    },
                    None,
                )
                .await?;
                return Ok(Reply::Closed);
            }
            Next::Ask(provider) => match app.out_of_order(provider, now).await? {
                Some(breaker) => {
                    tracing::info!(job = %id, %provider, until = %breaker.until, "not asked: it is out of order");
                    out_of_order.push(provider);
                }
                None => return ask(app, provider, job, logo.as_deref(), token, now).await,
            },
        }
    }
}

impl App {
    async fn out_of_order(
        &self,
        provider: ProviderId,
        now: Time,
    ) -> Result<Option<OpenBreaker>, StepError> {
        if !provider.is_paid() {
            return Ok(None);
        }
        Ok(self.store.breaker(provider, now).await?)
    }
}

async fn ask(
    app: &App,
    provider: ProviderId,
    job: Job,
    logo: Option<&[u8]>,
    token: Uuid,
    now: Time,
) -> Result<Reply, StepError> {
    if !take_lease(app, provider, (job.id.0, &job.tenant), now).await? {
        return Ok(Reply::Waiting {
            seconds: grown(now.milliseconds_since(job.created_at), (3, 30)),
        });
    }
    let order = Order {
        job: &job,
        logo,
        bucket: &app.config.assets_bucket,
    };
    let prepared = app.providers.prepare(provider, order).await;
    let asking = job.clone().asking(provider, token, now);
    if let Err(error) = prepared {
        return refused(app, provider, asking, error).await;
    }
    let job = app.store.save_job(asking).await?;
    let id = job.id;
    let ask = async |job: Job| {
        app.providers
            .submit(provider, Order { job: &job, ..order })
            .await
    };
    let refusal = |answer: &Result<Answer, ProviderError>| match answer {
        Err(ProviderError::Refused(refused)) => Some(refused.refusal),
        Err(ProviderError::Draw(_) | ProviderError::Logo(_)) => Some(domain::Refusal::InvalidInput),
        Ok(_) => None,
    };
    match called(app, (provider, "submit"), &job, ask, refusal).await {
        Ok(Answer::Accepted { ticket }) => {
            let accepted = job.accepted(ticket.clone());
            if let Err(error) = app.store.save_job(accepted).await {
                // The job was cancelled in the meantime, or its attempt was marked interrupted.
                // Only this invocation knows the ticket, so it cancels the task.
                if matches!(error, StoreError::Contended)
                    && let Err(error) = app.providers.erase(provider, &ticket).await
                {
                    tracing::error!(job = %id, %provider, ticket, "not cancelled: {error}");
                }
                return Err(error.into());
            }
            Ok(Reply::Pending {
                poll_after_seconds: grown(0, providers::Providers::poll_seconds(provider)),
            })
        }
        Ok(Answer::Done(media)) => match assets::store(app, &job, media).await? {
            Stored::Stored(made) => assets::note(app, provider, job, made).await,
            Stored::Lost(error) => refused(app, provider, job, error.into()).await,
        },
        Err(error) => refused(app, provider, job, error).await,
    }
}

async fn logo_of(app: &App, job: &Job) -> Result<Option<Vec<u8>>, StepError> {
    match job
        .configuration
        .brand
        .as_ref()
        .and_then(|brand| brand.logo.as_ref())
    {
        Some(logo) if job.asset.media_type() == contract::MediaType::Image => {
            Ok(Some(logo::fetch(app, logo).await?))
        }
        _ => Ok(None),
    }
}
