//! The one optimistic write loop: read, decide, write on the condition that nothing changed, and
//! again if another writer was faster.

use std::time::Duration;

use crate::StoreError;

/// How often a write is tried. The first round often only finds out what is there; in each later
/// one some writer wins.
pub(crate) const MOST_ROUNDS: usize = 12;

/// The rounds of one optimistic write:
///
/// ```ignore
/// let mut rounds = Rounds::default();
/// loop {
///     rounds.next().await?;
///     // read, decide, write; return if the write held
/// }
/// ```
#[derive(Debug, Default)]
pub struct Rounds(usize);

impl Rounds {
    /// Begins the next round. From the third on it backs off first, so that the writer that won
    /// can finish.
    ///
    /// # Errors
    /// [`StoreError::Contended`] after twelve rounds.
    pub async fn next(&mut self) -> Result<(), StoreError> {
        if self.0 >= MOST_ROUNDS {
            return Err(StoreError::Contended);
        }
        if self.0 > 1 {
            tokio::time::sleep(Duration::from_millis(10 * (self.0 as u64 - 1))).await;
        }
        self.0 += 1;
        Ok(())
    }

    /// Whether this is the first round.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.0 == 1
    }
}
