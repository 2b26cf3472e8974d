//! What the storm did, in counts: the audit demands that it did all of it.

use std::{collections::BTreeMap, sync::Arc};

use fault_proxy::{Call, Hits};

use super::point::{COMPLETION, Point, deployed};
use crate::deliveries::Deliveries;

/// What the storm did so far.
#[derive(Debug, Default)]
pub struct Log {
    /// The kills at each named point.
    pub kills: BTreeMap<(&'static str, Point), Vec<Hits>>,
    /// The deployed names of the functions whose processes were killed at random.
    pub killed_at_random: Vec<Arc<str>>,
    /// How often the line was cut.
    pub cuts: usize,
    /// How often the line was slow.
    pub slow: usize,
    /// How often the broker was killed.
    pub broker: usize,
    /// The mappings that delivered a topic a second time at once.
    pub twice: Vec<Deliveries>,
    /// The mappings that delivered a topic from its start.
    pub replayed: Vec<Deliveries>,
    /// The calls that AWS refused, by the name of the refusal.
    pub refusals: Vec<(String, Hits)>,
}

impl Log {
    /// Whether some point has not been hit yet.
    pub fn waits_for_a_kill(&self) -> bool {
        let mut kills = self.kills.values();
        kills.any(|hits| hits.iter().all(|hits| hits.count() == 0))
    }

    /// The counts, once the storm is over. `calls` are all that went through the proxy.
    #[must_use]
    pub fn count(&self, calls: &[Call], connections_cut: usize, pieces_delayed: usize) -> Faults {
        let sum = |hits: &[Hits]| hits.iter().map(Hits::count).sum();
        let delivered = |copies: &[Deliveries]| copies.iter().map(Deliveries::count).sum();
        let completion = deployed(COMPLETION);
        let of_completion = |call: &&Call| call.function.as_deref() == Some(&*completion);
        let is_refused = |call: &&Call| call.is_hit && call.status.is_some();
        let at_random = self.killed_at_random.iter();
        Faults {
            kills: self
                .kills
                .iter()
                .map(|(at, hits)| (*at, sum(hits)))
                .collect(),
            killed_at_random: self.killed_at_random.len(),
            completion_killed_at_random: at_random.filter(|name| ***name == *completion).count(),
            completion_refused: calls
                .iter()
                .filter(of_completion)
                .filter(is_refused)
                .count(),
            refusals: self
                .refusals
                .iter()
                .map(|(name, hits)| (name.clone(), hits.count()))
                .collect(),
            cuts: (self.cuts, connections_cut),
            slow: (self.slow, pieces_delayed),
            broker: self.broker,
            twice: (self.twice.len(), delivered(&self.twice)),
            replayed: (self.replayed.len(), delivered(&self.replayed)),
        }
    }
}

/// The counts of a storm's faults.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// The kills at each named point.
    pub kills: BTreeMap<(&'static str, Point), u32>,
    /// The processes killed at random.
    pub killed_at_random: usize,
    /// Those of them that ran `completion`.
    pub completion_killed_at_random: usize,
    /// The calls of `completion` that AWS refused.
    pub completion_refused: usize,
    /// The refused calls of all functions, by the name of the refusal.
    pub refusals: Vec<(String, u32)>,
    /// How often the line was cut, and the connections that this ended or refused.
    pub cuts: (usize, usize),
    /// How often the line was slow, and the pieces of data that this delayed.
    pub slow: (usize, usize),
    /// How often the broker was killed.
    pub broker: usize,
    /// How often a topic was delivered twice at once, and the batches of these deliveries.
    pub twice: (usize, u32),
    /// The same for deliveries of a topic from its start.
    pub replayed: (usize, u32),
}

/// How often a job or a step must be lost until the studio gives it up: `MOST_ATTEMPTS` of the
/// domain, and the first try with the five retries of `render.asl.json`.
const MOST_LOST: usize = 6;

/// How often the functions' SDK makes a call before it returns the refusal (`RetryConfig` in the
/// crate `runtime`).
const TRIES_OF_A_CALL: usize = 3;

impl Faults {
    /// The most jobs that these faults can make a healthy studio fail.
    ///
    /// A process works on one job at a time. So a kill of `completion` loses one attempt or one try
    /// of a step, and of one job; three refusals in a row do the same. A job fails only once it has
    /// lost [`MOST_LOST`] of them. No other fault of the storm counts against a job: what the
    /// broker does not take is tried again for longer than the storm lasts.
    #[must_use]
    pub fn most_failed(&self) -> usize {
        let at_points = self
            .kills
            .iter()
            .filter(|((name, _), _)| *name == COMPLETION);
        let kills: u32 = at_points.map(|(_, kills)| *kills).sum();
        let kills = kills as usize + self.completion_killed_at_random;
        (kills + self.completion_refused / TRIES_OF_A_CALL) / MOST_LOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm::points;

    #[test]
    fn a_storm_can_fail_one_job_with_six_kills_of_completion() {
        let mut faults = Faults::default();
        for (function, point) in points().filter(|(name, _)| *name != COMPLETION) {
            faults.kills.insert((function, point), 100);
        }
        faults.killed_at_random = 100;
        assert_eq!(faults.most_failed(), 0, "none of them was `completion`");
        faults.kills.insert((COMPLETION, Point::DuringUpload), 2);
        faults.completion_killed_at_random = 3;
        faults.completion_refused = 2;
        assert_eq!(faults.most_failed(), 0);
        faults.completion_refused = 3;
        assert_eq!(faults.most_failed(), 1);
    }
}
