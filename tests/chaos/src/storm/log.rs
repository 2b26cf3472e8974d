//! What the storm did, in counts: the audit demands that it did all of it.

use std::{collections::BTreeMap, sync::Arc};

use fault_proxy::{Call, Hits};

use super::point::{COMPLETION, Point, RENDER, deployed};
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
    /// How many messages were sent a second time.
    pub doubled: usize,
    /// How many were sent once more at the end.
    pub late: usize,
    /// How many were lost.
    pub lost: usize,
    /// How many of them named a job whose end was left to the sweep.
    pub lost_with_ends: usize,
    /// The bodies of those that only a later version can read.
    pub newer: Vec<String>,
    /// The calls to the queue that were cut.
    pub queue_cuts: Vec<Hits>,
    /// How often two sweeps gave out slots at once.
    pub woken_twice: usize,
    /// The looks at lines that were cut.
    pub wake_cuts: Vec<Hits>,
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
        let (render, completion) = (deployed(RENDER), deployed(COMPLETION));
        let of_completion = |call: &&Call| call.function.as_deref() == Some(&*completion);
        let is_refused = |call: &&Call| call.is_hit && call.status.is_some();
        let at_random = |function: &str| {
            let killed = self.killed_at_random.iter();
            killed.filter(|name| &***name == function).count()
        };
        Faults {
            kills: self
                .kills
                .iter()
                .map(|(at, hits)| (*at, sum(hits)))
                .collect(),
            killed_at_random: self.killed_at_random.len(),
            render_killed_at_random: at_random(&render),
            completion_killed_at_random: at_random(&completion),
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
            doubled: self.doubled,
            late: self.late,
            lost: self.lost,
            lost_with_ends: self.lost_with_ends,
            newer: self.newer.clone(),
            queue_cut: sum(&self.queue_cuts),
            woken_twice: self.woken_twice,
            wakes_cut: sum(&self.wake_cuts),
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
    /// Those of them that ran `render`.
    pub render_killed_at_random: usize,
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
    /// How many messages were sent a second time.
    pub doubled: usize,
    /// How many were sent once more at the end.
    pub late: usize,
    /// How many were lost.
    pub lost: usize,
    /// How many of them named a job whose end was left to the sweep.
    pub lost_with_ends: usize,
    /// The bodies of those that only a later version can read.
    pub newer: Vec<String>,
    /// How many calls to the queue were cut.
    pub queue_cut: u32,
    /// How often two sweeps gave out slots at once.
    pub woken_twice: usize,
    /// How many looks at lines were cut.
    pub wakes_cut: u32,
}

/// How often `render` must die of a message until the message's jobs are given up: the five receives
/// of the queue, and the one of the dead-letter queue.
const MOST_RECEIVES: usize = 6;

/// How many messages `render` has at once.
const MESSAGES_OF_A_BATCH: usize = 10;

/// How often the functions' SDK makes a call before it returns the refusal (`RetryConfig` in the
/// crate `runtime`).
const TRIES_OF_A_CALL: usize = 3;

impl Faults {
    /// The most jobs that these faults can make a healthy studio fail.
    ///
    /// A picture's job fails only once [`MOST_RECEIVES`] kills of `render` had its message in hand,
    /// and a kill hits all messages of a batch. Whatever else goes wrong is put off, which uses up
    /// no receive. A long job fails if `completion` dies, or cannot write the answer, while a vendor
    /// makes it: what came of a paid request is not known then, and it is not paid for twice.
    #[must_use]
    pub fn most_failed(&self) -> usize {
        let kills = |function: &str| {
            let at_points = self.kills.iter().filter(|((name, _), _)| *name == function);
            at_points.map(|(_, kills)| *kills as usize).sum::<usize>()
        };
        let of_render = kills(RENDER) + self.render_killed_at_random;
        let of_completion = kills(COMPLETION) + self.completion_killed_at_random;
        of_render * MESSAGES_OF_A_BATCH / MOST_RECEIVES
            + of_completion
            + self.completion_refused / TRIES_OF_A_CALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm::points;

    #[test]
    fn a_storm_fails_a_picture_by_six_kills_of_render_and_a_video_by_one() {
        let mut faults = Faults::default();
        let drawn = [RENDER, COMPLETION];
        for (function, point) in points().filter(|(name, _)| !drawn.contains(name)) {
            faults.kills.insert((function, point), 100);
        }
        faults.killed_at_random = 100;
        assert_eq!(faults.most_failed(), 0, "none of them was one of the two");
        faults.completion_refused = 2;
        assert_eq!(faults.most_failed(), 0);
        faults.completion_refused = 3;
        assert_eq!(faults.most_failed(), 1);
        faults.completion_killed_at_random = 2;
        assert_eq!(faults.most_failed(), 3);
        // Six kills fail one batch.
        faults.kills.insert((RENDER, Point::DuringUpload), 4);
        faults.render_killed_at_random = 2;
        assert_eq!(faults.most_failed(), 3 + 10);
    }
}
