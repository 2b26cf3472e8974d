//! The outcomes of attempts: an interrupted one, and one that a provider refused.

use contract::Time;
use domain::{Job, NotSpoken, Outcome, ProviderId, RetryDecision, Work, Wrong};
use outbox::Announced;
use providers::{ProviderError, Refused};
use work::count_undrawn;

use crate::{
    App,
    answers::save_answer,
    breaker::{note_if_blocked, open_breaker},
    end::close_as_failed,
    step::{Reply, StepError},
    turns::release_to_next,
    usage::{note_refusal, spent},
};

/// Stores an unknown outcome for an attempt that has none: the invocation that wrote it died or got
/// no answer. Work without such an attempt is returned unchanged, and so is work whose attempt costs
/// nothing: [`domain::Job::asking`] makes that one again.
pub(crate) async fn close_interrupted<W: Work>(
    app: &App,
    work: W,
    now: Time,
) -> Result<W, StepError> {
    let Some(provider) = work.unanswered().filter(|provider| provider.is_paid()) else {
        return Ok(work);
    };
    tracing::warn!(work = %work.id(), %provider, "an attempt was interrupted; its outcome is not known");
    let outcome = Outcome::unknown("the attempt was interrupted", now);
    let work = app.store.save(work.answered(outcome, now)).await?;
    release_to_next(app, provider, work.id()).await;
    Ok(work)
}

/// The outcome of an attempt that a provider refused at `at`.
pub(crate) fn outcome_of(refused: &Refused, at: Time) -> Outcome {
    Outcome::Refused {
        refusal: refused.refusal,
        detail: refused.detail.clone(),
        at,
        credits: refused.credits,
    }
}

/// Stores the refusal of `provider`, for a step of the job's execution; the next submission decides
/// what follows.
pub(crate) async fn refused(
    app: &App,
    provider: ProviderId,
    job: Job,
    error: ProviderError,
) -> Result<Reply, StepError> {
    let at = crate::now();
    // Only a final refusal may have a sentence for the content's owner.
    let (mut undrawn, mut unspoken) = (None, None);
    let refused = match error {
        ProviderError::Refused(refused) => refused,
        ProviderError::NoVoice(refused) => {
            unspoken = job
                .voice()
                .map(|voice| Wrong::Voice(voice, NotSpoken::Gone));
            refused
        }
        ProviderError::Draw { source, credits } => {
            let refused = Refused {
                credits,
                ..Refused::new(domain::Refusal::InvalidInput, source.to_string())
            };
            undrawn = Some(source.undrawn());
            refused
        }
    };
    let refusal = refused.refusal;
    let job = match refused.unsent {
        true => job.unsent(),
        false => job,
    };
    let what = match job.attempts.last().is_some_and(|last| last.unsent) {
        true => "not asked",
        false => "refused",
    };
    tracing::warn!(job = %job.id, %provider, ?refusal, detail = refused.detail, "{what}");
    let job = save_answer(app, job.answered(outcome_of(&refused, at), at)).await?;
    spent(app, provider, refused.credits).await;
    note_refusal(app, provider, job.id(), &refused, at).await;
    count_undrawn(&app.telemetry, &job, undrawn.as_deref().unwrap_or_default());
    release_to_next(app, provider, job.id()).await;
    note_if_blocked(app, provider, &job.tenant, &refused, at).await?;
    match refusal.retry_decision(provider) {
        RetryDecision::OpenTheBreaker => open_breaker(app, provider, refused.detail, at).await?,
        RetryDecision::Fail => {
            let failure = domain::Failure {
                class: refusal.failure_class(provider),
                detail: refused.detail.clone(),
                at,
            };
            let wrong = undrawn.map(|undrawn| match undrawn.is_empty() {
                true => Wrong::Content(&refused.detail),
                false => Wrong::NoFont(&refused.detail),
            });
            let wrong = wrong.or(unspoken);
            close_as_failed(app, job.id, Announced::Yes, failure, wrong).await?;
            return Ok(Reply::Closed);
        }
        RetryDecision::AskAgain | RetryDecision::AskTheNext => {}
    }
    Ok(Reply::Waiting { seconds: 1 })
}
