//! What may happen next: an invocation begins, does its next effect, dies, or is not heard.

use std::fmt;

use crate::{
    Fault,
    decisions::Fate,
    effects::{After, Machine},
    place::Place,
    queue::Message,
    world::{Carrier, Delivery, Effect, Erasure, Execution, Invocation, Step, Task, World},
};

/// Something that may happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Move {
    Begin(Task),
    /// Kafka delivers a record again, or an operator redrives it.
    Again(Place),
    /// The queue delivers a message once more.
    MessageAgain(Message),
    LoseMessage(Message),
    Do(Task, String),
    /// A call fails, so that the message is put off.
    PutOff(Task),
    Refuse(Task),
    LoseVendorAnswer(Task),
    Crash(Task, Option<Step>),
    /// It dies, and its message was received often enough.
    Bury(Task),
    LoseAnswer(Task, Step),
    Abort(Place),
}

impl Move {
    /// Whether it happens by itself, sooner or later.
    pub(crate) fn is_sure(&self) -> bool {
        match self {
            Self::Begin(Task::Cancel(_)) => false,
            Self::Begin(_) | Self::Do(..) => true,
            Self::Again(_)
            | Self::MessageAgain(_)
            | Self::LoseMessage(_)
            | Self::PutOff(_)
            | Self::Refuse(_)
            | Self::LoseVendorAnswer(_)
            | Self::Crash(..)
            | Self::Bury(_)
            | Self::LoseAnswer(..)
            | Self::Abort(_) => false,
        }
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin(task) => write!(f, "the {task} begins"),
            Self::Again(_) => f.write_str("a record is delivered again: its consumer begins"),
            Self::MessageAgain(message) => {
                write!(f, "a message for {} comes once more", message.told())
            }
            Self::LoseMessage(message) => write!(f, "a message for {} is lost", message.told()),
            Self::Do(task, told) => write!(f, "the {task} {told}"),
            Self::PutOff(task) => write!(f, "the {task} fails, and is put off"),
            Self::Refuse(task) => write!(f, "the {task} sends the request, and is refused"),
            Self::LoseVendorAnswer(task) => {
                write!(f, "the {task} sends the request, and the answer is lost")
            }
            Self::Crash(task, None) => write!(f, "the {task} dies"),
            Self::Crash(task, Some(step)) => write!(f, "the {task} dies; next: {step}"),
            Self::Bury(task) => {
                write!(
                    f,
                    "the {task} dies; its message goes to the dead-letter queue"
                )
            }
            Self::LoseAnswer(task, step) => {
                write!(
                    f,
                    "the {task} is not heard any more, and goes on; next: {step}"
                )
            }
            Self::Abort(_) => f.write_str("an execution is aborted"),
        }
    }
}

/// Calls `take` with everything that may happen in `world`, and what the world is then.
pub(crate) fn each_move(
    machine: &mut Machine<'_>,
    world: &World,
    take: &mut impl FnMut(Move, World),
) {
    begin_each(machine, world, take);
    for slot in 0..world.running.len() {
        let Some(invocation) = &world.running[slot] else {
            continue;
        };
        do_next(machine, world, slot, take);
        if world.crashes > 0 {
            crash(world, slot, invocation, take);
        }
        if world.lost > 0 {
            lose(machine, world, slot, take);
        }
    }
    if world.lost > 0 {
        for job in [0, 1] {
            if let Execution::At(_) = world.executions[job] {
                let mut next = world.clone();
                next.lost -= 1;
                unhear(&mut next, job);
                end_execution(&mut next, job);
                take(Move::Abort(job), next);
            }
        }
    }
    disturb_messages(machine, world, take);
}

/// An execution ends before its time.
fn end_execution(world: &mut World, job: Place) {
    world.executions[job] = Execution::Ended;
    world.queue.forget(job);
}

/// A message comes once more, however late; or it is lost. If an invocation died, it is only lost
/// while one of its jobs is open: between the commit of an end and its publication nothing but the
/// message knows of the end, and who dies there tells the sweep nothing.
fn disturb_messages(machine: &Machine<'_>, world: &World, take: &mut impl FnMut(Move, World)) {
    for message in Message::ALL {
        let queue = &world.queue;
        if world.duplicates > 0 && queue.was_sent(message) && !queue.is_full_of(message) {
            let mut next = world.clone();
            next.duplicates -= 1;
            next.queue.come_back(message);
            take(Move::MessageAgain(message), next);
        }
        let is_open = |job| machine.is_open(world, job);
        let none_died = world.crashes == machine.bounds.crashes;
        let may_be_lost = none_died || message.jobs().any(is_open);
        if world.lost > 0 && queue.waits(message) && may_be_lost {
            let mut next = world.clone();
            next.lost -= 1;
            next.queue.take(message);
            for job in message.jobs() {
                next.queue.forget(job);
            }
            take(Move::LoseMessage(message), next);
        }
    }
}

/// Every invocation that may begin.
fn begin_each(machine: &mut Machine<'_>, world: &World, take: &mut impl FnMut(Move, World)) {
    let Some(slot) = world.running.iter().position(Option::is_none) else {
        return;
    };
    for inbound in 0..world.inbound.len() {
        let task = Task::Consume(inbound);
        let effects = match machine.has(Fault::TombstoneReadBeforeTransaction) {
            true => vec![Effect::ReadTombstone(inbound)],
            false => machine.consumed(inbound, None, true),
        };
        if world.inbound[inbound] == Delivery::Pending && !world.runs(task) {
            let begun = began(machine, world, slot, task, effects);
            take(Move::Begin(task), begun);
        } else if world.duplicates > 0 {
            let mut begun = began(machine, world, slot, task, effects);
            begun.duplicates -= 1;
            take(Move::Again(inbound), begun);
        }
    }
    for message in Message::ALL {
        if world.queue.waits(message) {
            let task = Task::Render(message);
            let effects = vec![Effect::ReadInputs(message, Fate::Drawn)];
            let mut begun = began(machine, world, slot, task, effects);
            begun.queue.take(message);
            take(Move::Begin(task), begun);
        }
        if world.queue.is_dead(message) {
            let task = Task::GiveUp(message);
            let effects = vec![Effect::ReadInputs(message, Fate::GivenUp)];
            let mut begun = began(machine, world, slot, task, effects);
            begun.queue.dig_up(message);
            take(Move::Begin(task), begun);
        }
    }
    for job in [0, 1] {
        for (task, effect) in work_on(machine, world, job) {
            let mut begun = began(machine, world, slot, task, vec![effect]);
            if let Task::Cancel(_) = task {
                begun.cancels -= 1;
            }
            take(Move::Begin(task), begun);
        }
    }
    let is_wanted = matches!(world.erasure, Erasure::Wanted | Erasure::Asked);
    if is_wanted && !world.runs(Task::Erase) {
        let effects = vec![Effect::PutTombstone];
        let mut begun = began(machine, world, slot, Task::Erase, effects);
        begun.erasure = Erasure::Asked;
        take(Move::Begin(Task::Erase), begun);
    }
}

/// The invocations that may begin for one job.
fn work_on(machine: &Machine<'_>, world: &World, job: Place) -> Vec<(Task, Effect)> {
    let mut tasks = Vec::new();
    let is_heard = |one: &Invocation| one.task == Task::Step(job) && one.is_heard;
    if let Execution::At(step) = world.executions[job]
        && !world.invocations().any(is_heard)
    {
        tasks.push((Task::Step(job), Effect::Read(job, step)));
    }
    let is_open = machine.is_open(world, job);
    if world.cancels > 0 && is_open {
        tasks.push((Task::Cancel(job), Effect::ReadToCancel(job)));
    }
    // A sweep changes nothing about another one.
    let is_overdue = match (is_open, world.executions[job]) {
        (true, Execution::Missing) => !world.carries(job),
        (true, Execution::At(_)) => !machine.says_published(world, job),
        (true, Execution::Ended) => true,
        (false, _) => {
            let end = world.ends[job].as_ref();
            end.is_some_and(|end| end.carrier == Carrier::Mark && !end.published)
        }
    };
    if is_overdue
        && !world
            .invocations()
            .any(|one| matches!(one.task, Task::Sweep(_)))
    {
        tasks.push((Task::Sweep(job), Effect::ReadToSweep(job)));
    }
    tasks
}

fn began(
    machine: &Machine<'_>,
    world: &World,
    slot: usize,
    task: Task,
    mut effects: Vec<Effect>,
) -> World {
    effects.reverse();
    let mut next = world.clone();
    next.running[slot] = Some(Invocation {
        task,
        effects,
        reply: None,
        is_heard: true,
        is_older_than_tombstone: !world.tombstone,
        saw_open: [0, 1].map(|job| machine.is_open(world, job)),
    });
    next
}

/// The invocation in `slot` does its next effect.
fn do_next(
    machine: &mut Machine<'_>,
    world: &World,
    slot: usize,
    take: &mut impl FnMut(Move, World),
) {
    let mut next = world.clone();
    let Some((invocation, effect)) = taken(&mut next, slot) else {
        return;
    };
    let told = match &effect {
        Effect::Publish(event) => format!("publishes {}", machine.decisions.topic(*event)),
        other => other.told(),
    };
    let what = Move::Do(invocation.task, told);
    let after = machine.run(&mut next, &invocation, slot, effect);
    go_on(machine, &mut next, slot, invocation, after);
    take(what, next);
}

/// The invocation in `slot`, out of the world, and its next effect.
fn taken(world: &mut World, slot: usize) -> Option<(Invocation, Effect)> {
    let mut invocation = world.running[slot].take()?;
    let effect = invocation.effects.pop()?;
    Some((invocation, effect))
}

fn go_on(
    machine: &Machine<'_>,
    world: &mut World,
    slot: usize,
    mut invocation: Invocation,
    after: After,
) {
    let effects = match after {
        After::Error => return,
        After::Then(effects) => effects,
        After::Going(step, effects) => {
            invocation.reply = Some(step);
            effects
        }
        After::Answered(effects) => {
            invocation.is_heard = false;
            effects
        }
    };
    invocation.effects.extend(effects.into_iter().rev());
    if invocation.effects.is_empty() {
        machine.done(world, &invocation);
    } else {
        world.running[slot] = Some(invocation);
    }
}

/// The invocation in `slot` dies. Its execution tries again, or gives up; its message comes back, or
/// goes to the dead-letter queue.
fn crash(world: &World, slot: usize, invocation: &Invocation, take: &mut impl FnMut(Move, World)) {
    let mut next = world.clone();
    next.running[slot] = None;
    next.crashes -= 1;
    let task = invocation.task;
    if let Task::Step(job) = task
        && invocation.is_heard
        && let Execution::At(step) = next.executions[job]
    {
        let mut gives_up = next.clone();
        match step {
            Step::Fail => end_execution(&mut gives_up, job),
            Step::Submit | Step::Poll | Step::Finish => {
                gives_up.executions[job] = Execution::At(Step::Fail);
            }
        }
        take(Move::Crash(task, Some(Step::Fail)), gives_up);
        take(Move::Crash(task, Some(step)), next);
        return;
    }
    if let Task::Render(message) = task
        && invocation.is_heard
    {
        let mut buried = next.clone();
        buried.queue.bury(message);
        take(Move::Bury(task), buried);
        next.queue.come_back(message);
    }
    if let Task::GiveUp(message) = task
        && invocation.is_heard
    {
        next.queue.bury(message);
    }
    take(Move::Crash(task, None), next);
}

/// The answer to the invocation in `slot`, or the answer of the vendor, is lost; or a call of it
/// fails, so that it puts its message off.
fn lose(machine: &mut Machine<'_>, world: &World, slot: usize, take: &mut impl FnMut(Move, World)) {
    let mut spent = world.clone();
    spent.lost -= 1;
    let Some((invocation, effect)) = taken(&mut spent, slot) else {
        return;
    };
    let task = invocation.task;
    if let Effect::Post(job, asking) = effect
        && !machine.has(Fault::AttemptAfterPost)
    {
        let mut next = spent.clone();
        let after = machine.refused(&mut next, job, asking);
        go_on(machine, &mut next, slot, invocation.clone(), after);
        take(Move::Refuse(task), next);
        let mut next = spent.clone();
        let after = machine.unanswered(&mut next, job, asking);
        go_on(machine, &mut next, slot, invocation.clone(), after);
        take(Move::LoseVendorAnswer(task), next);
    }
    if let Task::Render(message) = task
        && invocation.is_heard
    {
        let mut next = spent.clone();
        let mut put_off = invocation.clone();
        let mut undone = std::mem::take(&mut put_off.effects);
        undone.push(effect);
        let after = machine.put_off(&next, message, &undone);
        go_on(machine, &mut next, slot, put_off, after);
        take(Move::PutOff(task), next);
    }
    if let Task::Step(job) = task
        && invocation.is_heard
        && let Execution::At(step) = world.executions[job]
    {
        let mut next = world.clone();
        next.lost -= 1;
        unhear(&mut next, job);
        if step != Step::Fail {
            let mut gives_up = next.clone();
            gives_up.executions[job] = Execution::At(Step::Fail);
            take(Move::LoseAnswer(task, Step::Fail), gives_up);
        }
        take(Move::LoseAnswer(task, step), next);
    }
}

/// The execution of `job` waits for no invocation any more.
fn unhear(world: &mut World, job: Place) {
    for one in world.running.iter_mut().flatten() {
        if one.task == Task::Step(job) {
            one.is_heard = false;
        }
    }
}
