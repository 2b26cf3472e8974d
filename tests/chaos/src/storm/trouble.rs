//! The faults that the storm injects, and their order.

use std::{fmt, time::Duration};

use super::point::{Point, points};
use crate::chance::Chance;

/// A fault to inject.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// Kill a function at a named point.
    Kill(&'static str, Point),
    /// Kill any process of any function.
    KillAny,
    /// Kill all of them: the next invocations are cold starts.
    KillAll,
    /// Cut the functions' line to the broker.
    Cut(Duration),
    /// Cut it until a batch has been delivered this often.
    CutUntilDelivered(u32),
    /// Delay each piece of data on the line, for a while.
    Slow(Duration, Duration),
    /// Kill the broker as a power cut would, and restart it after this time.
    KillBroker(Duration),
    /// Have a second mapping read a topic from the position of its own one, as in a rebalance:
    /// batches are delivered twice at once.
    DeliverTwice(Duration),
    /// Have a second mapping read a topic from its start.
    Replay(Duration),
    /// Send some messages of the queue a second time.
    DoubleMessages,
    /// Take some messages out of the queue, and delete them.
    LoseMessages,
    /// The same, once Kafka has not taken the ends of their jobs.
    LoseEnds,
    /// Cut so many of the next calls to the queue.
    CutQueue(u32),
    /// Sweep twice at once, so that each free slot is given out twice.
    WakeTwice,
    /// Cut so many of the next looks of `completion` at lines.
    CutWakes(u32),
    /// Send a message that only a later version can read.
    NewerMessage,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(function, point) => write!(f, "{function} is killed {point}"),
            Self::KillAny => write!(f, "a function is killed"),
            Self::KillAll => write!(f, "all functions are killed"),
            Self::Cut(duration) => write!(
                f,
                "the line to the broker is cut for {:.0} s",
                duration.as_secs_f32()
            ),
            Self::CutUntilDelivered(times) => {
                write!(
                    f,
                    "the line to the broker is cut until a batch was delivered {times} times"
                )
            }
            Self::Slow(delay, duration) => {
                write!(
                    f,
                    "the line to the broker takes {} ms more for {:.0} s",
                    delay.as_millis(),
                    duration.as_secs_f32()
                )
            }
            Self::KillBroker(away) => write!(
                f,
                "the broker is killed, and away for {:.0} s",
                away.as_secs_f32()
            ),
            Self::DeliverTwice(duration) => write!(
                f,
                "a topic is delivered twice for {:.0} s",
                duration.as_secs_f32()
            ),
            Self::Replay(duration) => write!(
                f,
                "a topic is read from its start for {:.0} s",
                duration.as_secs_f32()
            ),
            Self::DoubleMessages => write!(f, "messages are sent twice"),
            Self::LoseMessages => write!(f, "messages are lost"),
            Self::LoseEnds => write!(f, "messages are lost whose ends Kafka does not take"),
            Self::CutQueue(calls) => write!(f, "the next {calls} calls to the queue are cut"),
            Self::WakeTwice => write!(f, "two sweeps give out the same slots"),
            Self::CutWakes(calls) => write!(f, "the next {calls} looks at lines are cut"),
            Self::NewerMessage => write!(f, "a message of a later version is sent"),
        }
    }
}

/// The faults of one round in random order: every named point once, and the others between. The
/// broker is killed in every second round.
pub fn deal(round: usize, chance: &mut Chance) -> Vec<Trouble> {
    let mut deck: Vec<Trouble> = points()
        .map(|(function, point)| Trouble::Kill(function, point))
        .collect();
    let seconds = |chance: &mut Chance, from: usize, end: usize| {
        Duration::from_millis(chance.between(from * 1000, end * 1000) as u64)
    };
    deck.extend([
        Trouble::KillAny,
        Trouble::KillAny,
        Trouble::KillAny,
        Trouble::KillAll,
        Trouble::Cut(seconds(chance, 1, 18)),
        Trouble::Slow(
            Duration::from_millis(chance.between(20, 300) as u64),
            seconds(chance, 2, 6),
        ),
        Trouble::DeliverTwice(seconds(chance, 5, 15)),
        Trouble::Replay(seconds(chance, 5, 15)),
        Trouble::DoubleMessages,
        Trouble::DoubleMessages,
        Trouble::LoseMessages,
        Trouble::LoseMessages,
        Trouble::CutQueue(chance.between(10, 60) as u32),
        Trouble::WakeTwice,
        Trouble::WakeTwice,
        // A look asks four partitions, each of them three times.
        Trouble::CutWakes(chance.between(12, 36) as u32),
        Trouble::CutWakes(chance.between(12, 36) as u32),
    ]);
    // Each takes five receives until it is a dead letter, or most of a minute.
    if round < 3 {
        deck.extend([Trouble::NewerMessage, Trouble::LoseEnds]);
    }
    if round.is_multiple_of(2) {
        deck.push(Trouble::KillBroker(seconds(chance, 1, 5)));
    }
    chance.shuffle(&mut deck);
    deck
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_round_has_every_point_and_every_kind_of_fault() {
        for seed in 0..20 {
            let deck = deal(0, &mut Chance::of(seed));
            for (function, point) in points() {
                let is_it = |trouble: &&Trouble| matches!(trouble, Trouble::Kill(at, of) if (*at, *of) == (function, point));
                assert_eq!(deck.iter().filter(is_it).count(), 1, "{function} {point}");
            }
            let others = deck
                .iter()
                .filter(|trouble| !matches!(trouble, Trouble::Kill(..)));
            let kinds: Vec<_> = others.map(std::mem::discriminant).collect();
            let time = Duration::ZERO;
            for kind in [
                Trouble::KillAny,
                Trouble::KillAll,
                Trouble::Cut(time),
                Trouble::Slow(time, time),
                Trouble::KillBroker(time),
                Trouble::DeliverTwice(time),
                Trouble::Replay(time),
                Trouble::DoubleMessages,
                Trouble::LoseMessages,
                Trouble::LoseEnds,
                Trouble::CutQueue(0),
                Trouble::WakeTwice,
                Trouble::CutWakes(0),
                Trouble::NewerMessage,
            ] {
                assert!(kinds.contains(&std::mem::discriminant(&kind)), "{kind}");
            }
        }
    }
}
