//! Writes a dead letter: its object first, then its entry.

use contract::Time;
use store::AgainOfEnvelope;

use crate::{DeadLetter, DeadLetterError, DeadLetters};

impl DeadLetters {
    /// Writes a dead letter: first into the bucket, then into the index, so that an entry always
    /// has its object. Doing it again counts, and opens an entry again that was resolved.
    ///
    /// # Errors
    /// A [`DeadLetterError`].
    pub async fn write(&self, record: &DeadLetter, now: Time) -> Result<(), DeadLetterError> {
        self.put(record).await?;
        let object = record.object_key();
        let entry = record.entry(&object);
        let was_resolved = self
            .store
            .open_dead_letter(&entry, now)
            .await
            .map_err(DeadLetterError::Index)?;
        // Whoever resolved it may have deleted what was just put, before the entry stood open
        // again.
        if was_resolved {
            self.put(record).await?;
        }
        Ok(())
    }

    /// As [`write`](Self::write), for a record of the on-failure envelope
    /// `envelope`: however often it is done for one envelope it counts once, and does not open an
    /// entry again that was resolved since. Returns whether it was the first time.
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
        if self.store.is_of_envelope(record.id(), envelope).await? {
            return Ok(false);
        }
        self.put(record).await?;
        let object = record.object_key();
        let written = self
            .store
            .open_dead_letter_of_envelope(&record.entry(&object), envelope, now)
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
}
