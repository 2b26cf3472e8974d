//! What `render` does with a message: the jobs that are drawn at once end in one transaction, and
//! what is long gets an execution.

use crate::{
    Fault,
    decisions::{End, Fate, Number},
    effects::{After, Machine},
    queue::Message,
    world::{Announced, Carrier, Effect, Entry, World},
};

impl Machine<'_> {
    /// Reads the jobs of a message, which are drawn or, if it killed its invocations, given up. The
    /// end of a closed one is published again: the message says that it was announced, and no other
    /// invocation may have published it.
    pub(crate) fn read_inputs(&self, world: &World, message: Message, fate: Fate) -> After {
        let is_drawn = |&job: &usize| self.is_open(world, job) && !self.bounds.long;
        let mut effects = Vec::new();
        if let Some(drawn) = Message::of_all(message.jobs().filter(is_drawn)) {
            let files = drawn.jobs().filter(|_| fate == Fate::Drawn);
            effects.extend(files.map(Effect::PutFile));
            effects.push(commit(world, drawn, fate));
        }
        for job in message.jobs() {
            match (self.is_open(world, job), self.bounds.long) {
                (false, _) => effects.extend(self.published_end(world, job, Announced::Yes)),
                (true, true) => effects.push(Effect::Start(job)),
                (true, false) => {}
            }
        }
        effects.push(Effect::Acknowledge);
        After::Then(effects)
    }

    /// Writes the ends of what was drawn. If the tenant is erased, each job gets its end alone. If
    /// something changed, it is decided again, without drawing again.
    pub(crate) fn commit_drawn(
        &mut self,
        world: &mut World,
        (message, fate): (Message, Fate),
        read: [Option<Number>; 2],
        entity: Option<Number>,
    ) -> After {
        if world.tombstone && self.checks() {
            let end = |job| Effect::DecideEnd(job, End::Cancel, Announced::Yes);
            return After::Then(message.jobs().map(end).collect());
        }
        let is_as_read =
            world.entity == entity && message.jobs().all(|job| world.jobs[job] == read[job]);
        if !is_as_read && !self.has(Fault::DrawnEndWithoutVersion) {
            return After::Then(vec![Effect::ReadInputsAgain(message, fate)]);
        }
        let decided = self.decisions.end_drawn(read, entity, fate, self.spent);
        let mut publish = Vec::new();
        for (job, ended) in decided.jobs.into_iter().enumerate() {
            let Some((ended, events)) = ended else {
                continue;
            };
            publish.extend(events.iter().copied().map(Effect::Publish));
            world.jobs[job] = Some(ended);
            world.ends[job] = Some(Entry {
                content: job,
                events,
                starts: false,
                published: false,
                carrier: Carrier::Message,
                listed: false,
            });
        }
        world.entity = decided.entity.or(world.entity);
        match self.has(Fault::AcknowledgeBeforePublish) {
            true => After::Answered(publish),
            false => After::Then(publish),
        }
    }

    /// Reads jobs that are drawn, because one of them or their entity has changed. The file of one
    /// that another invocation closed is deleted, unless that one drew it, too.
    pub(crate) fn read_inputs_again(&self, world: &World, message: Message, fate: Fate) -> After {
        let (open, closed): (Vec<_>, Vec<_>) =
            message.jobs().partition(|&job| self.is_open(world, job));
        let mut effects = Vec::new();
        effects.extend(Message::of_all(open.into_iter()).map(|open| commit(world, open, fate)));
        for job in closed {
            effects.push(Effect::DeleteIfUnwanted(job));
            effects.extend(self.published_end(world, job, Announced::Yes));
        }
        After::Then(effects)
    }

    /// Sends the message once more, to be handled later, and acknowledges this one. A closed job
    /// stays in it: its end may not be published. One of these that are `undone` is left to the sweep
    /// as well, because the message may be lost.
    pub(crate) fn put_off(&self, world: &World, message: Message, undone: &[Effect]) -> After {
        let is_undone = |&job: &usize| {
            let end = world.ends[job].as_ref();
            let mut events = end.into_iter().flat_map(|end| &end.events);
            events.any(|event| undone.contains(&Effect::Publish(*event)))
        };
        let leaves = message.jobs().filter(is_undone).map(Effect::LeaveToSweep);
        let leaves = leaves.filter(|_| !self.has(Fault::EndsNotLeftToSweep));
        let stays =
            |&job: &usize| self.is_open(world, job) || !self.has(Fault::ClosedJobsNotPutOff);
        let later = Message::of_all(message.jobs().filter(stays));
        let send = later.map(Effect::Send);
        After::Then(leaves.chain(send).chain([Effect::Acknowledge]).collect())
    }
}

/// The transaction that ends the jobs of `message`, as they are.
fn commit(world: &World, message: Message, fate: Fate) -> Effect {
    Effect::CommitDrawn {
        message,
        fate,
        read: [0, 1].map(|job| world.jobs[job].filter(|_| message.names(job))),
        entity: world.entity,
    }
}
