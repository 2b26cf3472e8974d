//! The lease of a call to a provider with concurrency limits.

use domain::{ProviderId, WorkId};
use store::Store;

/// Releases the lease of `holder`. If that fails, the lease expires by itself.
pub async fn release(store: &Store, provider: ProviderId, holder: WorkId) {
    if !provider.is_paid() {
        return;
    }
    if let Err(error) = store.release_lease(provider, holder).await {
        tracing::warn!(%holder, %provider, "a lease is not released and will expire: {}", runtime::chain(&error));
    }
}
