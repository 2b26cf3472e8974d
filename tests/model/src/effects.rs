//! What each effect does to the world, and which effects follow from it.

use contract::SOURCE;
use domain::{Job, State, Work as _};

use crate::{
    Bounds, Fault,
    decisions::{Change, Choice, Decisions, End, Number},
    place::Place,
    queue::Message,
    world::{
        Announced, Carrier, Delivery, Effect, Entry, Erasure, Execution, Invocation, Step, Task,
        Walk, World,
    },
};

/// What runs the effects: the decisions, the rules that are left out, and the clock.
pub(crate) struct Machine<'a> {
    pub(crate) decisions: &'a mut Decisions,
    pub(crate) faults: &'a [Fault],
    pub(crate) bounds: Bounds,
    pub(crate) spent: u8,
}

/// How an effect ended.
pub(crate) enum After {
    /// These effects come next.
    Then(Vec<Effect>),
    /// The same, and the execution goes on here afterwards.
    Going(Step, Vec<Effect>),
    /// The same, and the caller has its answer already; only a fault has this.
    Answered(Vec<Effect>),
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
            Effect::ReadJobsOf(place, entry) => self.found(world, place, entry),
            Effect::Publish(event) => {
                world.kafka |= 1 << event;
                world.is_late |=
                    world.erasure == Erasure::Answered && self.decisions.has_facts(event);
                nothing()
            }
            Effect::MarkOpening(job) => mark(&mut world.openings[job]),
            Effect::MarkEnd(job) => mark(&mut world.ends[job]),
            Effect::LeaveToSweep(job) => {
                leave_to_sweep(&mut world.ends[job]);
                nothing()
            }
            Effect::Send(message) => {
                world.queue.send(message);
                nothing()
            }
            Effect::ReadInputs(message, fate) => self.read_inputs(world, message, fate),
            Effect::CommitDrawn {
                message,
                fate,
                read,
                entity,
            } => self.commit_drawn(world, (message, fate), read, entity),
            Effect::ReadInputsAgain(message, fate) => self.read_inputs_again(world, message, fate),
            Effect::Acknowledge => nothing(),
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
            Effect::DecideEnd(job, end, announced) => self.decide_end(world, job, end, announced),
            Effect::CommitEnd {
                job,
                end,
                announced,
                read,
                entity,
            } => match world.tombstone && self.checks() {
                true => After::Then(vec![Effect::CommitErasedEnd(job, read, announced)]),
                false => self.write_end(world, job, (end, announced), read, entity),
            },
            Effect::CommitErasedEnd(job, read, announced) => {
                let entity = world.entity;
                self.write_end(world, job, (End::Erase, announced), read, entity)
            }
            Effect::PublishOpening(job) => self.publish_opening(world, job, Vec::new(), Vec::new()),
            Effect::PublishOpeningAndResume(job) => {
                let silent = vec![Effect::DecideEnd(job, End::Cancel, Announced::Unknown)];
                self.publish_opening(world, job, vec![Effect::Resume(job)], silent)
            }
            Effect::PublishEnd(job) => {
                After::Then(self.published_end(world, job, Announced::Unknown))
            }
            Effect::CancelAtVendor(job) => self.cancel_at_vendor(world, job),
            Effect::ReadToCancel(job) => After::Then(match self.is_open(world, job) {
                true => vec![
                    Effect::PublishOpening(job),
                    Effect::DecideEnd(job, End::Cancel, Announced::Unknown),
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
                true => vec![Effect::DecideEnd(job, End::Cancel, Announced::Unknown)],
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
            Effect::BlankOpening(place) => {
                if let Some(entry) = &mut world.openings[place] {
                    blank(entry);
                }
                nothing()
            }
            Effect::BlankEnd(job) => {
                let end = world.ends[job].as_mut();
                if let Some(end) = end.filter(|end| end.carrier != Carrier::Withheld) {
                    blank(end);
                    // No sweep finds it any more.
                    end.published = true;
                }
                nothing()
            }
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

    /// Whether the tombstone is looked at.
    pub(crate) fn checks(&self) -> bool {
        !self.has(Fault::NoTombstoneCheck)
    }

    pub(crate) fn is_open(&self, world: &World, job: Place) -> bool {
        world.jobs[job].is_some_and(|job| !self.decisions.job(job).is_closed())
    }

    /// The place of the entry of an inbound event.
    pub(crate) fn entry_of(&self, inbound: Place) -> Place {
        if self.bounds.reused { 0 } else { inbound }
    }

    /// The place of the entry that opened a job.
    fn opening_of(&self, job: Place) -> Place {
        if self.bounds.two_jobs { 0 } else { job }
    }

    /// The jobs that the entry in a place opened, if it opened any.
    fn opened_by(&self, entry: Place) -> impl Iterator<Item = Place> + use<> {
        let all = self.bounds.two_jobs;
        (0..2).filter(move |&job| all || job == entry)
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
                false => vec![Effect::ReadJobsOf(place, entry.clone())],
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
            starts: !decided.jobs.is_empty(),
            carrier: Carrier::Mark,
            listed: decided.jobs.is_empty(),
        };
        let next = self.handled(place, &entry);
        world.openings[place] = Some(entry);
        world.entity = decided.entity.or(world.entity);
        for (place, job) in self.opened_by(place).zip(decided.jobs) {
            world.jobs[place] = Some(job);
        }
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

    /// Goes on with an entry that was committed before, opened jobs and is not marked: it counts as
    /// published if all of them are closed.
    fn found(&self, world: &World, place: Place, entry: Entry) -> After {
        let jobs = self.opened_by(place).count();
        let open = self
            .opened_by(place)
            .filter(|&job| self.is_open(world, job));
        let open = open.count();
        let is_taken_for_published = self.has(Fault::OpenJobTakenForPublished)
            || self.has(Fault::OneClosedJobTakenForPublished) && open < jobs;
        if is_taken_for_published && open > 0 {
            return After::Then(self.send_of(place).into_iter().collect());
        }
        let entry = Entry {
            published: open == 0,
            ..entry
        };
        After::Then(self.handled(place, &entry))
    }

    /// The sending of what the entry in a place opened.
    fn send_of(&self, place: Place) -> Option<Effect> {
        Message::of_all(self.opened_by(place)).map(Effect::Send)
    }

    /// What follows from a committed opening entry. It is marked if it opened no job. One that is
    /// published is not sent either: its jobs are closed, or a sweep sends them.
    fn handled(&self, place: Place, entry: &Entry) -> Vec<Effect> {
        if entry.published {
            return Vec::new();
        }
        let send = self.send_of(place).filter(|_| entry.starts);
        let events = entry.events.iter().copied().map(Effect::Publish);
        let mark = Effect::MarkOpening(place);
        if self.has(Fault::MarkBeforePublish) {
            return std::iter::once(mark).chain(events).chain(send).collect();
        }
        let mark = (!entry.starts).then_some(mark);
        if self.has(Fault::SendBeforePublish) {
            return send.into_iter().chain(events).chain(mark).collect();
        }
        events.chain(send).chain(mark).collect()
    }

    /// Whether the job itself or its opening entry says that its `created` was published.
    pub(crate) fn says_published(&self, world: &World, place: Place) -> bool {
        let job = world.jobs[place].map(|job| self.decisions.job(job));
        let opening = world.openings[self.opening_of(place)].as_ref();
        job.is_some_and(Job::has_begun) || opening.is_none_or(|opening| opening.published)
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

    /// Makes sure that an open job has an execution that is running; or, if it never had one, that
    /// a message for it is sent.
    fn resume(&mut self, world: &mut World, job: Place) -> After {
        let Some(read) = world.jobs[job].filter(|_| self.is_open(world, job)) else {
            return nothing();
        };
        match world.executions[job] {
            Execution::Missing if !self.decisions.job(read).has_begun() => {
                let send = !self.has(Fault::SweepSendsNothing);
                let send = send.then_some(Effect::Send(Message::of(job)));
                After::Then(send.into_iter().collect())
            }
            Execution::Missing => {
                world.executions[job] = Execution::At(Step::Submit);
                nothing()
            }
            Execution::At(_) => nothing(),
            Execution::Ended if self.decisions.job(read).restarts() >= MOST_RESTARTS => {
                After::Then(vec![Effect::DecideEnd(job, End::Fail, Announced::Yes)])
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
            return self.decide_end(world, place, end, Announced::Yes);
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
            Choice::GiveUp => vec![Effect::DecideEnd(place, End::Fail, Announced::Yes)],
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
            // Its files are those of this invocation, too: each draws the same.
            State::Completed { .. } if !self.bounds.long => nothing(),
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

    fn decide_end(&mut self, world: &World, place: Place, end: End, announced: Announced) -> After {
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
                announced,
                read,
                entity: world.entity,
            }]);
        }
        match (&world.ends[place], self.is_open(world, place)) {
            (Some(_), _) => After::Then(self.published_end(world, place, announced)),
            (None, false) => nothing(),
            (None, true) => After::Error,
        }
    }

    fn write_end(
        &mut self,
        world: &mut World,
        place: Place,
        (end, announced): (End, Announced),
        read: Number,
        entity: Option<Number>,
    ) -> After {
        if let Some(entry) = &world.ends[place] {
            return After::Then(self.found_end(place, entry, announced));
        }
        let decided = self.decisions.end(end, read, entity, self.spent);
        let Some(decided) = decided.filter(|decided| {
            world.jobs[place] == Some(read) && (decided.entity.is_none() || world.entity == entity)
        }) else {
            let end = if end == End::Erase { End::Cancel } else { end };
            return After::Then(vec![Effect::DecideEnd(place, end, announced)]);
        };
        // The end of an erased tenant's job is published only if its `created` was.
        let is_known = announced == Announced::Yes
            || self.says_published(world, place)
            || self.has(Fault::WithheldEndTold);
        let is_withheld = end == End::Erase && !is_known;
        let entry = Entry {
            content: place,
            published: false,
            events: decided.events,
            starts: false,
            carrier: match is_withheld {
                true => Carrier::Withheld,
                false => Carrier::Mark,
            },
            listed: !is_withheld,
        };
        let effects = self.found_end(place, &entry, announced);
        world.ends[place] = Some(entry);
        world.entity = decided.entity.or(world.entity);
        world.jobs[place] = decided.jobs.first().copied();
        After::Then(effects)
    }

    /// Publishes the opening entry of an open job, if that may not have been done, and goes on with
    /// `then`; or with `silent` if the tenant is erased, so that it may not be published any more.
    fn publish_opening(
        &self,
        world: &World,
        place: Place,
        then: Vec<Effect>,
        silent: Vec<Effect>,
    ) -> After {
        let opening = self.opening_of(place);
        let Some(entry) = world.openings[opening]
            .as_ref()
            .filter(|_| !self.says_published(world, place))
        else {
            return After::Then(then);
        };
        if world.tombstone && self.checks() {
            let is_sent = self.has(Fault::SilentJobSent);
            return After::Then(if is_sent { then } else { silent });
        }
        let events = entry.events.iter().copied().map(Effect::Publish);
        let marks = [Effect::MarkOpening(opening)];
        After::Then(events.chain(marks).chain(then).collect())
    }

    /// The publishing of an end that was committed before. What says something personal of an erased
    /// tenant is not published.
    pub(crate) fn published_end(
        &self,
        world: &World,
        place: Place,
        announced: Announced,
    ) -> Vec<Effect> {
        let Some(entry) = &world.ends[place] else {
            return Vec::new();
        };
        let mut events = entry.events.iter();
        let has_facts = events.any(|&event| self.decisions.has_facts(event));
        let checks = self.checks() && !self.has(Fault::FoundEndNotChecked);
        if world.tombstone && has_facts && checks {
            return Vec::new();
        }
        self.found_end(place, entry, announced)
    }

    /// What follows from a committed end. One that is withheld is published by an invocation that
    /// knows that its job was announced.
    fn found_end(&self, place: Place, entry: &Entry, announced: Announced) -> Vec<Effect> {
        let is_told = match (entry.carrier, announced) {
            (Carrier::Mark | Carrier::Message, _) => true,
            (Carrier::Withheld, Announced::Yes) => !self.has(Fault::WithheldEndForgotten),
            (Carrier::Withheld, Announced::Unknown) => false,
        };
        if entry.published || !is_told {
            return Vec::new();
        }
        let events = entry.events.iter().copied().map(Effect::Publish);
        let mark = (entry.carrier != Carrier::Message).then_some(Effect::MarkEnd(place));
        events.chain(mark).collect()
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
                    effects.extend([Effect::EraseJob(place), Effect::BlankJob(place)]);
                    if !self.has(Fault::EntriesByIndexAlone) {
                        let opening = self.opening_of(place);
                        effects.extend([Effect::BlankOpening(opening), Effect::BlankEnd(place)]);
                    }
                    effects.extend([Effect::DeleteFile(place), Effect::DropVendorFile(place)]);
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
        let end = Effect::DecideEnd(place, End::Fail, Announced::Yes);
        After::Then(vec![save, end])
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
            // A message that is acknowledged is gone.
            Task::Render(_)
            | Task::GiveUp(_)
            | Task::Step(_)
            | Task::Cancel(_)
            | Task::Sweep(_)
            | Task::Erase => {}
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

/// An end that is published by its message is published by the sweep, too, unless it is blanked. What
/// the sweep publishes is listed and marked.
fn leave_to_sweep(end: &mut Option<Entry>) {
    if let Some(end) = end
        && end.carrier == Carrier::Message
        && !end.events.is_empty()
    {
        end.carrier = Carrier::Mark;
        end.listed = true;
    }
}

/// What is left of an entry says neither that it was published nor that it was not.
fn blank(entry: &mut Entry) {
    entry.events.clear();
    entry.starts = false;
    entry.listed = false;
}
