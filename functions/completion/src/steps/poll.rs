//! Poll: asks the provider that accepted the job for its progress.

use contract::{FailureClass, Time};
use domain::{Failure, JobId, LEASE_SECONDS};
use outbox::Announced;
use providers::{Order, Progress, Providers};
use vendor_calls::look;

use crate::{
    App,
    assets::{self, Stored},
    attempts::refused,
    executions, kept,
    last_look::fail_after_last_look,
    pause::grown,
    step::{Reply, StepError},
};

/// Polls the provider, and stores the media if it is done. `name` is the name of the execution.
pub(crate) async fn poll(app: &App, id: JobId, name: &str, now: Time) -> Result<Reply, StepError> {
    let job = app.store.job(id).await?;
    executions::check(&job, name)?;
    if assets::is_stored(&job) {
        assets::tidy_up(app, &job).await;
        return Ok(Reply::Stored);
    }
    if job.kept().is_some() {
        return kept::poll(app, job, now).await;
    }
    let (Some(ticket), Some(attempt)) = (job.ticket().map(str::to_owned), job.attempts.last())
    else {
        // Another execution of this step has stored a refusal in the meantime.
        return Ok(Reply::Waiting { seconds: 1 });
    };
    let (provider, at) = (attempt.asked, attempt.at);
    let age = now.milliseconds_since(at);
    if age > u64::from(job.patience_seconds()) * 1000 {
        let detail = format!("{provider} was not done after {} s", job.patience_seconds());
        let failure = Failure {
            class: FailureClass::Timeout,
            detail,
            at: now,
        };
        return fail_after_last_look(app, id, Announced::Yes, failure, None).await;
    }
    if let Some(caps) = app.config.providers.caps(provider) {
        // Renews the job's lease. The result is ignored: if the lease expired and another job took
        // its place, this job is in flight nevertheless.
        app.store
            .take_lease(provider, &job, caps, now, now.plus_seconds(LEASE_SECONDS))
            .await?;
    }
    let pause = grown(age, Providers::poll_seconds(provider));
    let folder = app.drawer.paths.get().await?.folder(&job);
    let order = Order {
        job: &job,
        voice: None,
        logo: None,
        bucket: &app.drawer.config.assets_bucket,
        folder: &folder,
    };
    let vendors = app.providers.vendors();
    match look(&app.telemetry, vendors, provider, order, &ticket).await {
        Ok(Progress::Pending { status }) => {
            tracing::debug!(job = %id, %provider, status, "not made yet");
            Ok(Reply::Pending {
                poll_after_seconds: pause,
            })
        }
        Ok(Progress::Done(media)) => match assets::store(app, &job, *media).await? {
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
