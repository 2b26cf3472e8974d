//! The last look: no job fails while a provider works on it, or has made its media, without the
//! provider being asked once more. What is paid for is stored, or at least cancelled and counted.

use contract::{FailureClass, Time};
use domain::{Failure, JobId, Outcome, Refusal, Work, Wrong};
use outbox::Announced;
use providers::{Order, Progress};
use vendor_calls::look;

use crate::{
    App,
    answers::save_answer,
    assets::{self, Stored},
    attempts::outcome_of,
    end::close_as_failed,
    kept,
    put_down::learn,
    step::{Reply, StepError},
    steps::finish::complete,
    turns::release_to_next,
    usage::spent,
};

/// Closes a job as failed because of `failure`, after a last look at the provider that works on it.
/// If the media is there, the job is completed instead. A job that has another end keeps it.
pub(crate) async fn fail_after_last_look(
    app: &App,
    id: JobId,
    announced: Announced,
    failure: Failure,
    sentence: Option<&str>,
) -> Result<Reply, StepError> {
    if is_rescued(app, id, &failure).await? {
        match complete(app, id, announced, failure.at).await {
            Ok(reply) => return Ok(reply),
            Err(error) if error.is_transient() => return Err(error),
            // It can never be completed, and each job has to end.
            Err(error) => {
                tracing::error!(job = %id, "stored, and not completed: {}", runtime::chain(&error));
            }
        }
    }
    close_as_failed(app, id, announced, failure, sentence.map(Wrong::Content)).await?;
    Ok(Reply::Closed)
}

/// Whether the open job's asset is stored, if need be by this function. If it is not, no provider
/// works on the job any more.
async fn is_rescued(app: &App, id: JobId, failure: &Failure) -> Result<bool, StepError> {
    let job = app.store.job(id).await?;
    if job.is_closed() {
        return Ok(false);
    }
    let asked_at = job.attempts.last().map_or(failure.at, |last| last.at);
    let job = match learn(app, job.clone()).await {
        Ok(job) => job,
        Err(error) if failure.at < rescued_until(asked_at) => return Err(error),
        Err(_) => job,
    };
    if assets::is_stored(&job) {
        return Ok(true);
    }
    if job.kept().is_some() {
        return kept::is_rescued(app, job, failure.at).await;
    }
    let (Some(ticket), Some(last)) = (job.ticket().map(str::to_owned), job.attempts.last()) else {
        // The invocation that wrote an attempt without an outcome has died, so its lease is
        // released.
        if let Some(provider) = job.unanswered() {
            release_to_next(app, provider, job.id()).await;
        }
        return Ok(false);
    };
    let provider = last.asked;
    let folder = match app.drawer.paths.get().await {
        Ok(paths) => paths.folder(&job),
        // As if S3 were out of reach.
        Err(error) if failure.at < rescued_until(asked_at) => return Err(error.into()),
        Err(_) => String::new(),
    };
    let order = Order {
        job: &job,
        voice: None,
        logo: None,
        bucket: &app.drawer.config.assets_bucket,
        folder: &folder,
    };
    let vendors = app.providers.vendors();
    let outcome = match look(&app.telemetry, vendors, provider, order, &ticket).await {
        Ok(Progress::Done(media)) => {
            let credits = media.credits;
            match assets::store(app, &job, *media).await {
                Ok(Stored::Stored(made)) => {
                    assets::note(app, provider, job, made).await?;
                    return Ok(true);
                }
                Ok(Stored::Lost(refused)) => outcome_of(&refused, failure.at),
                // The provider keeps the media, so that it can be stored once S3 is back. Each job
                // has to end nevertheless.
                Err(error) if failure.at < rescued_until(asked_at) => return Err(error),
                Err(error) => Outcome::Refused {
                    refusal: Refusal::NotStored,
                    detail: format!(
                        "{provider} made it, and the studio could not store it: {}",
                        runtime::chain(&error)
                    ),
                    at: failure.at,
                    credits,
                },
            }
        }
        Ok(Progress::Failed(refused)) => outcome_of(&refused, failure.at),
        Ok(Progress::Pending { .. }) | Err(_) => {
            let stopped = vendors.stop(provider, &ticket).await;
            let credits = stopped.unwrap_or_else(|error| {
                tracing::warn!(job = %id, %provider, "not cancelled: {error}");
                0
            });
            Outcome::Refused {
                refusal: Refusal::OutcomeUnknown,
                detail: given_up(failure),
                at: failure.at,
                credits,
            }
        }
    };
    let credits = outcome.credits();
    let job = save_answer(app, job.answered(outcome, failure.at)).await?;
    spent(app, provider, credits).await;
    release_to_next(app, provider, job.id()).await;
    Ok(false)
}

/// Until when media that the provider has made is worth another try to store it: a day, for which
/// the vendors keep it. Source: Runway's page on outputs, "24 to 48 hours".
fn rescued_until(asked_at: Time) -> Time {
    asked_at.plus_seconds(24 * 60 * 60)
}

/// The outcome of an attempt whose job was given up, for operators.
fn given_up(failure: &Failure) -> String {
    match failure.class {
        FailureClass::Timeout => failure.detail.clone(),
        _ => format!("the job was given up: {}", failure.detail),
    }
}
