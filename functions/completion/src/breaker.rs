//! Breakers: for a while no job asks a provider that turned the whole studio away.

use contract::{Identifier, Time};
use domain::{ProviderId, Refusal};
use providers::Refused;
use store::OpenBreaker;
use telemetry::Measured;

use crate::{App, step::StepError};

/// The provider's breaker, if it is open. A provider that costs nothing has none.
pub(crate) async fn open_breaker_of(
    app: &App,
    provider: ProviderId,
    now: Time,
) -> Result<Option<OpenBreaker>, StepError> {
    if !provider.is_paid() {
        return Ok(None);
    }
    Ok(app.store.breaker(provider, now).await?)
}

/// Opens the breaker of `provider`; `why` is for operators.
pub(crate) async fn open_breaker(
    app: &App,
    provider: ProviderId,
    why: String,
    now: Time,
) -> Result<(), StepError> {
    let breaker = OpenBreaker {
        until: now.plus_seconds(domain::BREAKER_SECONDS),
        why,
    };
    app.store.open_breaker(provider, &breaker).await?;
    app.telemetry.metrics.emit(Measured::BreakerOpened {
        provider: provider.as_str(),
    });
    Ok(())
}

/// Notes that a request of `tenant` was blocked, if that is what `refused` says, and opens the
/// breaker of `provider` once several tenants met it. One tenant's text opens no breaker.
pub(crate) async fn note_if_blocked(
    app: &App,
    provider: ProviderId,
    tenant: &Identifier,
    refused: &Refused,
    now: Time,
) -> Result<(), StepError> {
    if refused.refusal != Refusal::Blocked {
        return Ok(());
    }
    match app.store.note_block(provider, tenant, now).await {
        Ok(true) => {
            let why = format!("several tenants' requests are blocked: {}", refused.detail);
            open_breaker(app, provider, why, now).await
        }
        Ok(false) => Ok(()),
        Err(error) => {
            tracing::warn!(%provider, "a blocked request is not noted: {}", runtime::chain(&error));
            Ok(())
        }
    }
}
