//! Poll: whoever accepted the job is asked how far it is.

use contract::{FailureClass, Time};
use domain::{Job, JobId, Outcome};
use providers::{Order, Progress, Providers, Refused};

use crate::{
    App,
    fail::close_as_failed,
    measure::called,
    step::{Reply, StepError},
    store::{self, Stored},
    submit::{LEASE_SECONDS, refused, release},
};

/// Asks again whether the media of a job is made.
pub(crate) async fn poll(app: &App, id: JobId, now: Time) -> Result<Reply, StepError> {
    let job = app.journal.job(id).await?;
    if store::is_stored(&job) {
        return Ok(Reply::Stored);
    }
    let (Some(ticket), Some(attempt)) = (job.ticket().map(str::to_owned), job.attempts.last())
    else {
        // It was refused meanwhile, by another execution of this step.
        return Ok(Reply::Waiting { seconds: 1 });
    };
    let (provider, at) = (attempt.provider, attempt.at);
    let age = now.milliseconds_since(at);
    if age > u64::from(job.patience_seconds()) * 1000 {
        return give_up(app, provider, job, &ticket, now).await;
    }
    if let Some(caps) = app.config.providers.caps(provider) {
        // Its own lease is made longer. If it ran out and another job has its place, this one is in
        // flight all the same.
        app.journal
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
        Ok(Progress::Done(media)) => match store::store(app, &job, media).await? {
            Stored::Stored(made) => store::note(app, provider, job, made).await,
            // It is still there to be fetched.
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

/// It took too long: the provider is told to cancel where it can, and the job fails.
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
        .journal
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

/// The seconds to the next poll of something `age_ms` old: an eighth of its age, within what the
/// provider wants.
pub(crate) fn grown(age_ms: u64, (least, most): (u32, u32)) -> u32 {
    u32::try_from(age_ms / 8000)
        .unwrap_or(most)
        .clamp(least, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_lie_further_apart_the_longer_it_takes_and_stay_few() {
        assert_eq!(
            (
                grown(0, (6, 60)),
                grown(80_000, (6, 60)),
                grown(u64::MAX, (6, 60))
            ),
            (6, 10, 60)
        );
        let (mut age, mut polls) = (0, 0);
        while age < 3_600_000 {
            age += u64::from(grown(age, (6, 60))) * 1000;
            polls += 1;
        }
        // Each is a dozen entries in the history of an execution, which may have 25,000.
        assert!(polls < 100, "{polls}");
    }
}
