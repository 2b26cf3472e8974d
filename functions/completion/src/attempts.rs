//! The outcome of an attempt that a provider refused.

use domain::{Fate, Job, Outcome, ProviderId};
use providers::{ProviderError, Refused};
use store::OpenBreaker;
use telemetry::Measured;

use crate::{
    App,
    end::close_as_failed,
    leases::release,
    measure::spent,
    step::{Reply, StepError},
};

/// Stores the refusal of `provider`; the next submission decides what follows.
pub(crate) async fn refused(
    app: &App,
    provider: ProviderId,
    job: Job,
    error: ProviderError,
) -> Result<Reply, StepError> {
    let at = crate::now();
    let (refused, sentence) = match error {
        ProviderError::Refused(refused) => (refused, None),
        error @ (ProviderError::Draw(_) | ProviderError::Logo(_)) => {
            let sentence = error.to_string();
            let refusal = domain::Refusal::InvalidInput;
            (
                Refused {
                    refusal,
                    detail: sentence.clone(),
                    credits: 0,
                },
                Some(sentence),
            )
        }
    };
    let Refused {
        refusal,
        detail,
        credits,
    } = refused;
    tracing::warn!(job = %job.id, %provider, ?refusal, detail, "refused");
    let outcome = Outcome::Refused {
        refusal,
        detail: detail.clone(),
        at,
        credits,
    };
    let job = app.store.save_job(job.answered(outcome)).await?;
    spent(app, provider, credits);
    release(app, provider, job.id.0).await;
    match refusal.fate(provider) {
        Fate::OpenTheBreaker => {
            let breaker = OpenBreaker {
                until: at.plus_seconds(domain::BREAKER_SECONDS),
                why: detail,
            };
            app.store.open_breaker(provider, &breaker).await?;
            app.telemetry.metrics.emit(Measured::BreakerOpened {
                provider: provider.as_str(),
            });
        }
        // Only a final refusal may have a sentence for the content's owner.
        Fate::Fail => {
            let class = refusal.failure_class(provider);
            close_as_failed(
                app,
                job.id,
                domain::Failure { class, detail, at },
                sentence.as_deref(),
            )
            .await?;
            return Ok(Reply::Closed);
        }
        Fate::AskAgain | Fate::AskTheNext => {}
    }
    Ok(Reply::Waiting { seconds: 1 })
}
