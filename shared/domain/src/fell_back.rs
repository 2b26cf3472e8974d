//! What a job was to be made by before another provider was asked.

use crate::{Attempt, Job, Noted, ProviderId};

/// A provider that a job was to be made by before another was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FellBack<'j> {
    /// The provider.
    pub from: ProviderId,
    /// The last attempt at it; `None` if it was passed over without being asked.
    pub attempt: Option<&'j Attempt<ProviderId>>,
}

impl Job {
    /// The providers that were asked or passed over before the one that was asked last, in this
    /// order, each once. Empty if the job did not fall back: the one that was asked last is the one
    /// that was to make it.
    #[must_use]
    pub fn fell_back(&self) -> Vec<FellBack<'_>> {
        let Some(last) = self.attempts.last() else {
            return Vec::new();
        };
        let asked = self
            .attempts
            .iter()
            .map(|attempt| (attempt.at, attempt.asked, Some(attempt)));
        let passed_over = self.notes.iter().filter_map(|note| match note.what {
            Noted::PassedOver { provider, .. } => Some((note.at, provider, None)),
            Noted::JoinedLine { .. } | Noted::TurnCame { .. } => None,
        });
        // What is passed over is so before another one is asked, though at the same time.
        let mut before: Vec<_> = passed_over.chain(asked).collect();
        before.sort_by_key(|(at, ..)| *at);
        if before
            .first()
            .is_some_and(|(_, first, _)| *first == last.asked)
        {
            return Vec::new();
        }
        let mut fell_back: Vec<FellBack<'_>> = Vec::new();
        for (at, from, attempt) in before {
            if from == last.asked || at > last.at {
                continue;
            }
            match fell_back.iter_mut().find(|known| known.from == from) {
                Some(known) => known.attempt = attempt.or(known.attempt),
                None => fell_back.push(FellBack { from, attempt }),
            }
        }
        fell_back
    }
}
