//! What a provider was paid, and its last refusal: one item that all execution environments share.

use contract::Time;
use domain::{LastRefusal, ProviderId, Usage};

use crate::{
    Store, StoreError,
    items::{self, Key},
};

impl Store {
    /// Adds credits that were spent at `provider`. An answer that was lost may count twice: the exact
    /// sum is that of the jobs' attempts.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn note_spent(
        &self,
        provider: ProviderId,
        credits: u64,
        now: Time,
    ) -> Result<(), StoreError> {
        self.change_usage(provider, |usage| usage.spent(credits, now))
            .await
    }

    /// Notes the last refusal of `provider`.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn note_refusal(
        &self,
        provider: ProviderId,
        refusal: &LastRefusal,
    ) -> Result<(), StoreError> {
        self.change_usage(provider, |usage| usage.refused(refusal.clone()))
            .await
    }

    /// What is known of `provider`, read consistently.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn usage(&self, provider: ProviderId) -> Result<Usage, StoreError> {
        let item = self.read(Key::usage(provider)).await?;
        let usage = item.as_ref().map(items::state).transpose()?;
        Ok(usage.unwrap_or_default())
    }

    async fn change_usage(
        &self,
        provider: ProviderId,
        change: impl Fn(Usage) -> Usage,
    ) -> Result<(), StoreError> {
        fn version(usage: &mut Usage) -> &mut u64 {
            &mut usage.version
        }
        let changed = |usage| Some(change(usage));
        self.change(&Key::usage(provider), version, changed).await?;
        Ok(())
    }
}
