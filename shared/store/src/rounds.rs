//! The one optimistic write loop: read, decide, write on the condition that nothing changed, and
//! again if another writer was faster.

use std::time::Duration;

use crate::StoreError;

/// How often a write is tried. In each round that is lost, another writer wins.
const MOST_ROUNDS: usize = 12;

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
pub struct Rounds {
    begun: usize,
    is_blind: bool,
}

impl Rounds {
    /// Rounds whose first one only finds out what is there: the second begins at once.
    #[must_use]
    pub fn blind() -> Self {
        Self {
            begun: 0,
            is_blind: true,
        }
    }

    /// Begins the next round. From the second on it backs off first, so that the writer that won
    /// can finish.
    ///
    /// # Errors
    /// [`StoreError::Contended`] after twelve rounds.
    pub async fn next(&mut self) -> Result<(), StoreError> {
        if self.begun >= MOST_ROUNDS {
            return Err(StoreError::Contended);
        }
        let pause = self.pause();
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        self.begun += 1;
        Ok(())
    }

    /// The pause before the next round: 10 ms for each round that was lost.
    fn pause(&self) -> Duration {
        let lost = self.begun.saturating_sub(usize::from(self.is_blind));
        Duration::from_millis(10 * lost as u64)
    }

    /// Whether this is the first round.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.begun == 1
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn pauses(rounds: &Rounds) -> Vec<u128> {
        let after = |begun| Rounds { begun, ..*rounds }.pause().as_millis();
        (0..4).map(after).collect()
    }

    #[test]
    fn each_lost_round_waits_longer() {
        assert_eq!(pauses(&Rounds::default()), [0, 10, 20, 30]);
    }

    #[test]
    fn a_first_round_that_only_looks_costs_no_pause() {
        assert_eq!(pauses(&Rounds::blind()), [0, 0, 10, 20]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_round_begins_after_its_pause() {
        let begun = Instant::now();
        let mut rounds = Rounds::default();
        for _ in 0..3 {
            rounds.next().await.unwrap();
        }
        let pauses = begun.elapsed();
        assert!(pauses >= Duration::from_millis(30), "{pauses:?}");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn only_the_round_that_begins_first_is_the_first() {
        let mut rounds = Rounds::blind();
        for is_first in [true, false, false] {
            rounds.next().await.unwrap();
            assert_eq!(rounds.is_first(), is_first, "{rounds:?}");
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_twelfth_round_is_the_last() {
        let mut rounds = Rounds {
            begun: MOST_ROUNDS - 1,
            is_blind: false,
        };
        rounds.next().await.unwrap();
        let ended = rounds.next().await;
        assert!(matches!(ended, Err(StoreError::Contended)));
    }
}
