//! What may happen next: an invocation begins, makes its next call, or dies; a call fails; a lease
//! runs out.

use std::fmt;

use super::{
    TurnFault,
    call::Call,
    effects::After,
    world::{Invocation, Stage, Task, World},
};
use crate::place::Place;

/// Something that may happen.
pub(crate) struct Move {
    /// What it is, in plain words.
    pub(crate) told: String,
    /// Whether it happens by itself, sooner or later.
    pub(crate) is_sure: bool,
}

fn sure(told: String) -> Move {
    let is_sure = true;
    Move { told, is_sure }
}

fn unsure(told: String) -> Move {
    let is_sure = false;
    Move { told, is_sure }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nth = |job: &Place| ["first", "second"][*job];
        match self {
            Self::Render(job) => write!(f, "render of the {} job", nth(job)),
            Self::Step(job, _) => write!(f, "step of the {} job", nth(job)),
            Self::Cancel(job) => write!(f, "cancelling of the {} job", nth(job)),
            Self::Sweep => f.write_str("sweep"),
        }
    }
}

/// Calls `take` with everything that may happen in `world`, and what the world is then.
pub(crate) fn each_move(
    world: &World,
    fault: Option<TurnFault>,
    take: &mut impl FnMut(Move, World),
) {
    if let Some(slot) = world.running.iter().position(Option::is_none) {
        for (task, calls) in tasks(world, fault) {
            let mut next = world.clone();
            let told = format!("the {task} begins");
            let begins = match task {
                Task::Cancel(_) => unsure(told),
                Task::Render(_) | Task::Step(..) | Task::Sweep => sure(told),
            };
            match task {
                Task::Render(job) => next.messages[job] -= 1,
                Task::Cancel(_) => next.cancels -= 1,
                Task::Step(..) | Task::Sweep => {}
            }
            go_on(&mut next, slot, task, calls);
            take(begins, next);
        }
    }
    for slot in 0..world.running.len() {
        if let Some(invocation) = &world.running[slot] {
            run(world, slot, invocation, take);
        }
    }
    for job in [0, 1] {
        // The queue has at most two of one kind: a third would be handled like the second.
        if world.duplicates > 0 && world.messages[job] < 2 {
            let mut next = world.clone();
            next.duplicates -= 1;
            next.messages[job] += 1;
            take(unsure("a message comes once more".to_owned()), next);
        }
    }
    if fault != Some(TurnFault::LeaseForEver) && has_run_out(world) {
        let mut next = world.clone();
        next.slot = None;
        take(sure("the lease runs out".to_owned()), next);
    }
}

/// Whether the lease of the slot runs out: it lasts longer than any invocation, and only an execution
/// renews it.
fn has_run_out(world: &World) -> bool {
    let is_over = |job| world.is_closed(job) || !world.is_running(job);
    world.slot.is_some_and(is_over) && world.running.iter().all(Option::is_none)
}

/// The invocations that may begin, with their calls in order.
fn tasks(world: &World, fault: Option<TurnFault>) -> Vec<(Task, Vec<Call>)> {
    let mut tasks = Vec::new();
    let runs = |task: Task| {
        let mut running = world.running.iter().flatten();
        running.any(|one| one.task == task)
    };
    for job in [0, 1] {
        if world.messages[job] > 0 {
            tasks.push((Task::Render(job), vec![Call::ReadInputs(job)]));
        }
        for name in 0..8 {
            let step = Task::Step(job, name);
            if world.executions[job] & (1 << name) != 0 && !runs(step) {
                tasks.push((step, vec![Call::ReadForStep(job, name)]));
            }
        }
        if world.cancels > 0 && !world.is_closed(job) {
            let mut calls = vec![Call::Close(job)];
            if world.jobs[job].stage == Stage::Waits {
                calls.push(Call::LeaveLine(job, u8::MAX));
            }
            calls.extend([Call::Release(job), Call::ReadLeases]);
            tasks.push((Task::Cancel(job), calls));
        }
    }
    let gives_out = fault != Some(TurnFault::NoWakeUpSweep);
    // A sweep that finds nothing to do changes nothing.
    let is_line_idle = gives_out && world.slot.is_none() && world.line != [None; 2];
    let is_wanted = is_line_idle || [0, 1].iter().any(|job| world.is_forgotten(*job));
    if is_wanted && !runs(Task::Sweep) {
        let give_out = gives_out.then_some(Call::ReadLeases);
        let tend = [Call::Tend(0), Call::Tend(1)];
        let calls = give_out.into_iter().chain(tend).collect();
        tasks.push((Task::Sweep, calls));
    }
    tasks
}

/// Has the invocation in `slot` go on with `calls`, in their order; it is over if there are none.
fn go_on(world: &mut World, slot: usize, task: Task, mut calls: Vec<Call>) {
    calls.reverse();
    world.running[slot] = (!calls.is_empty()).then_some(Invocation { task, calls });
}

/// What the invocation in `slot` may come to: its next call is made, or fails, or it dies.
fn run(world: &World, slot: usize, invocation: &Invocation, take: &mut impl FnMut(Move, World)) {
    let task = invocation.task;
    let mut left: Vec<Call> = invocation.calls.iter().rev().copied().collect();
    let call = left.remove(0);

    let mut next = world.clone();
    match call.run(&mut next) {
        After::Then(calls) => go_on(&mut next, slot, task, [calls, left.clone()].concat()),
        After::Error => end(&mut next, slot, task),
    }
    take(sure(format!("the {task} {}", call.told())), next);

    if world.lost > 0 && call.gives_away() {
        let mut next = world.clone();
        next.lost -= 1;
        // What could not be started gives its slot back.
        let release = if let Call::StartWoken(job) = call {
            Some(Call::Release(job))
        } else {
            None
        };
        let rest = left.into_iter().skip_while(|call| call.gives_away());
        let calls = release.into_iter().chain(rest).collect();
        go_on(&mut next, slot, task, calls);
        take(
            unsure(format!("a call of the {task} fails, and wakes nothing")),
            next,
        );
    }
    if world.crashes > 0 {
        let mut next = world.clone();
        next.crashes -= 1;
        end(&mut next, slot, task);
        take(unsure(format!("the {task} dies")), next);
    }
}

/// The invocation in `slot` ends without an answer: its message comes back, and its execution tries
/// again.
fn end(world: &mut World, slot: usize, task: Task) {
    world.running[slot] = None;
    if let Task::Render(job) = task {
        world.messages[job] += 1;
    }
}
