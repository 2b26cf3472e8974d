//! What each effect does to the world, and which effects follow from it.

use contract::SOURCE;
use domain::{Job, State, Work as _};

use crate::{
    Fault,
    decisions::{Change, Choice, Decisions, End, Number},
    world::{
        Delivery, Effect, Entry, Erasure, Execution, Invocation, Place, Step, Task, Walk, World,
    },
};

/// What runs the effects: the decisions, the rules that are left out, and the clock.
pub(crate) struct Machine<'a> {
    pub(crate) decisions: &'a mut Decisions,
    pub(crate) faults: &'a [Fault],
    pub(crate) reused: bool,
    pub(crate) spent: u8,
}

/// How an effect ended.
pub(crate) enum After {
    /// These effects come next.
    Then(Vec<Effect>),
    /// The same, and the execution goes on here afterwards.
    Going(Step, Vec<Effect>),
    /// The invocation ends with an error.
    Error,
}

/// The most restarts of an execution.
const MOST_RESTARTS: u32 = 2;

fn nothing() -> After {
    After::Then(Vec::new())
}

impl Machine<'_> {
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// Does `effect` for the invocation in `slot`, which is not in the world meanwhile.
    pub(crate) fn run(
        &mut self,
        world: &mut World,
        invocation: &Invocation,
        slot: usize,
        effect: Effect,
    ) -> After {
        match effect {
            Effect::ReadTombstone(inbound) => After::Then(match world.tombstone {
                true => Vec::new(),
                false => vec![Effect::Commit {
                    inbound,
                    entity: None,
                    checks: false,
                }],
            }),
            Effect::Commit {
                inbound,
                entity,
                checks,
            } => self.commit(world, inbound, entity, checks),
            Effect::ReadJobOf(place, entry) => self.found(world, place, entry),
            Effect::Publish(event) => {
                world.kafka |= 1 << event;
                world.is_late |=
                    world.erasure == Erasure::Answered && self.decisions.has_facts(event);
                nothing()
            }
            Effect::MarkOpening(job) => mark(&mut world.openings[job]),
            Effect::MarkEnd(job) => mark(&mut world.ends[job]),
            Effect::Start(job) => self.start(world, job),
            Effect::LetterTombstone => After::Then(match world.tombstone && self.checks() {
                true => Vec::new(),
                false => vec![Effect::LetterObject, Effect::LetterEntry],
            }),
            Effect::LetterObject => {
                world.letter.object = true;
                nothing()
            }
            Effect::LetterEntry => {
                world.letter.entry = true;
                nothing()
            }
            Effect::Read(job, step) => self.read(world, slot, job, step),
            Effect::Save {
                job,
                before,
                after,
                ticket,
            } => save(world, job, before, after, ticket),
            Effect::Post(job, asking) => self.post(world, job, asking),
            Effect::Fetch(job, read) => self.fetch(world, job, read),
            Effect::PutFile(job) => {
                world.bucket[job] = true;
                nothing()
            }
            Effect::DropVendorFile(job) => {
                world.vendor[job] = false;
                nothing()
            }
            Effect::Note(job, read) => self.note(world, job, read),
            Effect::DeleteIfUnwanted(job) => self.delete_if_unwanted(world, job),
            Effect::DeleteFile(job) => {
                world.bucket[job] = false;
                nothing()
            }
            Effect::DecideEnd(job, end) => self.decide_end(world, job, end),
            Effect::CommitEnd {
                job,
                end,
                read,
                entity,
            } => self.commit_end(world, job, end, read, entity),
            Effect::CommitErasedEnd(job, read) => self.commit_erased_end(world, job, read),
            Effect::PublishOpening(job) => self.publish_opening(world, job, Vec::new(), Vec::new()),
            Effect::PublishOpeningAndResume(job) => {
                let silent = vec![Effect::DecideEnd(job, End::Cancel)];
                self.publish_opening(world, job, vec![Effect::Resume(job)], silent)
            }
            Effect::PublishEnd(job) => self.publish_end(world, job),
            Effect::CancelAtVendor(job) => self.cancel_at_vendor(world, job),
            Effect::ReadToCancel(job) => After::Then(match self.is_open(world, job) {
                true => vec![
                    Effect::PublishOpening(job),
                    Effect::DecideEnd(job, End::Cancel),
                    Effect::CancelAtVendor(job),
                ],
                false => vec![Effect::CancelAtVendor(job)],
            }),
            Effect::ReadToSweep(job) => After::Then(match self.is_open(world, job) {
                true => vec![Effect::PublishOpeningAndResume(job)],
                false => vec![Effect::PublishEnd(job)],
            }),
            Effect::Resume(job) => self.resume(world, job),
            Effect::PutTombstone => self.put_tombstone(world, invocation),
            Effect::Walk(walk) => self.walk(world, walk),
            Effect::EraseJob(job) => After::Then(match self.is_open(world, job) {
                true => vec![Effect::DecideEnd(job, End::Cancel)],
                false => Vec::new(),
            }),
            Effect::BlankJob(job) => self.change_closed(world, job, Change::WithoutFacts),
            Effect::SaveErased(job) => self.change_closed(world, job, Change::Erased),
            Effect::EraseEntity => {
                let erased = world
                    .entity
                    .map(|entity| self.decisions.erased_entity(entity, self.spent));
                world.entity = erased;
                nothing()
            }
            Effect::BlankOpening(job) => blank(&mut world.openings[job]),
            Effect::BlankEnd(job) => blank(&mut world.ends[job]),
            Effect::EraseLetterObject => {
                world.letter.object = false;
                nothing()
            }
            Effect::EraseLetterEntry => {
                world.letter.entry = false;
                nothing()
            }
        }
    }

    fn checks(&self) -> bool {
        !self.has(Fault::NoTombstoneCheck)
    }

    pub(crate) fn is_open(&self, world: &World, job: Place) -> bool {
        world.jobs[job].is_some_and(|job| !self.decisions.job(job).is_closed())
    }

    /// The place of the entry of an inbound event.
    pub(crate) fn entry_of(&self, inbound: Place) -> Place {
        if self.reused { 0 } else { inbound }
    }

    fn commit(
        &mut self,
        world: &mut World,
        inbound: Place,
        entity: Option<Number>,
        checks: bool,
    ) -> After {
        if world.tombstone && checks && self.checks() {
            return nothing();
        }
        let place = self.entry_of(inbound);
        if let Some(entry) = &world.openings[place] {
            if entry.content != inbound && !self.has(Fault::ContentNotChecked) {
                return After::Then(vec![Effect::LetterTombstone]);
            }
            return After::Then(match entry.published || !entry.starts {
                true => self.handled(place, entry),
                false => vec![Effect::ReadJobOf(place, entry.clone())],
            });
        }
        if world.entity != entity {
            return After::Then(self.consumed(inbound, world.entity, checks));
        }
        let decided = self.decisions.plan(inbound, entity, self.spent);
        let entry = Entry {
            content: inbound,
            published: decided.events.is_empty(),
            events: decided.events,
            starts: decided.job.is_some(),
            listed: true,
        };
        let next = self.handled(place, &entry);
        world.openings[place] = Some(entry);
        world.entity = decided.entity.or(world.entity);
        world.jobs[place] = decided.job.or(world.jobs[place]);
        After::Then(next)
    }

    /// The effects that decide on an inbound event, of an entity that was read.
    pub(crate) fn consumed(
        &mut self,
        inbound: Place,
        entity: Option<Number>,
        checks: bool,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.has(Fault::PublishBeforeCommit) {
            let decided = self.decisions.plan(inbound, entity, self.spent);
            effects.extend(decided.events.into_iter().map(Effect::Publish));
        }
        effects.push(Effect::Commit {
            inbound,
            entity,
            checks,
        });
        effects
    }

    /// Goes on with an entry that was committed before, opened a job and is not marked: it counts as
    /// published if the job is closed.
    fn found(&self, world: &World, place: Place, entry: Entry) -> After {
        let is_closed = !self.is_open(world, place) || self.has(Fault::OpenJobTakenForPublished);
        let entry = Entry {
            published: is_closed,
            ..entry
        };
        After::Then(self.handled(place, &entry))
    }

    /// What follows from a committed opening entry. It is marked if it opened no job.
    fn handled(&self, place: Place, entry: &Entry) -> Vec<Effect> {
        let starts = entry.starts.then_some(Effect::Start(place));
        if entry.published {
            return starts.into_iter().collect();
        }
        let events = entry.events.iter().copied().map(Effect::Publish);
        let mark = Effect::MarkOpening(place);
        if self.has(Fault::MarkBeforePublish) {
            return std::iter::once(mark).chain(events).chain(starts).collect();
        }
        let mark = (!entry.starts).then_some(mark);
        if self.has(Fault::StartBeforePublish) {
            return starts.into_iter().chain(events).chain(mark).collect();
        }
        events.chain(starts).chain(mark).collect()
    }

    /// Whether the job itself or its opening entry says that its `created` was published.
    pub(crate) fn says_published(&self, world: &World, place: Place) -> bool {
        let job = world.jobs[place].map(|job| self.decisions.job(job));
        let opening = world.openings[place].as_ref();
        job.is_some_and(Job::has_begun) || opening.is_none_or(|opening| opening.published)
    }

    /// Whether the `created` of an open job was published: if nothing else says so, its execution
    /// does.
    fn is_announced(&self, world: &World, place: Place) -> bool {
        self.says_published(world, place) || world.executions[place] != Execution::Missing
    }

    /// Starts the execution of a job. One of that name that has ended is restarted, if the job is
    /// open.
    fn start(&mut self, world: &mut World, job: Place) -> After {
        match world.executions[job] {
            Execution::Missing => {
                world.executions[job] = Execution::At(Step::Submit);
                nothing()
            }
            Execution::At(_) => nothing(),
            Execution::Ended => self.resume(world, job),
        }
    }

    /// Makes sure that an open job has an execution that is running.
    fn resume(&mut self, world: &mut World, job: Place) -> After {
        let Some(read) = world.jobs[job].filter(|_| self.is_open(world, job)) else {
            return nothing();
        };
        match world.executions[job] {
            Execution::Missing => {
                world.executions[job] = Execution::At(Step::Submit);
                nothing()
            }
            Execution::At(_) => nothing(),
            Execution::Ended if self.decisions.job(read).restarts() >= MOST_RESTARTS => {
                After::Then(vec![Effect::DecideEnd(job, End::Fail)])
            }
            Execution::Ended => {
                let after = self.decisions.change(read, Change::Restarted, self.spent);
                world.jobs[job] = Some(after);
                world.executions[job] = Execution::Missing;
                After::Then(vec![Effect::Start(job)])
            }
        }
    }

    fn read(&mut self, world: &mut World, slot: usize, place: Place, step: Step) -> After {
        let Some(number) = world.jobs[place] else {
            return After::Error;
        };
        let ends = match step {
            Step::Finish => Some(End::Finish),
            Step::Fail => Some(End::Fail),
            Step::Submit | Step::Poll => None,
        };
        if let Some(end) = ends {
            return self.decide_end(world, place, end);
        }
        let job = self.decisions.job(number);
        let is_stored = matches!(
            &job.state,
            State::Submitted {
                output: Some(_),
                ..
            }
        );
        if is_stored || job.is_closed() {
            return After::Going(Step::Finish, Vec::new());
        }
        if job.ticket().is_some() {
            return After::Then(vec![Effect::Fetch(place, number)]);
        }
        if step == Step::Poll {
            return After::Going(Step::Submit, Vec::new());
        }
        if job.unanswered().is_some() {
            let after = self.decisions.change(number, Change::Unknown, self.spent);
            let mut effects = vec![save_of(place, number, after)];
            effects.extend(self.ask(slot, place, after));
            return After::Then(effects);
        }
        After::Then(self.ask(slot, place, number))
    }

    fn ask(&mut self, slot: usize, place: Place, job: Number) -> Vec<Effect> {
        match self.decisions.choose(job, self.spent) {
            Choice::GiveUp => vec![Effect::DecideEnd(place, End::Fail)],
            Choice::Ask => {
                let slot = if self.has(Fault::AttemptWithoutToken) {
                    0
                } else {
                    slot
                };
                let asking = self.decisions.change(job, Change::Asking(slot), self.spent);
                let save = save_of(place, job, asking);
                let post = Effect::Post(place, asking);
                match self.has(Fault::AttemptAfterPost) {
                    false => vec![save, post],
                    true => {
                        let accepted = self.decisions.change(asking, Change::Accepted, self.spent);
                        vec![post, save_of(place, job, accepted)]
                    }
                }
            }
        }
    }

    /// The vendor takes the request, and makes the file at once.
    fn post(&mut self, world: &mut World, place: Place, asking: Number) -> After {
        world.posts[place] += 1;
        world.vendor[place] = true;
        if self.has(Fault::AttemptAfterPost) {
            return After::Going(Step::Poll, Vec::new());
        }
        let after = self.decisions.change(asking, Change::Accepted, self.spent);
        let save = Effect::Save {
            job: place,
            before: asking,
            after,
            ticket: true,
        };
        After::Going(Step::Poll, vec![save])
    }

    fn fetch(&mut self, world: &World, place: Place, read: Number) -> After {
        if !world.vendor[place] {
            let after = self.decisions.change(read, Change::Unknown, self.spent);
            return After::Going(Step::Submit, vec![save_of(place, read, after)]);
        }
        let (put, drop) = (Effect::PutFile(place), Effect::DropVendorFile(place));
        let note = Effect::Note(place, read);
        let effects = match self.has(Fault::VendorFileDeletedBeforeNote) {
            true => vec![put, drop, note],
            false => vec![put, note, drop],
        };
        After::Going(Step::Finish, effects)
    }

    fn note(&mut self, world: &mut World, place: Place, read: Number) -> After {
        let after = self.decisions.change(read, Change::Made, self.spent);
        if world.jobs[place] == Some(read) || world.jobs[place] == Some(after) {
            world.jobs[place] = Some(after);
            return nothing();
        }
        After::Then(vec![Effect::DeleteIfUnwanted(place)])
    }

    fn delete_if_unwanted(&mut self, world: &World, place: Place) -> After {
        let Some(job) = world.jobs[place] else {
            return After::Error;
        };
        match self.decisions.job(job).state {
            State::Created | State::Submitted { .. } | State::Completed { .. } => After::Error,
            State::Failed { .. } | State::Cancelled { .. } | State::Erased { .. } => {
                After::Then(vec![
                    Effect::DeleteFile(place),
                    Effect::DropVendorFile(place),
                ])
            }
        }
    }

    fn cancel_at_vendor(&self, world: &World, place: Place) -> After {
        let job = world.jobs[place].map(|job| self.decisions.job(job));
        let has_ticket = job.is_some_and(|job| {
            matches!(job.state, State::Cancelled { .. })
                && job
                    .attempts
                    .last()
                    .is_some_and(|last| last.ticket.is_some())
        });
        let drop = has_ticket.then_some(Effect::DropVendorFile(place));
        After::Then(drop.into_iter().collect())
    }

    fn decide_end(&mut self, world: &World, place: Place, end: End) -> After {
        let Some(read) = world.jobs[place] else {
            return After::Error;
        };
        if self
            .decisions
            .end(end, read, world.entity, self.spent)
            .is_some()
        {
            return After::Then(vec![Effect::CommitEnd {
                job: place,
                end,
                read,
                entity: world.entity,
            }]);
        }
        match (&world.ends[place], self.is_open(world, place)) {
            (Some(_), _) if !self.has(Fault::FoundEndNotChecked) => self.publish_end(world, place),
            (Some(entry), _) => After::Then(end_effects(place, entry)),
            (None, false) => nothing(),
            (None, true) => After::Error,
        }
    }

    fn commit_end(
        &mut self,
        world: &mut World,
        place: Place,
        end: End,
        read: Number,
        entity: Option<Number>,
    ) -> After {
        if world.tombstone && self.checks() {
            return After::Then(vec![Effect::CommitErasedEnd(place, read)]);
        }
        self.write_end(world, place, end, read, entity)
    }

    fn commit_erased_end(&mut self, world: &mut World, place: Place, read: Number) -> After {
        let entity = world.entity;
        self.write_end(world, place, End::Erase, read, entity)
    }

    fn write_end(
        &mut self,
        world: &mut World,
        place: Place,
        end: End,
        read: Number,
        entity: Option<Number>,
    ) -> After {
        if let Some(entry) = &world.ends[place] {
            return After::Then(end_effects(place, entry));
        }
        let decided = self.decisions.end(end, read, entity, self.spent);
        let Some(decided) = decided.filter(|decided| {
            world.jobs[place] == Some(read) && (decided.entity.is_none() || world.entity == entity)
        }) else {
            let end = if end == End::Erase { End::Cancel } else { end };
            return After::Then(vec![Effect::DecideEnd(place, end)]);
        };
        // The end of an erased tenant's job is published only if its `created` was.
        let is_silent = end == End::Erase && !self.is_announced(world, place);
        let events = if is_silent {
            Vec::new()
        } else {
            decided.events
        };
        let entry = Entry {
            content: place,
            published: events.is_empty(),
            events,
            starts: false,
            listed: true,
        };
        let effects = end_effects(place, &entry);
        world.ends[place] = Some(entry);
        world.entity = decided.entity.or(world.entity);
        world.jobs[place] = decided.job;
        After::Then(effects)
    }

    /// Publishes the opening entry of an open job, if that may not have been done, and goes on with
    /// `then`; or with `silent` if the tenant is erased, and the job was never announced.
    fn publish_opening(
        &self,
        world: &World,
        place: Place,
        then: Vec<Effect>,
        silent: Vec<Effect>,
    ) -> After {
        let Some(entry) = world.openings[place]
            .as_ref()
            .filter(|_| !self.says_published(world, place))
        else {
            return After::Then(then);
        };
        if world.tombstone && self.checks() {
            let starts = self.is_announced(world, place) || self.has(Fault::SilentJobStarted);
            return After::Then(if starts { then } else { silent });
        }
        let events = entry.events.iter().copied().map(Effect::Publish);
        let marks = [Effect::MarkOpening(place)];
        After::Then(events.chain(marks).chain(then).collect())
    }

    /// Publishes an end that was committed before. What says something personal of an erased tenant
    /// is not published.
    fn publish_end(&self, world: &World, place: Place) -> After {
        let Some(entry) = &world.ends[place] else {
            return nothing();
        };
        let mut events = entry.events.iter();
        let has_facts = events.any(|&event| self.decisions.has_facts(event));
        if world.tombstone && has_facts && self.checks() {
            return nothing();
        }
        After::Then(end_effects(place, entry))
    }

    fn put_tombstone(&self, world: &mut World, own: &Invocation) -> After {
        world.tombstone = true;
        let others = || world.running.iter().flatten();
        let is_new = own.is_older_than_tombstone;
        let settled = !is_new && !others().any(|one| one.is_older_than_tombstone);
        let jobs_settled = [0, 1].map(|job| {
            let at_once = self.has(Fault::ClosedJobErasedAtOnce)
                && world.jobs[job].is_some_and(|job| {
                    let state = &self.decisions.job(job).state;
                    matches!(state, State::Completed { .. } | State::Failed { .. })
                });
            let is_ended = !own.saw_open[job] && !others().any(|one| one.saw_open[job]);
            at_once || settled && is_ended
        });
        After::Then(vec![Effect::Walk(Walk {
            at: 0,
            found: false,
            settled,
            jobs_settled,
        })])
    }

    /// Looks for one kind of what the tenant has, erases that, and goes on.
    fn walk(&self, world: &mut World, walk: Walk) -> After {
        let mut effects = Vec::new();
        match walk.at {
            place @ (0 | 1) => {
                let place = usize::from(place);
                let job = world.jobs[place].map(|job| self.decisions.job(job));
                if job.is_some_and(|job| !job.is_erased()) {
                    effects.extend([
                        Effect::EraseJob(place),
                        Effect::BlankJob(place),
                        Effect::DeleteFile(place),
                        Effect::DropVendorFile(place),
                    ]);
                    let is_settled = walk.jobs_settled[place];
                    effects.extend(is_settled.then_some(Effect::SaveErased(place)));
                }
            }
            2 => {
                let entity = world.entity.map(|entity| self.decisions.entity(entity));
                if entity.is_some_and(|entity| !entity.snapshots.is_empty()) {
                    effects.push(Effect::EraseEntity);
                }
            }
            3 => {
                let listed = |entry: &Option<Entry>| entry.as_ref().is_some_and(|one| one.listed);
                for place in [0, 1] {
                    if listed(&world.openings[place]) {
                        effects.push(Effect::BlankOpening(place));
                    }
                    if listed(&world.ends[place]) {
                        effects.push(Effect::BlankEnd(place));
                    }
                }
            }
            4 => {
                if world.letter.entry {
                    effects.extend([Effect::EraseLetterObject, Effect::EraseLetterEntry]);
                }
            }
            5 => {
                if world.letter.object && !self.has(Fault::ObjectsByEntriesAlone) {
                    effects.push(Effect::EraseLetterObject);
                }
            }
            _ => {
                let is_done = self.has(Fault::OnePassErase) || walk.settled && !walk.found;
                if is_done {
                    world.erasure = Erasure::Answered;
                }
                return nothing();
            }
        }
        let found = walk.found || !effects.is_empty();
        effects.push(Effect::Walk(Walk {
            at: walk.at + 1,
            found,
            ..walk
        }));
        After::Then(effects)
    }

    fn change_closed(&mut self, world: &mut World, place: Place, change: Change) -> After {
        let Some(job) = world.jobs[place].filter(|_| !self.is_open(world, place)) else {
            return After::Error;
        };
        let is_blank = self.decisions.job(job).user_id == SOURCE;
        if change != Change::WithoutFacts || !is_blank {
            world.jobs[place] = Some(self.decisions.change(job, change, self.spent));
        }
        nothing()
    }

    /// The vendor refuses a request.
    pub(crate) fn refused(&mut self, world: &mut World, place: Place, asking: Number) -> After {
        world.posts[place] += 1;
        world.refusals[place] += 1;
        let after = self.decisions.change(asking, Change::Refused, self.spent);
        let save = save_of(place, asking, after);
        After::Then(vec![save, Effect::DecideEnd(place, End::Fail)])
    }

    /// The vendor takes a request, and its answer is lost.
    pub(crate) fn unanswered(&mut self, world: &mut World, place: Place, asking: Number) -> After {
        world.posts[place] += 1;
        world.vendor[place] = true;
        let after = self.decisions.change(asking, Change::Unknown, self.spent);
        After::Going(Step::Submit, vec![save_of(place, asking, after)])
    }

    /// Ends an invocation that has done all of its effects.
    pub(crate) fn done(&self, world: &mut World, invocation: &Invocation) {
        match invocation.task {
            Task::Consume(inbound) => world.inbound[inbound] = Delivery::Done,
            Task::Step(job) if invocation.is_heard => {
                world.executions[job] = invocation.reply.map_or(Execution::Ended, Execution::At);
            }
            Task::Step(_) | Task::Cancel(_) | Task::Sweep(_) | Task::Erase => {}
        }
    }
}

fn save(world: &mut World, job: Place, before: Number, after: Number, ticket: bool) -> After {
    // A write that finds what it writes is its own, whose answer was lost.
    if world.jobs[job] == Some(before) || world.jobs[job] == Some(after) {
        world.jobs[job] = Some(after);
        return nothing();
    }
    match ticket {
        true => After::Then(vec![Effect::DropVendorFile(job)]),
        false => After::Error,
    }
}

fn save_of(job: Place, before: Number, after: Number) -> Effect {
    Effect::Save {
        job,
        before,
        after,
        ticket: false,
    }
}

fn mark(entry: &mut Option<Entry>) -> After {
    if let Some(entry) = entry {
        entry.published = true;
    }
    nothing()
}

fn blank(entry: &mut Option<Entry>) -> After {
    if let Some(entry) = entry {
        entry.events.clear();
        entry.starts = false;
        entry.published = true;
        entry.listed = false;
    }
    nothing()
}

/// What follows from a committed end.
fn end_effects(place: Place, entry: &Entry) -> Vec<Effect> {
    if entry.published {
        return Vec::new();
    }
    let events = entry.events.iter().copied().map(Effect::Publish);
    events.chain([Effect::MarkEnd(place)]).collect()
}
