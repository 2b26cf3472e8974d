//! Writes a dead letter: its object first, then its entry.

use contract::Time;
use store::{AgainOfEnvelope, ErasureGuard};

use crate::{DeadLetter, DeadLetterError, DeadLetters, DeliveredBy};

impl DeadLetters {
    /// Writes a dead letter: first into the bucket, then into the index, so that an entry always
    /// has its object. Doing it again opens an entry again that was resolved, and counts if `by` is
    /// a redrive. A record from before the erasure of its tenant is not stored.
    ///
    /// # Errors
    /// A [`DeadLetterError`].
    pub async fn write(
        &self,
        record: &DeadLetter,
        by: DeliveredBy,
        now: Time,
    ) -> Result<(), DeadLetterError> {
        if self.is_of_erased_tenant(record).await? {
            return Ok(());
        }
        self.put(record).await?;
        let (tenant, object) = (record.tenant(), record.object_key());
        let entry = record.entry(tenant.as_ref(), &object, by);
        let was_resolved = self
            .store
            .open_dead_letter(&entry, now)
            .await
            .map_err(DeadLetterError::Index)?;
        // The caller that resolved it may have deleted what was just put, before the entry was
        // opened again.
        if was_resolved {
            self.put(record).await?;
        }
        Ok(())
    }

    /// As [`write`](Self::write), for a record of the on-failure envelope
    /// `envelope`: however often it is done for one envelope, it does not open an entry again that
    /// was resolved since. Returns whether it was the first time.
    ///
    /// # Errors
    /// A [`DeadLetterError`].
    pub async fn write_of_envelope(
        &self,
        record: &DeadLetter,
        envelope: &str,
        now: Time,
    ) -> Result<bool, DeadLetterError> {
        // Looked at first, so that the content of one that was resolved since is not put back.
        if self.store.is_of_envelope(record.id(), envelope).await?
            || self.is_of_erased_tenant(record).await?
        {
            return Ok(false);
        }
        self.put(record).await?;
        let (tenant, object) = (record.tenant(), record.object_key());
        let entry = record.entry(tenant.as_ref(), &object, DeliveredBy::Mapping);
        let written = self
            .store
            .open_dead_letter_of_envelope(&entry, envelope, now)
            .await
            .map_err(DeadLetterError::Index)?;
        // Another run of the operator function may have been faster.
        match written {
            AgainOfEnvelope::First => Ok(true),
            AgainOfEnvelope::Open => Ok(false),
            AgainOfEnvelope::Resolved => {
                self.delete(&object).await?;
                Ok(false)
            }
        }
    }

    /// Whether the record was produced before its tenant's erasure began. A record without a
    /// timestamp, or whose key names no tenant, cannot be told. If the erasure begins after this
    /// look, its later passes find the entry: they begin when this invocation must have ended.
    async fn is_of_erased_tenant(&self, record: &DeadLetter) -> Result<bool, DeadLetterError> {
        let (Some(tenant), Some(happened)) = (record.tenant(), record.produced_at()) else {
            return Ok(false);
        };
        let guard = ErasureGuard {
            tenant: &tenant,
            happened,
        };
        let is_erased = self.store.is_erased_since(guard).await;
        is_erased.map_err(DeadLetterError::Index)
    }
}
