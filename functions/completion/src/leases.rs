//! Leases: one call to a provider with concurrency limits holds one while it is in flight.

use contract::Time;
use domain::{LEASE_SECONDS, ProviderId, Work};
use store::StoreError;

use crate::{App, step::StepError};

/// Takes a lease on `provider` for `work`, or renews it, if the provider has caps; `false` if a cap
/// is reached.
pub(crate) async fn take_lease<W: Work>(
    app: &App,
    provider: ProviderId,
    work: &W,
    now: Time,
) -> Result<bool, StepError> {
    let Some(caps) = app.config.providers.caps(provider) else {
        return Ok(true);
    };
    match app
        .store
        .take_lease(provider, work, caps, now, now.plus_seconds(LEASE_SECONDS))
        .await
    {
        // Many invocations want a lease at this moment.
        Err(StoreError::Contended) => Ok(false),
        taken => Ok(taken?),
    }
}
