//! Poll: asks the provider that accepted the job for its progress.

use contract::{FailureClass, Time};
use domain::{Job, JobId, Outcome};
use providers::{Order, Progress, Providers, Refused};

use crate::{
    App,
    assets::{self, Stored},
    attempts::refused,
    end::close_as_failed,
    leases::{LEASE_SECONDS, release},
    measure::called,
    pause::grown,
    step::{Reply, StepError},
};

/// Polls the provider, and stores the media if it is done.
pub(crate) async fn poll(app: &App, id: JobId, now: Time) -> Result<Reply, StepError> {
    let job = app.store.job(id).await?;
    if assets::is_stored(&job) {
        return Ok(Reply::Stored);
    }
    let (Some(ticket), Some(attempt)) = (job.ticket().map(str::to_owned), job.attempts.last())
    else {
        // Another execution of this step has stored a refusal in the meantime.
        return Ok(Reply::Waiting { seconds: 1 });
    };
    let (provider, at) = (attempt.provider, attempt.at);
    let age = now.milliseconds_since(at);
    if age > u64::from(job.patience_seconds()) * 1000 {
        return give_up(app, provider, job, &ticket, now).await;
    }
    if let Some(caps) = app.config.providers.caps(provider) {
        // Renews the job's lease. The result is ignored: if the lease expired and another job took
        // its place, this job is in flight nevertheless.
        app.store
            .take_lease(
                provider,
                (job.id.0, &job.tenant),
                caps,
                now,
                now.plus_seconds(LEASE_SECONDS),
            )
            .await?;
    }
    let pause = grown(age, Providers::poll_seconds(provider));
    let ask = async |job: Job| {
        let order = Order {
            job: &job,
            logo: None,
            bucket: &app.config.assets_bucket,
        };
        app.providers.poll(provider, order, &ticket).await
    };
    let refusal = |progress: &Result<Progress, Refused>| match progress {
        Ok(Progress::Failed(refused)) | Err(refused) => Some(refused.refusal),
        Ok(Progress::Pending { .. } | Progress::Done(_)) => None,
    };
    match called(app, (provider, "poll"), &job, ask, refusal).await {
        Ok(Progress::Pending { status }) => {
            tracing::debug!(job = %id, %provider, status, "not made yet");
            Ok(Reply::Pending {
                poll_after_seconds: pause,
            })
        }
        Ok(Progress::Done(media)) => match assets::store(app, &job, media).await? {
            Stored::Stored(made) => assets::note(app, provider, job, made).await,
            // The provider still has it, so the next poll can fetch it.
            Stored::Lost(error) => {
                tracing::warn!(job = %id, %provider, "not fetched: {error}");
                Ok(Reply::Pending {
                    poll_after_seconds: pause,
                })
            }
        },
        Ok(Progress::Failed(error)) => refused(app, provider, job, error.into()).await,
        Err(error) => {
            tracing::warn!(job = %id, %provider, "not asked how far it is: {error}");
            Ok(Reply::Pending {
                poll_after_seconds: pause,
            })
        }
    }
}

/// Gives up a job that took too long: cancels it at the provider if possible, and fails it.
async fn give_up(
    app: &App,
    provider: domain::ProviderId,
    job: Job,
    ticket: &str,
    now: Time,
) -> Result<Reply, StepError> {
    if let Err(error) = app.providers.erase(provider, ticket).await {
        tracing::warn!(job = %job.id, %provider, "not cancelled: {error}");
    }
    let detail = format!("{provider} was not done after {} s", job.patience_seconds());
    let job = app
        .store
        .save_job(job.answered(Outcome::unknown(&detail, now)))
        .await?;
    release(app, provider, job.id.0).await;
    close_as_failed(
        app,
        job.id,
        domain::Failure {
            class: FailureClass::Timeout,
            detail,
            at: now,
        },
        None,
    )
    .await?;
    Ok(Reply::Closed)
}
