//! The providers: list them with their breakers, lines, calls and cost; close a breaker.

use contract::Time;
use domain::ProviderId;
use operations::{
    BreakerFate, BreakerHandled, BreakerSummary, ProviderSummary, ProvidersListed, RefusalSummary,
};

use crate::{Operator, step::StepError};

/// Lists every provider. Reads three items of each, and the keys of its line.
pub(crate) async fn list(operator: &Operator, now: Time) -> Result<ProvidersListed, StepError> {
    let mut providers = Vec::new();
    for provider in ProviderId::ALL {
        providers.push(summary(operator, provider, now).await?);
    }
    Ok(ProvidersListed { providers })
}

async fn summary(
    operator: &Operator,
    provider: ProviderId,
    now: Time,
) -> Result<ProviderSummary, StepError> {
    let store = &operator.store;
    let limits = store.limits(provider).await?.current(now);
    let usage = store.usage(provider).await?;
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Ok(ProviderSummary {
        provider: provider.as_str().to_owned(),
        breaker: breaker(operator, provider, now).await?,
        waiting: store.length_of_line(provider).await?,
        in_flight: count(limits.held()),
        most_in_flight: limits.caps().map(|caps| count(caps.in_flight)),
        credits_today: usage.today(now),
        credits_in_all: usage.in_all(),
        last_refusal: usage.last_refusal.map(|last| RefusalSummary {
            at: last.at,
            class: last.refusal.as_str().to_owned(),
            said: last.said,
            of: last.of,
        }),
    })
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
