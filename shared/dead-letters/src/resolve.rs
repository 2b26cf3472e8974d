//! Resolves a dead letter: the entry says how, the object goes, the entry leaves the index.

use contract::Time;
use store::{DeadLetterEntry, Resolution, ResolveOutcome};

use crate::{DeadLetter, DeadLetterError, DeadLetters};

impl DeadLetters {
    /// Resolves `entry`, whose content is `record` (`None`: nothing is left of it), if it was not
    /// dead-lettered again since it was read. Resolving is three writes: the entry says what became
    /// of the record, the content is deleted, and the entry leaves the index of what is open. A
    /// caller that finds an entry half resolved repeats all three. The bucket has old versions for
    /// a week.
    ///
    /// # Errors
    /// A [`DeadLetterError`]; doing it again is safe.
    pub async fn resolve(
        &self,
        entry: &DeadLetterEntry,
        record: Option<&DeadLetter>,
        how: Resolution,
        now: Time,
    ) -> Result<ResolveOutcome, DeadLetterError> {
        let index = DeadLetterError::Index;
        if let Some(outcome) = self
            .store
            .note_resolution(entry, how, now)
            .await
            .map_err(index)?
        {
            return Ok(outcome);
        }
        if let Some(object) = &entry.object {
            self.delete(object).await?;
        }
        let outcome = self.store.close_resolved(entry, now).await.map_err(index)?;
        // It came back between the first step and the last, and what it came with may be what was
        // just deleted.
        if let (ResolveOutcome::CameBack, Some(record)) = (outcome, record) {
            self.put(record).await?;
        }
        Ok(outcome)
    }
}
