//! The providers: list them with their breakers and lines; close a breaker.

use contract::Time;
use domain::ProviderId;
use operations::{BreakerFate, BreakerHandled, BreakerSummary, ProviderSummary, ProvidersListed};

use crate::{Operator, step::StepError};

/// Lists every provider with its breaker and the length of its line.
pub(crate) async fn list(operator: &Operator, now: Time) -> Result<ProvidersListed, StepError> {
    let mut providers = Vec::new();
    for provider in ProviderId::ALL {
        providers.push(ProviderSummary {
            provider: provider.as_str().to_owned(),
            breaker: breaker(operator, provider, now).await?,
            waiting: operator.store.length_of_line(provider).await?,
        });
    }
    Ok(ProvidersListed { providers })
}

/// Closes the breaker of a provider, or without `execute` reports what would happen. The next job
/// asks the provider again.
pub(crate) async fn close(
    operator: &Operator,
    provider: &str,
    execute: bool,
    now: Time,
) -> Result<BreakerHandled, StepError> {
    let id: ProviderId = provider.parse().map_err(StepError::NoSuchProvider)?;
    let fate = match breaker(operator, id, now).await? {
        None => BreakerFate::WasClosed,
        Some(breaker) if !execute => BreakerFate::WouldBeClosed { breaker },
        Some(breaker) => {
            operator.store.close_breaker(id, now).await?;
            BreakerFate::Closed { breaker }
        }
    };
    Ok(BreakerHandled {
        provider: id.as_str().to_owned(),
        fate,
    })
}

/// The breaker of a provider, if it is open.
async fn breaker(
    operator: &Operator,
    provider: ProviderId,
    now: Time,
) -> Result<Option<BreakerSummary>, StepError> {
    let open = operator.store.breaker(provider, now).await?;
    Ok(open.map(|open| BreakerSummary {
        until: open.until,
        why: open.why,
    }))
}
