//! Leases: one call to a provider with concurrency limits holds one while it is in flight.

use contract::{Identifier, Time};
use domain::ProviderId;
use store::StoreError;
use uuid::Uuid;

use crate::{App, step::StepError};

/// How long a call holds its lease, in seconds: longer than an invocation lasts and longer than the
/// pause between two polls.
pub(crate) const LEASE_SECONDS: u32 = 330;

/// Takes a lease on `provider` for a job or a voice model, if the provider has caps; `false` if a
/// cap is reached.
pub(crate) async fn take_lease(
    app: &App,
    provider: ProviderId,
    holder: (Uuid, &Identifier),
    now: Time,
) -> Result<bool, StepError> {
    let Some(caps) = app.config.providers.caps(provider) else {
        return Ok(true);
    };
    match app
        .store
        .take_lease(provider, holder, caps, now, now.plus_seconds(LEASE_SECONDS))
        .await
    {
        // Many invocations want a lease at this moment.
        Err(StoreError::Contended) => Ok(false),
        taken => Ok(taken?),
    }
}

/// Releases a lease. If that fails, the lease expires by itself.
pub(crate) async fn release(app: &App, provider: ProviderId, holder: Uuid) {
    if !provider.is_paid() {
        return;
    }
    if let Err(error) = app.store.release_lease(provider, holder).await {
        tracing::warn!(%holder, %provider, "its lease runs out by itself: {}", runtime::chain(&error));
    }
}
