//! A vendor's line in small: two jobs of two tenants and one slot. What releases the slot gives it to
//! the next in the line, in calls of their own: each may be lost, the invocation may die between any
//! two of them, and two invocations may give the slot away at once. Whose turn it is says the crate
//! `domain`.

use std::collections::VecDeque;

use crate::{
    Found,
    walk::{Graph, hopeless},
};

mod call;
mod effects;
mod moves;
mod world;

use moves::each_move;
use world::World;

/// How much may go wrong.
#[derive(Debug, Clone, Copy)]
pub struct TurnBounds {
    /// How often an invocation dies.
    pub crashes: u8,
    /// How often a call that gives the slot away fails, so that the rest of them is left out.
    pub lost: u8,
    /// How often the queue delivers a message again without need.
    pub duplicates: u8,
    /// How often an operator cancels a job.
    pub cancels: u8,
    /// The most invocations at the same time.
    pub at_once: usize,
}

impl TurnBounds {
    /// Nothing goes wrong.
    pub const CALM: Self = Self {
        crashes: 0,
        lost: 0,
        duplicates: 0,
        cancels: 0,
        at_once: 2,
    };
}

/// A rule that is left out, to see that the walk misses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnFault {
    /// A sweep gives out no free slot.
    NoWakeUpSweep,
    /// The lease of a holder that died never runs out.
    LeaseForEver,
}

/// What must come about in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnPromise {
    /// Every job ends.
    JobsEnd,
    /// No slot is held, and nothing stands in the line.
    SlotsFreed,
}

/// The promises, in the order of [`World::kept`].
const ALL: [TurnPromise; 2] = [TurnPromise::JobsEnd, TurnPromise::SlotsFreed];

/// A state from which a promise is kept no more.
#[derive(Debug)]
pub struct Stuck {
    /// The promise.
    pub promise: TurnPromise,
    /// The shortest way to that state, a line for each step.
    pub trace: String,
}

/// Walks through every state within `bounds`, without the rule that `fault` leaves out.
///
/// # Errors
/// The nearest state from which, with nothing more going wrong, a promise is never kept.
pub fn walk_turns(bounds: TurnBounds, fault: Option<TurnFault>) -> Result<Found, Stuck> {
    let mut graph = Graph::default();
    let first = World::new(bounds);
    graph.add(&first, (0, 0, 0));
    // What led to each state.
    let mut told = vec![String::new()];
    let mut frontier = VecDeque::from([(0, first)]);
    while let Some((number, world)) = frontier.pop_front() {
        graph.kept.push(world.kept());
        let depth = graph.ways[number as usize].2 + 1;
        each_move(&world, fault, &mut |what, next: World| {
            graph.steps += 1;
            let (to, is_new) = graph.add(&next, (number, 0, depth));
            if what.is_sure && to != number {
                graph.sure.push((number, to));
            }
            if is_new {
                told.push(what.told);
                frontier.push_back((to, next));
            }
        });
    }
    for (nth, promise) in ALL.into_iter().enumerate() {
        if let Some(state) = hopeless(&graph, nth) {
            let trace = trace(&graph, &told, state);
            return Err(Stuck { promise, trace });
        }
    }
    Ok(Found {
        states: graph.ways.len(),
        steps: graph.steps,
        depth: graph.ways.last().map_or(0, |way| way.2 as usize),
    })
}

/// The way to a state.
fn trace(graph: &Graph, told: &[String], mut state: u32) -> String {
    let mut lines = Vec::new();
    while state != 0 {
        lines.push(told[state as usize].as_str());
        state = graph.ways[state as usize].0;
    }
    lines.reverse();
    lines.join("\n")
}
