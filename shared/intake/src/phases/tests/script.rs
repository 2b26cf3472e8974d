//! Effects as a test scripts them: what each call comes to, and what came of all of them.
//!
//! A call is named after the event it is for: `commit a1`, `publish a1`, `start a1 poster`,
//! `mark a1`; a dead letter after its coordinates: `dead-letter 0@2`. What the script does not
//! mention succeeds.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    sync::{Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use contract::Time;
use dead_letters::{DeadLetter, DeadLetterError, DeliveredBy};
use domain::{
    Decision, EntityKey, EntityState, JobId, OutboundEvent, Planning, ProviderRouting, WorkId,
};
use kafka::PublishError;
use outbox::{CommitError, StartError};
use store::{Key, OutboxEntry, StoreError};
use telemetry::{Measured, Traces};
use tokio::{task::yield_now, time::sleep};

use crate::{effects::Effects, record::ReadEvent};

/// What comes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It fails, and changes nothing.
    Fails,
    /// It does what it should, and the answer is lost.
    IsLost,
    /// It fails, and always will: only a commit does.
    FailsForGood,
    /// It succeeds, and the clock goes on by so much meanwhile.
    Takes(Duration),
    /// It would succeed, but later than a call whose time is up is waited for.
    IsLate,
    /// It is never answered.
    Never,
    /// It succeeds once this other call has.
    Follows(&'static str),
    /// It fails once this other call has succeeded.
    FailsAfter(&'static str),
}

/// What the script's outbox, Kafka, Step Functions and bucket hold.
#[derive(Default)]
pub(super) struct State {
    answers: BTreeMap<String, Answer>,
    /// The calls of this invocation, as they began.
    pub(super) calls: Vec<String>,
    /// Those that succeeded.
    succeeded: BTreeSet<String>,
    /// The entities that are being committed.
    committing: BTreeSet<EntityKey>,
    entities: BTreeMap<EntityKey, EntityState>,
    /// By the event's id.
    pub(super) entries: BTreeMap<String, OutboxEntry>,
    jobs: BTreeMap<JobId, String>,
    /// What Kafka has, in order: the event's id, and the bytes that follow from it.
    pub(super) kafka: Vec<(String, Vec<OutboundEvent>)>,
    /// The executions, as `a1 poster`.
    pub(super) started: BTreeSet<String>,
    /// By their coordinates, as `0@2`.
    pub(super) dead_letters: BTreeMap<String, DeadLetter>,
    /// Who had delivered what was dead-lettered, each time.
    pub(super) delivered_by: Vec<DeliveredBy>,
    /// The metrics of each batch: received, done, dead-lettered, retried.
    pub(super) measured: Vec<[usize; 4]>,
}

/// Effects that answer as a test says.
pub(super) struct Script {
    clock: Mutex<SystemTime>,
    traces: Traces,
    state: Mutex<State>,
}

impl Script {
    /// A script that begins at `now`.
    pub(super) fn new(now: SystemTime, traces: Traces) -> Self {
        Self {
            clock: Mutex::new(now),
            traces,
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

    /// From now on each call succeeds, unless it fails for good.
    pub(super) fn heals(&self) {
        let mut state = self.state();
        state
            .answers
            .retain(|_, answer| *answer == Answer::FailsForGood);
    }

    /// An invocation begins: whatever the last one was waiting for is dropped.
    pub(super) fn begins(&self) {
        let mut state = self.state();
        state.calls.clear();
        state.succeeded.clear();
        state.committing.clear();
    }

    /// Makes `call`, which does `effect` where it succeeds and is `failed` otherwise.
    async fn call<T, E>(
        &self,
        call: String,
        effect: impl FnOnce(&mut State) -> Result<T, E>,
        failed: impl FnOnce() -> E,
    ) -> Result<T, E> {
        let answer = self.state().answers.get(&call).copied();
        if let Some(Answer::Takes(time)) = answer {
            *self.clock.lock().unwrap() += time;
        }
        self.state().calls.push(call.clone());
        // No answer is there at once: other calls go on meanwhile.
        yield_now().await;
        match answer {
            None | Some(Answer::Takes(_) | Answer::IsLost) => {}
            Some(Answer::Fails | Answer::FailsForGood) => return Err(failed()),
            Some(Answer::IsLate) => sleep(Duration::from_secs(1)).await,
            Some(Answer::Never) => pending().await,
            Some(Answer::Follows(other)) => self.success_of(other).await,
            Some(Answer::FailsAfter(other)) => {
                self.success_of(other).await;
                return Err(failed());
            }
        }
        let mut state = self.state();
        let done = effect(&mut state)?;
        state.succeeded.insert(call);
        match answer {
            Some(Answer::IsLost) => Err(failed()),
            _ => Ok(done),
        }
    }

    async fn success_of(&self, call: &str) {
        while !self.state().succeeded.contains(call) {
            yield_now().await;
        }
    }
}

impl State {
    /// Commits as the outbox does: what is committed is found again.
    fn commit(&mut self, read: &ReadEvent, now: Time) -> Result<OutboxEntry, CommitError> {
        let (inbound, description) = (&read.inbound, &read.description);
        if let Some(entry) = self.entries.get(&inbound.id) {
            return Ok(entry.clone());
        }
        let entity = EntityKey::new(&description.tenant, &description.entity);
        let planning = Planning {
            now,
            deadline: now.plus_seconds(900),
            routing: &ProviderRouting::default(),
        };
        let before = self.entities.get(&entity);
        let decision = domain::plan(before, inbound, description, planning)?;
        let Decision { events, starts, .. } = decision;
        for job in &decision.jobs {
            let name = format!("{} {}", inbound.id, job.asset.as_str());
            self.jobs.insert(job.id, name);
        }
        self.entities.insert(entity, decision.entity.unwrap());
        let key = Key::inbound(inbound.key(&description.tenant));
        let mut entry = OutboxEntry::of_erased_tenant(key, inbound.id.clone());
        (entry.events, entry.starts, entry.published) = (events, starts, false);
        self.entries.insert(inbound.id.clone(), entry.clone());
        Ok(entry)
    }

    /// Publishes as the outbox does: what is known to be published is not published again.
    fn publish(&mut self, entry: &OutboxEntry) {
        if entry.published {
            return;
        }
        let id = &entry.content;
        for (_, events) in self.kafka.iter().filter(|(other, _)| other == id) {
            assert_eq!(*events, entry.events, "the same bytes each time");
        }
        self.kafka.push((id.clone(), entry.events.clone()));
    }
}

impl Effects for Script {
    fn now(&self) -> SystemTime {
        *self.clock.lock().unwrap()
    }

    fn traces(&self) -> &Traces {
        &self.traces
    }

    fn emit(&self, measured: Measured<'_>) {
        let Measured::Batch {
            received,
            done,
            dead_lettered,
            retried,
            ..
        } = measured
        else {
            panic!("{measured:?}")
        };
        let counts = [received, done, dead_lettered, retried];
        self.state().measured.push(counts);
    }

    async fn commit(&self, read: &ReadEvent, now: Time) -> Result<OutboxEntry, CommitError> {
        let (id, description) = (&read.inbound.id, &read.description);
        let entity = EntityKey::new(&description.tenant, &description.entity);
        let is_alone = self.state().committing.insert(entity);
        assert!(is_alone, "two commits of one entity at the same time");
        let call = format!("commit {id}");
        let failed = match self.state().answers.get(&call) {
            Some(Answer::FailsForGood) => CommitError::IdReused,
            _ => CommitError::Store(StoreError::Contended),
        };
        let commit = |state: &mut State| state.commit(read, now);
        let committed = self.call(call, commit, || failed).await;
        self.state().committing.remove(&entity);
        committed
    }

    async fn write_dead_letter(
        &self,
        letter: &DeadLetter,
        by: DeliveredBy,
        _now: Time,
    ) -> Result<(), DeadLetterError> {
        let place = format!("{}@{}", letter.partition, letter.offset);
        let call = format!("dead-letter {place}");
        let write = |state: &mut State| {
            state.dead_letters.insert(place, letter.clone());
            state.delivered_by.push(by);
            Ok(())
        };
        let failed = || DeadLetterError::Index(StoreError::Contended);
        self.call(call, write, failed).await
    }

    async fn publish(&self, entries: &[&OutboxEntry]) -> Vec<Result<(), PublishError>> {
        let mut published = Vec::new();
        for entry in entries {
            let call = format!("publish {}", entry.content);
            let publish = |state: &mut State| {
                state.publish(entry);
                Ok(())
            };
            published.push(self.call(call, publish, || PublishError::Closed).await);
        }
        published
    }

    async fn start(&self, job: JobId, _now: Time) -> Result<(), StartError> {
        let name = self.state().jobs[&job].clone();
        let call = format!("start {name}");
        let start = |state: &mut State| {
            state.started.insert(name);
            Ok(())
        };
        let failed = || StartError::Restart {
            id: WorkId::Job(job),
            source: StoreError::Contended,
        };
        self.call(call, start, failed).await
    }

    async fn mark_published(&self, entry: &OutboxEntry) -> Result<(), StoreError> {
        let id = &entry.content;
        let mark = |state: &mut State| {
            state.entries.get_mut(id).unwrap().published = true;
            Ok(())
        };
        self.call(format!("mark {id}"), mark, || StoreError::Contended)
            .await
    }
}
