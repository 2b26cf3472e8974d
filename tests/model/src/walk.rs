//! The walk: breadth first through every state that can be reached, so that the first broken
//! promise has the shortest way to it.

use std::{
    collections::{HashMap, HashSet, VecDeque, hash_map::DefaultHasher},
    fmt::Write as _,
    hash::{Hash, Hasher as _},
};

use crate::{
    Bounds, Fault, Promise, World,
    decisions::Decisions,
    effects::Machine,
    moves::each_move,
    promises::{IN_THE_END, breaks, kept_in_the_end},
};

/// What a walk that found nothing wrong went through.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// The states.
    pub states: usize,
    /// The steps between them.
    pub steps: usize,
    /// The steps of the longest of the shortest ways.
    pub depth: usize,
}

/// A broken promise.
#[derive(Debug)]
pub struct Broken {
    /// The promise.
    pub promise: Promise,
    /// The shortest way to it, a line for each step.
    pub trace: String,
}

/// The states that were reached, by number.
#[derive(Default)]
pub(crate) struct Graph {
    numbers: HashMap<u128, u32>,
    /// For each state the one before it, which of its moves leads here, and the distance.
    pub(crate) ways: Vec<(u32, u32, u32)>,
    /// Steps that happen by themselves.
    pub(crate) sure: Vec<(u32, u32)>,
    /// Which of the promises for the end each state keeps.
    pub(crate) kept: Vec<[bool; 2]>,
    pub(crate) steps: usize,
}

impl Graph {
    /// The number of a state, if it is new.
    pub(crate) fn add(&mut self, world: &impl Hash, way: (u32, u32, u32)) -> (u32, bool) {
        let new = u32::try_from(self.ways.len()).expect("the model is small");
        let number = *self.numbers.entry(fingerprint(world)).or_insert(new);
        if number == new {
            self.ways.push(way);
        }
        (number, number == new)
    }
}

/// Walks through every state within `bounds`, without the rules that `faults` leave out, and looks
/// whether `promises` are kept.
///
/// # Errors
/// The first promise that is [`Broken`], and how.
pub fn walk(bounds: Bounds, faults: &[Fault], promises: &[Promise]) -> Result<Found, Broken> {
    let mut decisions = Decisions::new(bounds);
    let mut graph = Graph::default();
    let first = World::new(bounds);
    graph.add(&first, (0, 0, 0));
    let mut frontier = VecDeque::from([(0, first)]);
    while let Some((number, world)) = frontier.pop_front() {
        graph.kept.push(kept_in_the_end(&decisions, &world));
        let depth = graph.ways[number as usize].2 + 1;
        let (mut nth, mut wrong) = (0, None);
        let mut reached = Vec::new();
        let mut machine = machine(&mut decisions, faults, bounds, &world);
        each_move(&mut machine, &world, &mut |what, next| {
            reached.push((what.is_sure(), next));
        });
        for (is_sure, next) in reached {
            graph.steps += 1;
            if wrong.is_none() {
                let mut all = promises.iter();
                let broken = all.find(|one| breaks(&decisions, &world, &next, **one));
                wrong = broken.map(|promise| (*promise, nth));
            }
            let (to, is_new) = graph.add(&next, (number, nth, depth));
            if is_sure && to != number {
                graph.sure.push((number, to));
            }
            if is_new {
                frontier.push_back((to, next));
            }
            nth += 1;
        }
        if let Some((promise, nth)) = wrong {
            let trace = trace(&graph, bounds, faults, number, Some(nth));
            return Err(Broken { promise, trace });
        }
    }
    let depth = graph.ways.last().map_or(0, |way| way.2 as usize);
    for (nth, promise) in IN_THE_END.into_iter().enumerate() {
        if promises.contains(&promise)
            && let Some(state) = hopeless(&graph, nth)
        {
            let trace = trace(&graph, bounds, faults, state, None);
            return Err(Broken { promise, trace });
        }
    }
    Ok(Found {
        states: graph.ways.len(),
        steps: graph.steps,
        depth,
    })
}

fn machine<'a>(
    decisions: &'a mut Decisions,
    faults: &'a [Fault],
    bounds: Bounds,
    world: &World,
) -> Machine<'a> {
    let spent = |all: u8, left: u8| all - left;
    Machine {
        decisions,
        faults,
        bounds,
        spent: spent(bounds.crashes, world.crashes)
            + spent(bounds.lost, world.lost)
            + spent(bounds.duplicates, world.duplicates)
            + spent(bounds.cancels, world.cancels),
    }
}

/// The nearest state from which, with nothing more going wrong, no state is reached that keeps the
/// promise in this place.
pub(crate) fn hopeless(graph: &Graph, nth: usize) -> Option<u32> {
    let mut before: Vec<Vec<u32>> = vec![Vec::new(); graph.ways.len()];
    for &(from, to) in &graph.sure {
        before[to as usize].push(from);
    }
    let goals = (0..).zip(&graph.kept).filter(|(_, kept)| kept[nth]);
    let mut queue: Vec<u32> = goals.map(|(state, _)| state).collect();
    let mut hopeful: HashSet<u32> = queue.iter().copied().collect();
    while let Some(state) = queue.pop() {
        for &from in &before[state as usize] {
            if hopeful.insert(from) {
                queue.push(from);
            }
        }
    }
    (0..)
        .zip(&graph.ways)
        .map(|(state, _)| state)
        .find(|state| !hopeful.contains(state))
}

/// The way to a state and, from there, the move in this place: walked once more, to tell it.
fn trace(graph: &Graph, bounds: Bounds, faults: &[Fault], to: u32, last: Option<u32>) -> String {
    let mut moves: Vec<u32> = last.into_iter().collect();
    let mut state = to;
    while state != 0 {
        let (before, nth, _) = graph.ways[state as usize];
        moves.push(nth);
        state = before;
    }
    let mut decisions = Decisions::new(bounds);
    let mut world = World::new(bounds);
    let mut text = String::new();
    for nth in moves.into_iter().rev() {
        let mut reached = Vec::new();
        let mut machine = machine(&mut decisions, faults, bounds, &world);
        each_move(&mut machine, &world, &mut |what, next| {
            reached.push((what, next))
        });
        let (what, next) = reached.swap_remove(nth as usize);
        writeln!(text, "{what}").expect("a string takes it");
        world = next;
    }
    text
}

/// 128 bits of a hash: two states with the same would be taken for one, which is less likely than a
/// fault of the machine.
fn fingerprint(world: &impl Hash) -> u128 {
    let hash = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        world.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    hash(0) << 64 | hash(1)
}
