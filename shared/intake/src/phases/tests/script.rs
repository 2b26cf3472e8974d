//! Effects as a test scripts them: what each call comes to, and what came of all of them.
//!
//! A call is named after the event it is for: `commit a1`, `publish a1`, `mark a1`; one for several
//! events after all of them, in order: `together a1+b1`, `send a1+b1`; a dead letter after its
//! coordinates: `dead-letter 0@2`; the look at the table is `read`. What the script does not
//! mention succeeds.
//!
//! `sent a1` is what the answer to a call that sends `a1` says of it: it is refused if that fails;
//! if that is lost, it is in the queue, but left out of the answer.
//!
//! An event whose `commit` the script mentions cancels the transaction of any group that it is in. One
//! whose `decide` it mentions is refused before it is committed by itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use contract::{Time, Topic};
use dead_letters::{DeadLetter, DeadLetterError, DeliveredBy};
use domain::{EntityKey, EntityState, JobId, OutboundEvent, PlanError, Planning, ProviderRouting};
use kafka::PublishError;
use outbox::{CommitError, LookedUp, Seen, SendEntryError};
use queue::{MOST_AT_ONCE, SendError};
use store::{Committed, Expiry, Key, OutboxEntry, Prepared, StoreError};
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
}

/// What the script's outbox, Kafka, queue and bucket hold.
#[derive(Default)]
pub(super) struct State {
    answers: BTreeMap<String, Answer>,
    /// The calls of this invocation, as they began.
    pub(super) calls: Vec<String>,
    /// Those that succeeded.
    succeeded: BTreeSet<String>,
    /// The events committed by themselves whose entity was known before, in order.
    pub(super) known: Vec<String>,
    /// The entities that are being committed.
    committing: BTreeSet<EntityKey>,
    entities: BTreeMap<EntityKey, EntityState>,
    /// By the event's id.
    pub(super) entries: BTreeMap<String, OutboxEntry>,
    pub(super) jobs: BTreeMap<JobId, String>,
    /// What Kafka has, in order: the event's id, and the bytes that follow from it.
    pub(super) kafka: Vec<(String, Vec<OutboundEvent>)>,
    /// The jobs that the queue has or had, as `a1 poster`.
    pub(super) sent: BTreeSet<String>,
    /// The jobs that are closed, as `a1 poster`.
    closed: BTreeSet<String>,
    /// By their coordinates, as `0@2`.
    pub(super) dead_letters: BTreeMap<String, DeadLetter>,
    /// What an operator set aside, as `0@2`, and why.
    set_aside: BTreeMap<String, String>,
    /// Who had delivered what was dead-lettered, each time.
    pub(super) delivered_by: Vec<DeliveredBy>,
    /// The metrics of each batch: received, done, dead-lettered, retried.
    pub(super) measured: Vec<[usize; 4]>,
    /// How many events of each batch that has any were older than what was known.
    pub(super) older: Vec<usize>,
    /// By how many milliseconds the events of each batch that has such were ahead.
    pub(super) ahead: Vec<u64>,
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

    /// Has an operator set the record at `place` aside.
    pub(super) fn sets_aside(&self, place: &str, why: &str) {
        let mut state = self.state();
        state.set_aside.insert(place.to_owned(), why.to_owned());
    }

    /// From now on each call succeeds, unless it fails for good.
    pub(super) fn heals(&self) {
        let mut state = self.state();
        state
            .answers
            .retain(|_, answer| *answer == Answer::FailsForGood);
    }

    /// Closes a job, as what renders it does in the end.
    pub(super) fn closes(&self, job: &str) {
        let mut state = self.state();
        assert!(state.sent.contains(job), "{job} was not sent");
        state.closed.insert(job.to_owned());
    }

    /// Closes every job that was sent.
    pub(super) fn closes_all(&self) {
        let mut state = self.state();
        state.closed = state.sent.clone();
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
        }
        let mut state = self.state();
        let done = effect(&mut state)?;
        state.succeeded.insert(call);
        match answer {
            Some(Answer::IsLost) => Err(failed()),
            _ => Ok(done),
        }
    }

    fn begin_to_commit(&self, entities: &[EntityKey]) {
        for entity in entities {
            let is_alone = self.state().committing.insert(*entity);
            assert!(is_alone, "two commits of one entity at the same time");
        }
    }

    fn end_committing(&self, entities: &[EntityKey]) {
        for entity in entities {
            self.state().committing.remove(entity);
        }
    }

    async fn success_of(&self, call: &str) {
        while !self.state().succeeded.contains(call) {
            yield_now().await;
        }
    }
}

impl State {
    /// Decides as the outbox does.
    fn decide(
        &mut self,
        read: &ReadEvent,
        before: Option<&EntityState>,
        now: Time,
    ) -> Result<Prepared, PlanError> {
        let (inbound, description) = (&read.inbound, &read.description);
        let planning = Planning {
            now,
            deadline: now.plus_seconds(900),
            routing: &ProviderRouting::default(),
        };
        let decision = domain::plan(before, inbound, description, planning)?;
        for job in &decision.jobs {
            let name = format!("{} {}", inbound.id, job.asset.as_str());
            self.jobs.insert(job.id, name);
        }
        let key = Key::inbound(inbound.key(&description.tenant));
        let expiry = Expiry {
            from: now,
            republish_from: None,
        };
        Ok(Prepared::new(key, &inbound.id, decision, expiry, None))
    }

    /// Commits as the outbox does: what is committed is found again.
    fn commit(&mut self, read: &ReadEvent, now: Time) -> Result<Committed, CommitError> {
        if let Some(entry) = self.entries.get(&read.inbound.id) {
            return Ok(Committed {
                entry: entry.clone(),
                entity: None,
            });
        }
        let before = self.entities.get(&entity_of(read)).cloned();
        let decided = self.decide(read, before.as_ref(), now)?;
        Ok(self.write(decided.committed()))
    }

    /// Commits all of `group` as the store does, on the conditions that nothing of it is there and
    /// no entity has changed.
    fn commit_together(&mut self, group: &[Prepared]) -> Option<Vec<Committed>> {
        let group = || group.iter().map(Prepared::committed);
        let holds = |committed: &Committed| {
            let entity = committed.entity.as_ref().unwrap();
            let before = self.entities.get(&entity.key());
            !self.entries.contains_key(&committed.entry.content)
                && before.map_or(0, |before| before.version) + 1 == entity.version
        };
        let all_hold = group().all(holds);
        all_hold.then(|| group().map(|committed| self.write(committed)).collect())
    }

    fn write(&mut self, committed: &Committed) -> Committed {
        let Committed { entry, entity } = committed.clone();
        let entity = entity.unwrap();
        self.entities.insert(entity.key(), entity);
        self.entries.insert(entry.content.clone(), entry);
        committed.clone()
    }

    /// Reads what the outbox does.
    fn look_up(&self, events: &[&ReadEvent]) -> LookedUp {
        let entity = |read: &&ReadEvent| {
            let key = entity_of(read);
            (key, self.entities.get(&key).cloned())
        };
        let seen = |read: &&ReadEvent| match self.entries.get(&read.inbound.id) {
            Some(entry) => Seen::Before(self.found(entry)),
            None => Seen::New,
        };
        LookedUp {
            entities: events.iter().map(entity).collect(),
            events: events.iter().map(seen).collect(),
        }
    }

    /// An entry as it is found: published, too, once all jobs that it opened are closed.
    fn found(&self, entry: &OutboxEntry) -> OutboxEntry {
        let is_closed = |job: &JobId| self.closed.contains(&self.jobs[job]);
        let mut found = entry.clone();
        found.published |= !entry.starts.is_empty() && entry.starts.iter().all(is_closed);
        found
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

    /// Takes the message about the jobs of `entry` into the queue, as far as the script lets it.
    fn send(&mut self, entry: &OutboxEntry) -> Result<(), SendError> {
        let id = &entry.content;
        assert!(
            !entry.published && !entry.starts.is_empty(),
            "{id}: nothing is to be sent"
        );
        let is_published = self.kafka.iter().any(|(other, _)| other == id);
        assert!(is_published, "{id}: its events come first");
        let answer = self.answers.get(&format!("sent {id}")).copied();
        if answer == Some(Answer::Fails) {
            return Err(SendError::Refused {
                code: "InternalError".to_owned(),
                sender_fault: false,
                message: "try again".to_owned(),
            });
        }
        for job in &entry.starts {
            self.sent.insert(self.jobs[job].clone());
        }
        match answer {
            Some(Answer::IsLost) => Err(SendError::NotAnswered),
            _ => Ok(()),
        }
    }
}

fn entity_of(read: &ReadEvent) -> EntityKey {
    EntityKey::new(&read.description.tenant, &read.description.entity)
}

impl Effects for Script {
    fn now(&self) -> SystemTime {
        *self.clock.lock().unwrap()
    }

    fn traces(&self) -> &Traces {
        &self.traces
    }

    fn emit(&self, measured: Measured<'_>) {
        let mut state = self.state();
        match measured {
            Measured::Batch {
                received,
                done,
                dead_lettered,
                retried,
                ..
            } => state
                .measured
                .push([received, done, dead_lettered, retried]),
            Measured::Older { events, .. } => state.older.push(events),
            Measured::Ahead { milliseconds, .. } => state.ahead.push(milliseconds),
            _ => panic!("{measured:?}"),
        }
    }

    async fn look_up(&self, events: &[&ReadEvent]) -> Result<LookedUp, StoreError> {
        let read = |state: &mut State| Ok(state.look_up(events));
        let failed = || StoreError::Read("throttled".into());
        self.call("read".to_owned(), read, failed).await
    }

    fn decide(
        &self,
        read: &ReadEvent,
        before: Option<&EntityState>,
        now: Time,
    ) -> Result<Prepared, PlanError> {
        let mut state = self.state();
        match state.answers.get(&format!("decide {}", read.inbound.id)) {
            Some(_) => Err(PlanError::TooManyAssets(usize::MAX)),
            None => state.decide(read, before, now),
        }
    }

    async fn commit_together(
        &self,
        group: Vec<Prepared>,
    ) -> Result<Option<Vec<Committed>>, StoreError> {
        let committed = || group.iter().map(Prepared::committed);
        let mut ids: Vec<&str> = committed().map(|one| &*one.entry.content).collect();
        ids.sort_unstable();
        let entities = committed().filter_map(|one| one.entity.as_ref());
        let entities: Vec<EntityKey> = entities.map(EntityState::key).collect();
        self.begin_to_commit(&entities);
        let is_cancelled = {
            let state = self.state();
            let is_mentioned = |id: &&str| state.answers.contains_key(&format!("commit {id}"));
            ids.iter().any(is_mentioned)
        };
        let commit = |state: &mut State| {
            let written = (!is_cancelled).then(|| state.commit_together(&group));
            Ok(written.flatten())
        };
        let failed = || StoreError::Write("throttled".into());
        let call = format!("together {}", ids.join("+"));
        let committed = self.call(call, commit, failed).await;
        self.end_committing(&entities);
        committed
    }

    async fn commit(
        &self,
        read: &ReadEvent,
        before: Option<&EntityState>,
        now: Time,
    ) -> Result<Committed, CommitError> {
        let entity = [entity_of(read)];
        if before.is_some() {
            self.state().known.push(read.inbound.id.clone());
        }
        self.begin_to_commit(&entity);
        let call = format!("commit {}", read.inbound.id);
        let failed = match self.state().answers.get(&call) {
            Some(Answer::FailsForGood) => CommitError::IdReused,
            _ => CommitError::Store(StoreError::Contended),
        };
        let commit = |state: &mut State| state.commit(read, now);
        let committed = self.call(call, commit, || failed).await;
        self.end_committing(&entity);
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

    async fn is_set_aside(
        &self,
        (_, partition, offset): (Topic, i32, i64),
    ) -> Result<Option<String>, StoreError> {
        let place = format!("{partition}@{offset}");
        Ok(self.state().set_aside.get(&place).cloned())
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

    async fn send(&self, entries: &[&OutboxEntry]) -> Vec<Result<(), SendEntryError>> {
        assert!(entries.len() <= MOST_AT_ONCE, "SQS takes no more at once");
        let ids: Vec<&str> = entries.iter().map(|entry| &*entry.content).collect();
        let call = format!("send {}", ids.join("+"));
        let send = |state: &mut State| {
            let sent = entries.iter().map(|entry| state.send(entry));
            Ok(sent.collect::<Vec<_>>())
        };
        let failed = || SendError::Call(Arc::new(StoreError::Contended));
        let sent = match self.call(call, send, failed).await {
            Ok(sent) => sent,
            Err(error) => vec![Err(error); entries.len()],
        };
        let results = sent.into_iter();
        results
            .map(|sent| sent.map_err(SendEntryError::Send))
            .collect()
    }

    async fn mark_published(&self, entry: &OutboxEntry) -> Result<(), StoreError> {
        let id = &entry.content;
        assert!(entry.starts.is_empty(), "{id}: its jobs tell instead");
        let mark = |state: &mut State| {
            state.entries.get_mut(id).unwrap().published = true;
            Ok(())
        };
        self.call(format!("mark {id}"), mark, || StoreError::Contended)
            .await
    }
}
