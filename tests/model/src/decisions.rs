//! The decisions of the crate `domain`, each asked once. What they return is kept here, and the
//! world holds only its numbers: so a state is small, and comparing two is cheap.

use std::collections::{BTreeMap, HashMap};

use contract::{
    AssetKind, Configuration, Entity, EntityKind, EventTime, FailureClass, Identifier, SOURCE,
    Shows, Text, Time, Topic,
};
use domain::{
    AssetPaths, ContentHash, Decision, Description, Drawn, EntityState, Failure, InboundEvent, Job,
    Next, OutboundEvent, Outcome, Output, Planning, ProviderId, ProviderRouting, Refusal, Work,
    cancel, derive, end_drawn, fail, finish, next, plan,
};

use crate::Bounds;

/// The number of an entity's state, of a job's state or of an event.
pub(crate) type Number = u16;

/// What a decision comes to, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Decided {
    pub(crate) entity: Option<Number>,
    pub(crate) jobs: Vec<Number>,
    pub(crate) events: Vec<Number>,
}

/// What the ends of drawn jobs come to, in numbers; the jobs are in their places.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct DecidedDrawn {
    pub(crate) entity: Option<Number>,
    pub(crate) jobs: [Option<(Number, Vec<Number>)>; 2],
}

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum End {
    Finish,
    Fail,
    Cancel,
    /// Its tenant was erased: cancelled, without anything personal.
    Erase,
}

/// What becomes of jobs that are drawn at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    /// They are drawn, and their pictures stored.
    Drawn,
    /// They are given up.
    GivenUp,
}

/// How an open job changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    /// A provider is about to be asked, by the invocation in this place.
    Asking(usize),
    Accepted,
    Unknown,
    Refused,
    Made,
    Restarted,
    WithoutFacts,
    Erased,
}

/// What `domain::next` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    Ask,
    GiveUp,
}

/// A published event.
struct Event {
    outbound: OutboundEvent,
    id: String,
    job: String,
    has_facts: bool,
}

/// All that was ever decided.
pub(crate) struct Decisions {
    routing: ProviderRouting,
    bounds: Bounds,
    entities: Vec<EntityState>,
    jobs: Vec<Job>,
    events: Vec<Event>,
    plans: HashMap<(usize, Option<Number>, u8), Decided>,
    ends: HashMap<(End, Number, Option<Number>, u8), Option<Decided>>,
    drawn: HashMap<DrawnKey, DecidedDrawn>,
    changes: HashMap<(Number, Change, u8), Number>,
}

/// The jobs that were drawn or given up, their entity, and when.
type DrawnKey = ([Option<Number>; 2], Option<Number>, Fate, u8);

const USER: &str = "user-1";
const TITLES: [&str; 2] = ["Lanterns on the lake", "Lanterns on the river"];

/// The clock: it goes on whenever something goes wrong, so that what is decided again is decided
/// at another time.
fn time(spent: u8) -> Time {
    let noon = "2026-11-20T12:00:00Z".parse().expect("it is RFC 3339");
    Time::new(noon).plus_seconds(u32::from(spent))
}

impl Decisions {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            routing: ProviderRouting::parse("", "runway", "").expect("it makes video"),
            bounds,
            entities: Vec::new(),
            jobs: Vec::new(),
            events: Vec::new(),
            plans: HashMap::new(),
            ends: HashMap::new(),
            drawn: HashMap::new(),
            changes: HashMap::new(),
        }
    }

    pub(crate) fn job(&self, job: Number) -> &Job {
        &self.jobs[usize::from(job)]
    }

    pub(crate) fn entity(&self, entity: Number) -> &EntityState {
        &self.entities[usize::from(entity)]
    }

    /// Whether the event says something personal.
    pub(crate) fn has_facts(&self, event: Number) -> bool {
        self.events[usize::from(event)].has_facts
    }

    pub(crate) fn topic(&self, event: Number) -> Topic {
        self.events[usize::from(event)].outbound.topic
    }

    /// Whether two events have one id and two contents.
    pub(crate) fn differ_under_one_id(&self, one: Number, other: Number) -> bool {
        one != other && self.events[usize::from(one)].id == self.events[usize::from(other)].id
    }

    /// Whether one of the events of the published `mask` is the `created` of the job that `event`
    /// is about, if that is a job's end; `true` for any other event.
    pub(crate) fn comes_after_its_created(&self, event: Number, mask: u128) -> bool {
        let ends = [Topic::RenderJobCompleted, Topic::RenderJobFailed];
        if !ends.contains(&self.topic(event)) {
            return true;
        }
        let job = &self.events[usize::from(event)].job;
        self.events.iter().enumerate().any(|(number, other)| {
            mask & (1 << number) != 0
                && other.outbound.topic == Topic::RenderJobCreated
                && other.job == *job
        })
    }

    /// What `domain::plan` decides of the inbound event in this place.
    pub(crate) fn plan(&mut self, inbound: usize, entity: Option<Number>, spent: u8) -> Decided {
        let key = (inbound, entity, spent);
        if let Some(decided) = self.plans.get(&key) {
            return decided.clone();
        }
        let before = entity.map(|entity| self.entity(entity).clone());
        let planning = Planning {
            now: time(spent),
            deadline: time(spent).plus_seconds(900),
            routing: &self.routing,
        };
        let (event, description) = (self.inbound(inbound), self.description(inbound));
        let decision = plan(before.as_ref(), &event, &description, planning)
            .expect("the event is young and asks for what is made for its topic");
        let decided = self.decided(decision);
        self.plans.insert(key, decided.clone());
        decided
    }

    /// How `domain` ends a job; `None` if it does not.
    pub(crate) fn end(
        &mut self,
        end: End,
        job: Number,
        entity: Option<Number>,
        spent: u8,
    ) -> Option<Decided> {
        let key = (end, job, entity, spent);
        if let Some(decided) = self.ends.get(&key) {
            return decided.clone();
        }
        let (state, now) = (self.job(job).clone(), time(spent));
        let decision = match end {
            End::Finish => {
                let entity = entity.map(|entity| self.entity(entity).clone());
                let entity = entity.unwrap_or_else(|| {
                    EntityState::new(state.tenant.clone(), state.entity.clone())
                });
                let url = format!("https://assets.example/{}", paths().object_key(&state));
                finish(state, entity, &url, now)
            }
            End::Fail => fail(state, failure(now), None),
            End::Cancel => cancel(state, now),
            End::Erase => cancel(without_facts(state), now),
        };
        let decided = decision.map(|decision| self.decided(decision));
        self.ends.insert(key, decided.clone());
        decided
    }

    /// How `domain` ends the jobs in these places.
    pub(crate) fn end_drawn(
        &mut self,
        jobs: [Option<Number>; 2],
        entity: Option<Number>,
        fate: Fate,
        spent: u8,
    ) -> DecidedDrawn {
        let key = (jobs, entity, fate, spent);
        if let Some(decided) = self.drawn.get(&key) {
            return decided.clone();
        }
        let now = time(spent);
        let drawn = jobs.iter().flatten().map(|&job| {
            let job = self.job(job).clone();
            let drawn = match fate {
                Fate::Drawn => stored(&job, now),
                Fate::GivenUp => Drawn::GivenUp {
                    asked_at: None,
                    failure: failure(now),
                    sentence: None,
                },
            };
            (job, drawn)
        });
        let drawn: Vec<(Job, Drawn)> = drawn.collect();
        let entity = entity.map_or_else(
            || EntityState::new(drawn[0].0.tenant.clone(), drawn[0].0.entity.clone()),
            |entity| self.entity(entity).clone(),
        );
        let ends = end_drawn(drawn, entity, now);
        let mut decided = DecidedDrawn {
            entity: ends.entity.map(|entity| self.next_entity(entity)),
            ..DecidedDrawn::default()
        };
        let places = (0..2).filter(|place| jobs[*place].is_some());
        for (place, (job, events)) in places.zip(ends.jobs) {
            let events = events.into_iter().map(|event| self.event(event));
            let events = events.collect();
            decided.jobs[place] = Some((self.next_job(job), events));
        }
        self.drawn.insert(key, decided.clone());
        decided
    }

    /// The job after a change, as the table has it once it is written.
    pub(crate) fn change(&mut self, job: Number, change: Change, spent: u8) -> Number {
        let key = (job, change, spent);
        if let Some(&changed) = self.changes.get(&key) {
            return changed;
        }
        let changed = changed(self.job(job).clone(), change, time(spent));
        let number = self.next_job(changed);
        self.changes.insert(key, number);
        number
    }

    /// What `domain::next` says of an open job.
    pub(crate) fn choose(&self, job: Number, spent: u8) -> Choice {
        let job = self.job(job);
        match next(job, self.routing.of(job.asset), &[], time(spent)) {
            Next::Ask(_) => Choice::Ask,
            Next::GiveUp { .. } => Choice::GiveUp,
            Next::Wait { .. } => unreachable!("no refusal of the model's vendor is temporary"),
        }
    }

    /// The entity after its erasure, as the table has it.
    pub(crate) fn erased_entity(&mut self, entity: Number, spent: u8) -> Number {
        let erased = self.entity(entity).clone().erased(time(spent));
        self.next_entity(erased)
    }

    fn decided(&mut self, decision: Decision) -> Decided {
        let entity = decision.entity.map(|entity| self.next_entity(entity));
        let jobs = decision.jobs.into_iter().map(|job| self.next_job(job));
        let jobs = jobs.collect();
        let events = decision.events.into_iter().map(|event| self.event(event));
        let events = events.collect();
        Decided {
            entity,
            jobs,
            events,
        }
    }

    /// A job as the table has it once it is written.
    fn next_job(&mut self, job: Job) -> Number {
        let version = job.version + 1;
        intern(&mut self.jobs, job.with_version(version))
    }

    /// An entity as the table has it once it is written.
    fn next_entity(&mut self, entity: EntityState) -> Number {
        let version = entity.version + 1;
        intern(&mut self.entities, EntityState { version, ..entity })
    }

    fn event(&mut self, outbound: OutboundEvent) -> Number {
        let known = self.events.iter().position(|one| one.outbound == outbound);
        let number = known.unwrap_or_else(|| {
            self.events.push(Event {
                id: field(&outbound, "/id"),
                job: field(&outbound, "/data/jobId"),
                has_facts: outbound.value.contains(USER)
                    || TITLES.iter().any(|title| outbound.value.contains(title)),
                outbound,
            });
            self.events.len() - 1
        });
        assert!(number < 128, "Kafka is a set of 128 bits");
        small(number)
    }

    fn inbound(&self, place: usize) -> InboundEvent {
        let id = if self.bounds.reused { 0 } else { place };
        InboundEvent {
            topic: Topic::CampaignLaunched,
            source: "campaigns".to_owned(),
            id: format!("launched-{id}"),
            time: EventTime::new("2026-11-20T11:59:00Z".parse().expect("it is RFC 3339")),
            trace: None,
            content: ContentHash::of_text(TITLES[place]),
        }
    }

    fn description(&self, place: usize) -> Description {
        let text = |text| Identifier::parse(text).expect("it is short");
        let assets = match (self.bounds.long, self.bounds.two_jobs) {
            (true, _) => vec![AssetKind::Video],
            (false, false) => vec![AssetKind::BannerMobile],
            (false, true) => vec![AssetKind::BannerMobile, AssetKind::SocialSquare],
        };
        Description {
            tenant: text("tenant-1"),
            user: Some(text(USER)),
            entity: Entity {
                kind: EntityKind::Campaign,
                id: text("campaign-1"),
            },
            version: Some(place as u64 + 1),
            configuration: Configuration::titled(Text::parse(TITLES[place]).expect("it is short")),
            translations: BTreeMap::new(),
            assets,
        }
    }
}

fn changed(job: Job, change: Change, now: Time) -> Job {
    match change {
        Change::Asking(place) => {
            let attempts = job.attempts.len();
            let token = derive(&[&place.to_be_bytes(), &attempts.to_be_bytes()]);
            job.asking(ProviderId::Runway, token, now)
        }
        Change::Accepted => job.accepted("task".to_owned()),
        Change::Unknown => job.answered(Outcome::unknown("no answer", now), now),
        Change::Refused => {
            let outcome = Outcome::Refused {
                refusal: Refusal::Moderation,
                detail: "its rules forbid it".to_owned(),
                at: now,
                credits: 0,
            };
            job.answered(outcome, now)
        }
        Change::Made => {
            let output = Output {
                key: paths().object_key(&job),
                stored_at: now,
                credits: 5,
                length_ms: None,
                shows: Shows::default(),
            };
            job.answered(Outcome::Made { credits: 5 }, now)
                .stored("runway".to_owned(), output)
        }
        Change::Restarted => job.restarted(now.plus_seconds(900)),
        Change::WithoutFacts => without_facts(job),
        Change::Erased => job.erased(now),
    }
}

/// A drawing that is in the bucket.
fn stored(job: &Job, now: Time) -> Drawn {
    let key = paths().object_key(job);
    Drawn::Stored {
        asked_at: now,
        url: format!("https://assets.example/{key}"),
        key,
        at: now,
        shows: Shows::default(),
    }
}

fn failure(now: Time) -> Failure {
    Failure {
        class: FailureClass::Internal,
        detail: "it went wrong".to_owned(),
        at: now,
    }
}

fn without_facts(job: Job) -> Job {
    Job {
        user_id: SOURCE.to_owned(),
        configuration: Configuration::erased(),
        ..job
    }
}

fn field(event: &OutboundEvent, pointer: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(&event.value).expect("it is JSON");
    let found = json.pointer(pointer).and_then(|field| field.as_str());
    found.unwrap_or_default().to_owned()
}

fn intern<T: PartialEq>(all: &mut Vec<T>, one: T) -> Number {
    let known = all.iter().position(|other| *other == one);
    small(known.unwrap_or_else(|| {
        all.push(one);
        all.len() - 1
    }))
}

fn small(number: usize) -> Number {
    Number::try_from(number).expect("the model is small")
}

/// The paths of the model's assets.
fn paths() -> AssetPaths {
    AssetPaths::new(&[7; 32]).expect("it is long enough")
}
