//! Concurrency limits of a provider: one item that all execution environments share, so that a cap
//! holds across them.

use contract::Time;
use domain::{Caps, ConcurrencyLimits, ProviderId, Work, WorkId};

use crate::{
    Store, StoreError,
    items::{self, Key},
};

impl Store {
    /// Takes a lease on `provider` for `work` until `until`, or renews the one that it has; `false`
    /// if all are taken.
    ///
    /// # Errors
    /// A [`StoreError`]; [`StoreError::Contended`] if too many take one at once.
    pub async fn take_lease<W: Work>(
        &self,
        provider: ProviderId,
        work: &W,
        caps: Caps,
        now: Time,
        until: Time,
    ) -> Result<bool, StoreError> {
        self.change_leases(provider, |leases| {
            leases.taken(work.id().uuid(), work.tenant(), caps, now, until)
        })
        .await
    }

    /// Releases the lease of `holder` on `provider`, if it has one.
    ///
    /// # Errors
    /// A [`StoreError`]; then the lease expires by itself.
    pub async fn release_lease(
        &self,
        provider: ProviderId,
        holder: WorkId,
    ) -> Result<(), StoreError> {
        self.change_leases(provider, |leases| leases.released(holder.uuid()))
            .await?;
        Ok(())
    }

    /// The leases on `provider` as they are, read consistently. Some may have expired.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn limits(&self, provider: ProviderId) -> Result<ConcurrencyLimits, StoreError> {
        let item = self.read(Key::leases(provider)).await?;
        let limits = item.as_ref().map(items::state).transpose()?;
        Ok(limits.unwrap_or_default())
    }

    /// Takes a lease on `provider` until `until` for `work`, whose turn it is; `false` if all are
    /// taken.
    ///
    /// # Errors
    /// As [`take_lease`](Self::take_lease).
    pub async fn give_turn<W: Work>(
        &self,
        provider: ProviderId,
        work: &W,
        caps: Caps,
        now: Time,
        until: Time,
    ) -> Result<bool, StoreError> {
        self.change_leases(provider, |leases| {
            leases.given(work.id(), work.tenant(), caps, now, until)
        })
        .await
    }

    /// Writes down the caps of `provider` that are in force in place of those by which a lease was taken
    /// last, if they differ: for a function that has no settings of providers.
    ///
    /// # Errors
    /// A [`StoreError`]; doing it again is safe.
    pub async fn note_caps(&self, provider: ProviderId, caps: Caps) -> Result<(), StoreError> {
        self.change_leases(provider, |leases| leases.capped(caps))
            .await?;
        Ok(())
    }

    /// Writes what `change` makes of the leases; whether it made something.
    async fn change_leases(
        &self,
        provider: ProviderId,
        change: impl Fn(ConcurrencyLimits) -> Option<ConcurrencyLimits>,
    ) -> Result<bool, StoreError> {
        fn version(leases: &mut ConcurrencyLimits) -> &mut u64 {
            &mut leases.version
        }
        let changed = self.change(&Key::leases(provider), version, change).await?;
        Ok(changed.is_some())
    }
}
