//! Effects as a test scripts them: what each call comes to, and what came of all of them.
//!
//! A call is named after what it is for: `draw e square` is about the square picture of the
//! campaign `e`, `write e square+e portrait` about both; `read`, `send` and `dead-letter` are about
//! all that is read, sent or written. What the script does not mention succeeds.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    mem,
    sync::{Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use contract::{Shows, Time, Undrawn};
use dead_letters::{DeadLetter, DeadLetterError};
use domain::{
    ConcurrencyLimits, Decision, Drawn, Ends, EntityKey, EntityState, Job, JobId, OutboundEvent,
    ProviderId, ProviderRouting, Work as _, WorkId,
};
use drawing::{DeleteError, DrawError, FetchError, Picture, PutError, RenderError};
use executions::StartError;
use kafka::PublishError;
use outbox::{CommitError, PublishEntryError};
use queue::{Outgoing, SendError};
use store::{
    Committed, ErasureGuard, Expiry, Key, MetTrouble, OutboxEntry, Owner, Prepared, RenderInputs,
    StoreError, WrittenEnds,
};
use telemetry::{Measured, Traces};
use work::CloseError;

use crate::{
    decision::is_told_again,
    effects::{Effects, EndAgain, File},
    event::Record,
    example::ROUTING,
};

/// What comes of a call.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// It fails, and changes nothing.
    Fails,
    /// It does what it should, and the answer is lost.
    IsLost,
    /// It is refused: a picture that cannot be drawn, a logo that is forbidden, an item that is too
    /// large, an execution of a job that another writer changes.
    IsRefused,
    /// It is refused once, and succeeds then.
    IsRefusedOnce,
    /// It is refused: a picture whose title no font covers.
    LacksFont,
    /// It never comes back.
    Hangs,
    /// It succeeds, and the clock goes on by so much meanwhile.
    Takes(Duration),
    /// Just before it, and once, another writer does this.
    Follows(fn(&mut State)),
}

/// What the script's table, bucket, Kafka and queue hold.
#[derive(Default)]
pub(super) struct State {
    answers: BTreeMap<String, Answer>,
    /// The calls of this invocation, as they began.
    pub(super) calls: Vec<String>,
    pub(super) jobs: BTreeMap<JobId, Job>,
    pub(super) entities: BTreeMap<EntityKey, EntityState>,
    /// The ends of closed jobs.
    pub(super) ends: BTreeMap<JobId, OutboxEntry>,
    /// The jobs whose ends are left to the sweep.
    pub(super) swept: BTreeSet<JobId>,
    /// Whether the tenant was erased.
    pub(super) is_erased: bool,
    /// The pictures in the bucket.
    pub(super) files: BTreeSet<String>,
    /// What Kafka has, in order: the job, and the bytes of its end.
    pub(super) kafka: Vec<(String, Vec<OutboundEvent>)>,
    /// The message and its receives for which a job was last to be drawn by itself.
    pub(super) lone_tries: BTreeMap<JobId, (String, u32)>,
    /// The jobs whose executions were started.
    pub(super) started: Vec<String>,
    /// The leases on every vendor.
    pub(super) limits: ConcurrencyLimits,
    /// How many open jobs of the tenant came before each.
    pub(super) open_before: usize,
    pub(super) sent: Vec<Outgoing>,
    pub(super) dead_letters: Vec<DeadLetter>,
    /// The messages that were put off, each time.
    pub(super) put_off: Vec<usize>,
    /// What was noted of jobs for an operator.
    pub(super) noted: Vec<(String, MetTrouble)>,
    /// The jobs whose ends were measured.
    pub(super) measured: Vec<String>,
    /// What no picture shows.
    pub(super) undrawn: Vec<Undrawn>,
    /// The jobs of which something is not drawn, with the number of characters, each time that it
    /// was counted.
    pub(super) counted: Vec<(String, u32)>,
}

/// Effects that answer as a test says.
pub(super) struct Script {
    clock: Mutex<SystemTime>,
    traces: Traces,
    state: Mutex<State>,
}

impl Script {
    /// A script that begins at `now`.
    pub(super) fn new(now: SystemTime) -> Self {
        Self {
            clock: Mutex::new(now),
            traces: Traces::off(),
            state: Mutex::default(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Says what comes of `call`.
    pub(super) fn answers(&self, call: &str, answer: Answer) {
        self.state().answers.insert(call.to_owned(), answer);
    }

    /// From now on each call succeeds.
    pub(super) fn heals(&self) {
        self.state().answers.clear();
    }

    /// Makes `call`, which does `effect` where it succeeds. The error says whether it was refused.
    async fn call<T>(
        &self,
        call: String,
        effect: impl FnOnce(&mut State) -> T,
    ) -> Result<T, IsRefused> {
        let answer = self.state().answers.get(&call).copied();
        self.state().calls.push(call.clone());
        match answer {
            None | Some(Answer::IsLost) => {}
            Some(Answer::Fails) => return Err(false),
            Some(Answer::Hangs) => pending().await,
            Some(Answer::IsRefused | Answer::LacksFont) => return Err(true),
            Some(Answer::IsRefusedOnce) => {
                self.state().answers.remove(&call);
                return Err(true);
            }
            Some(Answer::Takes(time)) => *self.clock.lock().unwrap() += time,
            Some(Answer::Follows(other)) => {
                let mut state = self.state();
                state.answers.remove(&call);
                other(&mut state);
            }
        }
        let mut state = self.state();
        let done = effect(&mut state);
        match answer {
            Some(Answer::IsLost) => Err(false),
            _ => Ok(done),
        }
    }
}

/// Whether a call was refused; it failed otherwise.
type IsRefused = bool;

impl State {
    /// The name of a job, as `e square`.
    pub(super) fn name(&self, job: JobId) -> String {
        name(&self.jobs[&job])
    }

    /// The job of this name.
    pub(super) fn job(&self, called: &str) -> Job {
        let mut jobs = self.jobs.values();
        jobs.find(|job| name(job) == called).unwrap().clone()
    }

    /// Closes a job as another writer does.
    pub(super) fn closes(&mut self, decision: Decision) {
        let Decision { jobs, events, .. } = decision;
        let job = jobs.into_iter().next().unwrap();
        let end = entry(&job, events, self.jobs[&job.id].created_at);
        self.ends.insert(job.id, end);
        self.stores(job);
    }

    /// Has a job wait, as the store does: if it is as it was read.
    fn joins(&mut self, job: Job) -> Option<Job> {
        let id = job.id;
        if self.jobs[&id].version != job.version {
            return None;
        }
        self.stores(job);
        Some(self.jobs[&id].clone())
    }

    /// Writes a job as another writer does.
    pub(super) fn stores(&mut self, job: Job) {
        let version = job.version + 1;
        self.jobs.insert(job.id, Job { version, ..job });
    }

    /// Writes ends as the store does: if the jobs and the entity are as they were read.
    fn writes(&mut self, ends: Ends, now: Time) -> WrittenEnds {
        if self.is_erased {
            return WrittenEnds::Erased;
        }
        let is_same = |job: &Job| {
            let stands = &self.jobs[&job.id];
            stands.version == job.version && !stands.is_closed()
        };
        let is_current = ends.entity.as_ref().is_none_or(|entity| {
            let stands = self.entities.get(&entity.key());
            stands.map_or(0, |stands| stands.version) == entity.version
        });
        if !is_current || !ends.jobs.iter().all(|(job, _)| is_same(job)) {
            return WrittenEnds::Changed;
        }
        let entity = ends.entity.map(|entity| EntityState {
            version: entity.version + 1,
            ..entity
        });
        if let Some(entity) = &entity {
            self.entities.insert(entity.key(), entity.clone());
        }
        let mut entries = Vec::new();
        for (job, events) in ends.jobs {
            let end = entry(&job, events, now);
            self.ends.insert(job.id, end.clone());
            entries.push(end);
            self.stores(job);
        }
        WrittenEnds::Committed { entries, entity }
    }

    /// Publishes as the outbox does: what is known to be published is not published again.
    fn publishes(&mut self, job: String, end: &OutboxEntry) {
        if end.published {
            return;
        }
        for (_, events) in self.kafka.iter().filter(|(other, _)| *other == job) {
            assert_eq!(*events, end.events, "the same bytes each time");
        }
        self.kafka.push((job, end.events.clone()));
    }

    /// Leaves the end of a job to the sweep as the store does: if there is one that is not marked.
    fn leaves(&mut self, job: &Job, is_withheld: bool) {
        let Some(end) = self.ends.get_mut(&job.id) else {
            return;
        };
        if end.published || end.withheld != is_withheld {
            return;
        }
        self.swept.insert(job.id);
        if !is_withheld {
            end.owner = Some(Owner {
                tenant: job.tenant.clone(),
                since: job.created_at,
            });
        }
    }

    fn marks(&mut self, job: JobId) {
        self.swept.remove(&job);
        if let Some(end) = self.ends.get_mut(&job) {
            end.published = true;
        }
    }

    /// Publishes what was left to the sweep, and marks it, as the sweep does.
    pub(super) fn sweeps(&mut self) {
        for job in mem::take(&mut self.swept) {
            let end = self.ends[&job].clone();
            if !(self.is_erased && end.owner.is_some()) {
                self.publishes(self.name(job), &end);
                self.marks(job);
            }
        }
    }

    /// The job whose end this is.
    fn job_of(&self, end: &OutboxEntry) -> JobId {
        let mut ends = self.ends.iter();
        let (job, _) = ends.find(|(_, one)| one.events == end.events).unwrap();
        *job
    }
}

/// The name of a job, as `e square`.
fn name(job: &Job) -> String {
    let asset = job.asset.as_str();
    let short = asset.rsplit('-').next().unwrap();
    format!("{} {short}", job.entity.id.as_str())
}

fn names<'a>(jobs: impl Iterator<Item = &'a Job>) -> String {
    jobs.map(name).collect::<Vec<_>>().join("+")
}

/// The entry of the end of `job`.
fn entry(job: &Job, events: Vec<OutboundEvent>, now: Time) -> OutboxEntry {
    let expiry = Expiry {
        from: now,
        republish_from: None,
    };
    let decision = Decision {
        events,
        ..Decision::default()
    };
    let end = Prepared::new(Key::end(job.id), "end", decision, expiry, None);
    let Committed { entry, .. } = end.committed().clone();
    entry
}

impl Effects for Script {
    fn now(&self) -> SystemTime {
        *self.clock.lock().unwrap()
    }

    fn traces(&self) -> &Traces {
        &self.traces
    }

    fn emit(&self, measured: Measured<'_>) {
        let Measured::PutOff { messages } = measured else {
            panic!("{measured:?}")
        };
        self.state().put_off.push(messages);
    }

    fn routing(&self) -> &ProviderRouting {
        &ROUTING
    }

    async fn inputs(
        &self,
        jobs: BTreeSet<JobId>,
        entities: BTreeSet<EntityKey>,
    ) -> Result<RenderInputs, StoreError> {
        let read = |state: &mut State| RenderInputs {
            jobs: jobs
                .into_iter()
                .filter_map(|id| Some((id, Ok(state.jobs.get(&id)?.clone()))))
                .collect(),
            entities: entities
                .into_iter()
                .filter_map(|key| Some((key, Ok(state.entities.get(&key)?.clone()))))
                .collect(),
        };
        let read = self.call("read".to_owned(), read).await;
        read.map_err(|_| StoreError::Read("throttled".into()))
    }

    async fn ends_again(&self, closed: &[Job]) -> Result<Vec<EndAgain>, StoreError> {
        let call = format!("ends {}", names(closed.iter()));
        let read = |state: &mut State| {
            let again = closed.iter().map(|job| {
                let end = state.ends.get(&job.id).cloned();
                Ok(end.filter(|end| is_told_again(end, state.is_erased)))
            });
            again.collect()
        };
        let read = self.call(call, read).await;
        read.map_err(|_| StoreError::Read("throttled".into()))
    }

    async fn note_lone_try(&self, job: JobId, record: &Record) -> Result<bool, StoreError> {
        let call = format!("try {}", self.state().name(job));
        let note = (record.message_id.clone(), record.receives());
        let noted = |state: &mut State| {
            let before = state.lone_tries.insert(job, note.clone());
            before.is_some_and(|(message, receives)| message == note.0 && receives != note.1)
        };
        let noted = self.call(call, noted).await;
        noted.map_err(|_| StoreError::Write("throttled".into()))
    }

    async fn note_trouble(&self, job: JobId, trouble: &MetTrouble) -> Result<(), StoreError> {
        // It is no call that a test counts: nothing follows from it.
        let mut state = self.state();
        let name = state.name(job);
        state.noted.push((name, trouble.clone()));
        Ok(())
    }

    async fn start(&self, job: JobId, _now: Time) -> Result<(), StartError> {
        let name = self.state().name(job);
        let start = |state: &mut State| state.started.push(name.clone());
        let started = self.call(format!("start {name}"), start).await;
        started.map_err(|is_refused| match is_refused {
            true => StartError::Restart {
                id: WorkId::Job(job),
                source: StoreError::Contended,
            },
            false => StartError::Start {
                name: job.to_string(),
                source: "throttled".into(),
            },
        })
    }

    async fn limits(&self, vendor: ProviderId) -> Result<ConcurrencyLimits, StoreError> {
        let read = self.call(format!("limits {vendor}"), |state| state.limits.clone());
        read.await.map_err(|_| StoreError::Read("throttled".into()))
    }

    async fn has_before(&self, job: &Job, most: usize) -> Result<bool, StoreError> {
        let count = |state: &mut State| most > 0 && state.open_before >= most;
        let counted = self.call(format!("count {}", name(job)), count).await;
        counted.map_err(|_| StoreError::Read("throttled".into()))
    }

    async fn join_line(&self, job: Job) -> Result<Job, StoreError> {
        let call = format!("join {}", name(&job));
        let joined = self.call(call, |state| state.joins(job)).await;
        let joined = joined.map_err(|_| StoreError::Write("throttled".into()))?;
        joined.ok_or(StoreError::Contended)
    }

    async fn wake(&self, job: Job, now: Time) -> Result<(), StartError> {
        let (id, name) = (job.id, name(&job));
        let wake = |state: &mut State| {
            state.stores(job.woken(now));
            state.started.push(name.clone());
        };
        let woken = self.call(format!("wake {name}"), wake).await;
        woken.map_err(|_| StartError::Restart {
            id: WorkId::Job(id),
            source: StoreError::Contended,
        })
    }

    async fn logo(&self, job: &Job) -> Result<Option<Vec<u8>>, FetchError> {
        let fetched = self.call(format!("logo {}", name(job)), |_| Some(vec![1]));
        fetched.await.map_err(|is_refused| match is_refused {
            true => FetchError::Forbidden,
            false => FetchError::S3("slow down".into()),
        })
    }

    async fn draw(&self, job: &Job, logo: Option<&[u8]>) -> Result<Picture, DrawError> {
        assert_eq!(logo.is_some(), drawing::logo_of(job).is_some());
        let call = format!("draw {}", name(job));
        let lacks_font = matches!(self.state().answers.get(&call), Some(Answer::LacksFont));
        let draw = |state: &mut State| Picture {
            png: vec![2],
            shows: Shows {
                undrawn: state.undrawn.clone(),
                ..Shows::default()
            },
        };
        let drawn = self.call(call, draw).await;
        drawn.map_err(|_| match lacks_font {
            true => DrawError::from(RenderError::Title {
                script: "Tibetan".to_owned(),
                lost: 11,
                of: 12,
            }),
            false => DrawError::from(RenderError::NotAPicture(job.asset)),
        })
    }

    async fn put(&self, job: &Job, _png: Vec<u8>) -> Result<File, PutError> {
        let put = |state: &mut State| {
            state.files.insert(name(job));
            File {
                key: name(job),
                url: format!("https://assets.example/{}", job.id),
            }
        };
        let put = self.call(format!("put {}", name(job)), put).await;
        put.map_err(|_| PutError::S3("slow down".into()))
    }

    async fn delete_if_unwanted(&self, closed: &Job) -> Result<(), DeleteError> {
        let delete = |state: &mut State| {
            state.files.remove(&name(closed));
        };
        let deleted = self.call(format!("delete {}", name(closed)), delete);
        let deleted = deleted.await;
        deleted.map_err(|_| DeleteError::S3("slow down".into()))
    }

    async fn write_ends(
        &self,
        ends: Ends,
        guard: ErasureGuard<'_>,
        now: Time,
    ) -> Result<WrittenEnds, StoreError> {
        assert_eq!(guard.tenant.as_str(), "tenant-1");
        let call = format!("write {}", names(ends.jobs.iter().map(|(job, _)| job)));
        let written = self.call(call, |state| state.writes(ends, now)).await;
        written.map_err(|is_refused| match is_refused {
            true => StoreError::Refused("too large".into()),
            false => StoreError::Write("throttled".into()),
        })
    }

    fn ended(&self, job: &Job, drawn: &Drawn, _end: &OutboxEntry, _now: Time) {
        let mut state = self.state();
        state.measured.push(name(job));
        let characters: u32 = drawn.undrawn().iter().map(|field| field.characters).sum();
        if characters > 0 {
            state.counted.push((name(job), characters));
        }
    }

    async fn cancel_erased(&self, job: JobId, now: Time) -> Result<(), CloseError> {
        let call = format!("cancel {}", self.state().name(job));
        let cancel = |state: &mut State| {
            let open = state.jobs[&job].clone();
            if let Some(cancelled) = domain::cancel_erased(open, now) {
                state.closes(cancelled);
                let mut end = state.ends[&job].clone();
                state.publishes(state.name(job), &end);
                end.published = true;
                state.ends.insert(job, end);
            }
        };
        let cancelled = self.call(call, cancel).await;
        cancelled.map_err(|_| CloseError::Commit(CommitError::Store(StoreError::Contended)))
    }

    async fn publish(&self, entries: &[&OutboxEntry]) -> Vec<Result<(), PublishEntryError>> {
        let mut published = Vec::new();
        for end in entries {
            let job = {
                let state = self.state();
                state.name(state.job_of(end))
            };
            let publish = |state: &mut State| state.publishes(job.clone(), end);
            let sent = self.call(format!("publish {job}"), publish).await;
            published.push(sent.map_err(|_| PublishEntryError::Publish(PublishError::Closed)));
        }
        published
    }

    async fn leave_to_sweep(
        &self,
        job: &Job,
        is_withheld: bool,
        _now: Time,
    ) -> Result<(), StoreError> {
        let leave = |state: &mut State| state.leaves(job, is_withheld);
        let left = self.call(format!("leave {}", name(job)), leave).await;
        left.map_err(|_| StoreError::Write("throttled".into()))
    }

    async fn mark_published(&self, end: &OutboxEntry) -> Result<(), StoreError> {
        let (job, name) = {
            let state = self.state();
            let job = state.job_of(end);
            (job, state.name(job))
        };
        let mark = |state: &mut State| state.marks(job);
        let marked = self.call(format!("mark {name}"), mark).await;
        marked.map_err(|_| StoreError::Write("throttled".into()))
    }

    async fn send(&self, outgoing: Vec<Outgoing>) -> Vec<Result<(), SendError>> {
        let count = outgoing.len();
        let send = |state: &mut State| state.sent.extend(outgoing);
        match self.call("send".to_owned(), send).await {
            Ok(()) => (0..count).map(|_| Ok(())).collect(),
            Err(_) => (0..count).map(|_| Err(SendError::NotAnswered)).collect(),
        }
    }

    async fn write_dead_letter(
        &self,
        letter: &DeadLetter,
        _now: Time,
    ) -> Result<(), DeadLetterError> {
        let write = |state: &mut State| state.dead_letters.push(letter.clone());
        let written = self.call("dead-letter".to_owned(), write).await;
        written.map_err(|_| DeadLetterError::Index(StoreError::Contended))
    }
}
